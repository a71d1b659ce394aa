"""Every check before the first change. Each says what was found and what is needed, or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from faces.errors import SettingsError
from installer import access, api_name, pictures, ports
from installer.app import App
from installer.changes.release import FINISHED, PARTS
from installer.install_paths import USER
from installer.machine_share import LEAST_MEMORY_MB, PROCESS_MB, SHARED_MB
from installer.sentence import Sentence, say
from installer.situation import Situation

#: The oldest releases that have Python 3.10 and glibc 2.28.
_OLDEST = {"debian": (12,), "ubuntu": (22, 4)}

#: What our lock has wheels for.
_PYTHONS = ((3, 10), (3, 13))

#: A release takes 650 MB, and as much again is fetched and unpacked on the way; in MB.
RELEASE_MB = 1700

#: Units and settings, in MB.
FILES_MB = 20

#: Debian packages, where some are missing, in MB.
PACKAGES_MB = 150


def refusals(situation: Situation) -> list[Sentence]:
    """Everything that forbids to begin: all at once, so that a person does not meet one after the other."""
    if not access.exists(USER):
        return [say("rights: found no user {user}, needed it: Debian and Ubuntu have it for web servers", user=USER)]
    return [sentence for check in CHECKS for sentence in check(situation)]


def _root(situation: Situation) -> Iterator[Sentence]:
    if not situation.machine.is_root and not situation.options.dry_run:
        yield say("rights: found user number {user}, needed root: sudo ./install.sh", user=os.geteuid())


def _system(situation: Situation) -> Iterator[Sentence]:
    machine = situation.machine
    oldest = _OLDEST.get(machine.distribution)
    if oldest is None or machine.version < oldest:
        yield say(
            "system: found {name} {version}, needed Debian 12 or newer or Ubuntu 22.04 or newer",
            name=machine.distribution,
            version=".".join(map(str, machine.version)),
        )


def _processor(situation: Situation) -> Iterator[Sentence]:
    machine = situation.machine
    if machine.architecture not in {"x86_64", "aarch64"}:
        yield say("processor: found {found}, needed x86_64 or aarch64", found=machine.architecture)
    elif machine.architecture == "x86_64" and "avx" not in machine.cpu_flags:
        yield say(
            "processor: found no AVX, needed it for dlib; in a virtual machine let its processor be that of the host"
        )


def _python(situation: Situation) -> Iterator[Sentence]:
    machine = situation.machine
    if not machine.has_pip and not situation.options.offline and not machine.has_apt:
        yield say("Python: found neither pip for venvs nor apt-get, needed python3-venv")
    if not _PYTHONS[0] <= machine.python <= _PYTHONS[1]:
        yield say("Python: found {found}, needed 3.10 to 3.13", found="{}.{}".format(*machine.python))


def _bundle(situation: Situation) -> Iterator[Sentence]:
    offline, machine = situation.options.offline, situation.machine
    if offline is None:
        return
    made = offline / "bundle.txt"
    wanted = "Python {}.{} {}".format(*machine.python, machine.architecture)
    try:
        found = made.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, IndexError):
        yield say("--offline: found no bundle in {folder}, needed a folder that script/bundle made", folder=offline)
        return
    if found != wanted:
        yield say("--offline: found a bundle for {found}, needed one for {wanted}", found=found, wanted=wanted)
    if situation.options.choices.native:
        yield say("--native: found --offline beside it, needed the network: a compiler and dlib's source are fetched")


def _disk(situation: Situation) -> Iterator[Sentence]:
    place = situation.places.prefix
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free // 1024**2
    needed = max(FILES_MB, RELEASE_MB - _there_mb(situation))
    if free < needed:
        yield say("disk: found {free} MB free at {place}, needed {needed}", free=free, place=place, needed=needed)
    var = situation.places.root / "var"
    packages = shutil.disk_usage(var).free // 1024**2 if var.exists() else PACKAGES_MB
    if packages < PACKAGES_MB:
        yield say(
            "disk: found {free} MB free at {place}, needed {needed}", free=packages, place=var, needed=PACKAGES_MB
        )


def _there_mb(situation: Situation) -> int:
    """What of the release is there already: all, or what an interrupted run left."""
    folder = situation.release.folder
    if (folder / FINISHED).exists():
        return RELEASE_MB
    sizes = (
        _size(Path(place, name))
        for start in (folder, situation.places.cache)
        for place, _, names in os.walk(start)
        for name in names
    )
    return sum(sizes) // 1024**2


def _size(file: Path) -> int:
    """Bytes on the disk; none where what an interrupted run started has just removed it."""
    try:
        return file.lstat().st_blocks * 512
    except FileNotFoundError:
        return 0


def _memory(situation: Situation) -> Iterator[Sentence]:
    memory, asked = situation.machine.memory_mb, situation.options.api_processes
    if memory < LEAST_MEMORY_MB:
        yield say("memory: found {found} MB, needed {needed}", found=memory, needed=LEAST_MEMORY_MB)
    elif asked and SHARED_MB + asked * PROCESS_MB > memory:
        yield say(
            "--api-processes {asked}: found {found} MB of memory, needed {needed}",
            asked=asked,
            found=memory,
            needed=SHARED_MB + asked * PROCESS_MB,
        )


def _processes(situation: Situation) -> Iterator[Sentence]:
    asked, kept = situation.options.api_processes, situation.settings.processes
    if asked and situation.settings.variables and kept != asked:
        yield say(
            "--api-processes {asked}: found {file} with FACE_API_PROCESSES {kept}, and that file is never overwritten; "
            "needed the number there, or nothing here",
            asked=asked,
            file=situation.places.env_file,
            kept=kept or "-",
        )


def _starter(situation: Situation) -> Iterator[Sentence]:
    machine = situation.machine
    if not situation.supervisor and not machine.has_systemd:
        yield say("systemd: found it not running as process 1, needed that, or --supervisor")
    elif situation.supervisor and not machine.has_supervisor:
        if machine.has_systemd and machine.has_apt and not machine.knows_supervisor and not situation.options.offline:
            return  # it is installed with the other packages, and Debian starts it
        if machine.has_systemd:
            yield say("supervisor: found none that answers, needed it started: systemctl start supervisor")
        else:
            yield say(
                "supervisor: found none that answers and no systemd, needed one of them: apt-get install supervisor, "
                "start it"
            )


def _ports(situation: Situation) -> Iterator[Sentence]:
    for address in situation.settings.addresses:
        try:
            ports.in_numbers(address)
            reason = None if situation.holds_ports else ports.why_not(address)
        except OSError as error:
            reason = error.strerror
        except SettingsError:
            yield say(
                "{file}: found the address {address!r}, needed host:port",
                file=situation.places.env_file,
                address=address,
            )
            continue
        if reason:
            yield say(
                "port: found that nobody can listen on {address} ({reason}), needed it free, or another "
                "FACE_API_ADDRESS in {file}",
                address=address,
                reason=reason,
                file=situation.places.env_file,
            )


def _ways(situation: Situation) -> Iterator[Sentence]:
    """Nothing that root or a unit runs is reached through a folder that another user may change."""
    places = situation.places
    for path in (places.prefix, places.etc, places.units, places.command.parent):
        if found := access.stranger_on_the_way(path):
            yield say(
                "rights: found {place} on the way to {path}, which {who} may change; needed folders of root alone",
                place=found[0],
                path=path,
                who=found[1],
            )
    if place := access.writable_on_the_way(USER, situation.source, PARTS):
        yield say(
            "rights: found that {user} may change {place}, and root runs what is in {source}; needed a folder that it "
            "may not write, /root/face-sidecar for example",
            user=USER,
            place=place,
            source=situation.source,
        )


def _older(situation: Situation) -> Iterator[Sentence]:
    places, record = situation.places, situation.record
    theirs = [places.command, places.units / "face-api.service", places.units / "face-api.socket", places.current]
    for path in theirs:
        if os.path.lexists(path) and not record.knows(path):
            yield say(
                "an older install: found {path}, which this installer did not put there; needed it away: see what it "
                "is, stop it and remove it",
                path=path,
            )
    for put in record.footprints:
        earlier = Path(put.name).parent
        if put.kind == "link" and put.name.endswith("/current") and earlier != places.prefix:
            yield say("--prefix: found an install in {earlier}, needed the same, or --uninstall first", earlier=earlier)
    if situation.supervisor and record.knows(places.units / "face-api.service"):
        yield say("--supervisor: found an install under systemd, needed --uninstall first; settings and data stay")


def _laravel(situation: Situation) -> Iterator[Sentence]:
    choices, app = situation.options.choices, situation.app
    if app is None:
        if choices.workers:
            yield say("--with-worker: found no app, needed its .env: --laravel-env FILE")
        if choices.layout == "laravel":
            yield say("--layout laravel: found no app, needed its .env: --laravel-env FILE")
        return
    if choices.layout == "laravel":
        yield from _places_of_links(situation, app)
    if not access.can(USER, app.env_file, os.R_OK):
        yield say(
            "the app's .env: found that {user} may not read {file}, needed that: chgrp {group} and chmod 640, and x on "
            "the folders above",
            user=USER,
            file=app.env_file,
            group=USER,
        )


def _places_of_links(situation: Situation, app: App) -> Iterator[Sentence]:
    for name in situation.places.links_in_app:
        path = app.folder / name
        if os.path.lexists(path) and not (path.is_symlink() and situation.record.knows(path)):
            yield say("--layout laravel: found {path}, which is no link of ours, needed it away: move it", path=path)


#: In the order in which a person reads what they found.
CHECKS: tuple[Callable[[Situation], Iterator[Sentence]], ...] = (
    _root,
    _system,
    _processor,
    _python,
    _bundle,
    _disk,
    _memory,
    _processes,
    _starter,
    _ports,
    _ways,
    _older,
    _laravel,
    api_name.refusal,
    pictures.refusals,
)
