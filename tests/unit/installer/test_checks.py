from __future__ import annotations

import dataclasses
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from installer import checks
from installer.face_env import FaceEnv
from installer.options import Choices, Options
from installer.record import Footprint
from installer.sentence import Language
from installer.situation import Situation
from tests.unit.installer.situations import GOOD, app_in, situation


def refusals(at: Situation) -> list[str]:
    """Without what a test's own folder is refused for: it is not root's."""
    said = [Language().render(sentence) for sentence in checks.refusals(at)]
    return [text for text in said if "on the way to" not in text]


def test_a_good_machine_is_refused_nothing(tmp_path: Path) -> None:
    assert refusals(situation(tmp_path)) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"is_root": False}, f"rights: found user number {os.geteuid()}, needed root: sudo ./install.sh"),
        (
            {"distribution": "debian", "version": (11,)},
            "system: found debian 11, needed Debian 12 or newer or Ubuntu 22.04 or newer",
        ),
        (
            {"distribution": "ubuntu", "version": (20, 4)},
            "system: found ubuntu 20.4, needed Debian 12 or newer or Ubuntu 22.04 or newer",
        ),
        (
            {"distribution": "fedora", "version": (41,)},
            "system: found fedora 41, needed Debian 12 or newer or Ubuntu 22.04 or newer",
        ),
        ({"architecture": "armv7l"}, "processor: found armv7l, needed x86_64 or aarch64"),
        (
            {"cpu_flags": frozenset({"sse4_2"})},
            "processor: found no AVX, needed it for dlib; in a virtual machine let its processor be that of the host",
        ),
        ({"python": (3, 9)}, "Python: found 3.9, needed 3.10 to 3.13"),
        ({"python": (3, 14)}, "Python: found 3.14, needed 3.10 to 3.13"),
        (
            {"has_pip": False, "has_apt": False},
            "Python: found neither pip for venvs nor apt-get, needed python3-venv",
        ),
        ({"memory_mb": 512}, "memory: found 512 MB, needed 900"),
        (
            {"has_systemd": False},
            "supervisor: found none that answers and no systemd, needed one of them: apt-get install supervisor, "
            "start it",
        ),
    ],
)
def test_an_unfit_machine_is_told_what_was_found_and_what_is_needed(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    assert refusals(situation(tmp_path, dataclasses.replace(GOOD, **changes))) == [sentence]


def test_aarch64_needs_no_avx_and_supervisor_does_where_there_is_no_systemd(tmp_path: Path) -> None:
    machine = dataclasses.replace(
        GOOD, architecture="aarch64", cpu_flags=frozenset(), has_systemd=False, has_supervisor=True
    )
    at = situation(tmp_path, machine)
    assert refusals(at) == []
    assert at.supervisor


def test_a_person_hears_of_everything_at_once(tmp_path: Path) -> None:
    machine = dataclasses.replace(GOOD, is_root=False, memory_mb=100, architecture="riscv64")
    assert [text.split(":")[0] for text in refusals(situation(tmp_path, machine))] == ["rights", "processor", "memory"]


def test_who_only_looks_needs_not_be_root(tmp_path: Path) -> None:
    assert refusals(situation(tmp_path, dataclasses.replace(GOOD, is_root=False), Options(dry_run=True))) == []


def test_a_taken_port_is_named_with_who_has_it_unless_it_is_our_own(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        at = situation(tmp_path, settings=FaceEnv({"FACE_API_ADDRESS": address}))
        (sentence,) = refusals(at)
        assert sentence.startswith(f"port: found that nobody can listen on {address} (Address already in use, ")
        assert f"({os.getpid()})" in sentence
        assert refusals(dataclasses.replace(at, holds_ports=True)) == []


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("localhost", "face.env: found the address 'localhost', needed host:port"),
        ("nowhere.invalid:5000", "port: found that nobody can listen on nowhere.invalid:5000 ("),
    ],
)
def test_an_address_that_is_none_is_named_also_at_an_upgrade(tmp_path: Path, address: str, sentence: str) -> None:
    at = situation(tmp_path, settings=FaceEnv({"FACE_API_ADDRESS": address}), holds_ports=True)
    (said,) = refusals(at)
    assert sentence in said


