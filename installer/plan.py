"""Which changes an installation consists of, in their order. Reading it is --dry-run, doing it is installing."""

from __future__ import annotations

from faces.system import env_file as face_env
from installer import first_settings
from installer.changes.change import Change
from installer.changes.files import MakeFolder, Owner, PutFile, PutLink
from installer.changes.group import MakeGroup
from installer.changes.native import BuildDlib
from installer.changes.packages import InstallPackages
from installer.changes.trial import TryRelease
from installer.face_env import FaceEnv
from installer.install_paths import GROUP, USER
from installer.machine_share import MachineShare
from installer.ready import Readiness
from installer.services.service import Service, filled
from installer.services.supervisor import Supervisor
from installer.services.systemd import Systemd
from installer.situation import Situation
from installer.switch import RemoveOldReleases, Switch

_BOTH = Owner(USER, GROUP)

#: What building dlib wants of Debian.
_COMPILER = ("g++", "make", "cmake", "python3-dev", "libopenblas-dev")


def changes(situation: Situation) -> list[Change]:
    """Everything from nothing to a service that answers."""
    release = situation.release
    places = situation.places
    settings = settings_of(situation)
    switch = Switch(release.folder, situation.source, places, service_of(situation, settings), _readiness(settings))
    return [
        *_packages(situation),
        MakeFolder(places.etc),
        MakeGroup(GROUP, USER),
        MakeFolder(places.prefix, tree=True),
        MakeFolder(places.releases),
        MakeFolder(places.state, 0o770, _BOTH, data=True, tree=True),
        MakeFolder(places.logs, 0o755, data=True, tree=True),
        _env_file(situation),
        release,
        *([BuildDlib(release.folder)] if situation.options.choices.native else []),
        *_system_files(situation),
        *_links(situation),
        TryRelease(release.folder, lambda: not switch.describe(), lambda: face_env.read(places.env_file)),
        switch,
        RemoveOldReleases(release.folder, places),
    ]


def settings_of(situation: Situation) -> FaceEnv:
    """What face.env says, or will say."""
    if situation.settings.variables:
        return situation.settings
    return FaceEnv(first_settings.values(situation.machine, situation.options, situation.places, situation.app))


def service_of(situation: Situation, settings: FaceEnv) -> Service:
    """Systemd or supervisor, as it was chosen."""
    workers = situation.options.choices.workers or 0
    if situation.supervisor:
        return Supervisor(situation.places, workers, settings)
    machine = situation.machine
    share = MachineShare.of(machine.cores, machine.memory_mb, settings.processes or machine.cores)
    return Systemd(situation.places, share, workers, settings)


def _readiness(settings: FaceEnv) -> Readiness:
    return Readiness(settings.address, settings.key)


def _packages(situation: Situation) -> list[Change]:
    machine, options = situation.machine, situation.options
    if options.offline:
        return []
    names = [] if machine.has_python else ["python3"]
    names += [] if machine.has_pip else ["python3-venv"]
    names.append("ca-certificates")
    if situation.supervisor and not machine.knows_supervisor:
        names.append("supervisor")
    return [InstallPackages((*names, *(_COMPILER if options.choices.native else ())), situation.source)]


def _env_file(situation: Situation) -> PutFile:
    example = (situation.source / "etc/face.env.example").read_text(encoding="utf-8")
    found = first_settings.values(situation.machine, situation.options, situation.places, situation.app)
    return PutFile(situation.places.env_file, first_settings.filled(example, found), 0o600, once=True, data=True)


#: Of the checkout's etc/: the file, where it is put, its mode.
_SYSTEM_FILES = (
    ("sysusers.d/face-sidecar.conf", "usr/lib/sysusers.d/face-sidecar.conf", 0o644),
    ("tmpfiles.d/face-sidecar.conf", "usr/lib/tmpfiles.d/face-sidecar.conf", 0o644),
    ("logrotate.d/face-sidecar", "etc/logrotate.d/face-sidecar", 0o644),
    ("face-sidecar", "usr/local/bin/face-sidecar", 0o755),
)


def _system_files(situation: Situation) -> list[Change]:
    etc, places = situation.source / "etc", situation.places
    found: list[Change] = []
    for name, target, mode in _SYSTEM_FILES:
        if (etc / name).exists():
            path = places.root / target
            found += [MakeFolder(path.parent)] if not path.parent.exists() else []
            found.append(PutFile(path, filled((etc / name).read_text(encoding="utf-8"), places.prefix), mode))
    return found


def _links(situation: Situation) -> list[Change]:
    app, places = situation.app, situation.places
    if situation.options.choices.layout != "laravel" or app is None:
        return []
    return [PutLink(app.folder / name, target) for name, target in places.links_in_app.items()]