def test_more_processes_than_the_memory_holds_are_refused(tmp_path: Path) -> None:
    at = situation(tmp_path, options=Options(api_processes=30), settings=FaceEnv({}))
    assert refusals(dataclasses.replace(at, holds_ports=True)) == [
        "--api-processes 30: found 8000 MB of memory, needed 10750"
    ]


def test_face_env_is_not_overwritten_by_a_word(tmp_path: Path) -> None:
    at = situation(tmp_path, options=Options(api_processes=2))
    (sentence,) = refusals(at)
    assert sentence.startswith(f"--api-processes 2: found {at.places.env_file} with FACE_API_PROCESSES -")
    same = dataclasses.replace(at, settings=FaceEnv({**at.settings.variables, "FACE_API_PROCESSES": "2"}))
    assert refusals(same) == []


def test_workers_and_links_need_the_app(tmp_path: Path) -> None:
    options = Options(choices=Choices(workers=2, layout="laravel"))
    assert refusals(situation(tmp_path, options=options)) == [
        "--with-worker: found no app, needed its .env: --laravel-env FILE",
        "--layout laravel: found no app, needed its .env: --laravel-env FILE",
    ]


def test_a_link_takes_nobodys_place(app_folder: Path, tmp_path: Path) -> None:
    at = situation(tmp_path, options=Options(choices=Choices(layout="laravel")), app=app_in(app_folder))
    assert refusals(at) == []
    place = app_folder / "face-api-venv"
    place.symlink_to("/opt/older")
    sentence = f"--layout laravel: found {place}, which is no link of ours, needed it away: move it"
    assert refusals(at) == [sentence]
    at.record.footprints.append(Footprint("link", str(place)))
    assert refusals(at) == []
    place.unlink()
    place.mkdir()
    assert refusals(at) == [sentence]


def test_code_that_the_service_could_change_is_not_run_by_root(tmp_path: Path, app_folder: Path) -> None:
    (app_folder / "faces").mkdir()
    code = app_folder / "faces/__init__.py"
    code.write_text("__version__ = '1'")
    at = situation(tmp_path, source=app_folder)
    assert refusals(at) == []
    code.chmod(0o666)
    (sentence,) = refusals(at)
    assert sentence.startswith(f"rights: found that www-data may change {code}, and root runs what is in {app_folder}")


def test_one_machine_has_one_install(tmp_path: Path) -> None:
    at = situation(tmp_path)
    at.record.footprints.append(Footprint("link", "/opt/elsewhere/current"))
    at.record.footprints.append(Footprint("file", str(at.places.units / "face-api.service")))
    assert refusals(at) == ["--prefix: found an install in /opt/elsewhere, needed the same, or --uninstall first"]
    machine = dataclasses.replace(GOOD, has_supervisor=True)
    options = Options(choices=Choices(supervisor=True))
    assert "--supervisor: found an install under systemd, needed --uninstall first; settings and data stay" in refusals(
        dataclasses.replace(at, machine=machine, options=options)
    )


def test_what_somebody_else_put_there_is_left_to_him(tmp_path: Path) -> None:
    at = situation(tmp_path)
    at.places.command.parent.mkdir(parents=True)
    at.places.command.touch()
    (sentence,) = refusals(at)
    assert sentence.startswith(f"an older install: found {at.places.command}, which this installer did not put there")
    at.record.footprints.append(Footprint("file", str(at.places.command)))
    assert refusals(at) == []


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (None, "--offline: found no bundle in {folder}, needed a folder that script/bundle made"),
        ("Python 3.12 x86_64", "--offline: found a bundle for Python 3.12 x86_64, needed one for Python 3.11 x86_64"),
        ("Python 3.11 x86_64", None),
    ],
)
def test_a_bundle_is_for_one_python_and_one_architecture(
    tmp_path: Path, made: str | None, sentence: str | None
) -> None:
    if made:
        (tmp_path / "bundle.txt").write_text(made + "\n")
    found = refusals(situation(tmp_path, options=Options(offline=tmp_path)))
    assert found == ([sentence.format(folder=tmp_path)] if sentence else [])


def test_no_folder_on_the_way_is_somebody_elses(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    said = [Language().render(sentence) for sentence in checks.refusals(situation(tmp_path))]
    assert any(f"on the way to {tmp_path}/opt/face-sidecar" in text for text in said)
