"""What the files below etc/ promise by their numbers and names."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from faces.launch import MODULES, UMASK
from faces.settings import Settings

ETC = Path(__file__).resolve().parents[2] / "etc"
UNITS = {"face_api": ETC / "systemd/face-api.service", "worker": ETC / "systemd/face-worker@.service"}
PROGRAMS = {"face_api": ETC / "supervisor/face-api.conf", "worker": ETC / "supervisor/face-worker.conf"}


def in_unit(module: str, name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", UNITS[module].read_text(encoding="utf-8"), re.MULTILINE)
    return str(value)


def in_program(module: str, name: str) -> str:
    file = configparser.RawConfigParser()
    file.read(PROGRAMS[module])
    (section,) = file.sections()
    return file[section][name]


def seconds_of_a_stop(module: str) -> float:
    """How long the service may need, with the settings' defaults."""
    settings = Settings()
    return settings.api_photo_seconds * 4 if module == "face_api" else settings.api_timeout


@pytest.mark.parametrize("module", MODULES)
def test_a_stop_may_take_as_long_as_the_photos_in_hand(module: str) -> None:
    needed = seconds_of_a_stop(module)
    assert float(in_unit(module, "TimeoutStopSec")) > needed
    assert float(in_program(module, "stopwaitsecs")) > needed


@pytest.mark.parametrize("module", MODULES)
def test_what_hangs_is_ended_soon_and_what_starts_slowly_is_not(module: str) -> None:
    assert float(in_unit(module, "TimeoutAbortSec")) <= 10
    assert float(in_unit(module, "WatchdogSec")) >= 60, "models are loaded in the same loop"


@pytest.mark.parametrize("module", MODULES)
def test_no_refused_start_is_the_last_one(module: str) -> None:
    assert in_unit(module, "StartLimitIntervalSec") == "0"
    assert in_unit(module, "Restart") == "always"
    # Supervisor waits a second longer after each of them.
    assert int(in_program(module, "startretries")) >= 1_000_000
    assert float(in_program(module, "startsecs")) >= 10, "what ends later is started anew without any pause"


@pytest.mark.parametrize("module", MODULES)
def test_both_begin_with_the_launcher_and_the_same_rights(module: str) -> None:
    assert in_unit(module, "ExecStart").split(" -- ")[1].split()[0] == module
    assert in_program(module, "command").split(" -- ")[1].split()[0] == module
    assert int(in_unit(module, "UMask"), 8) == int(in_program(module, "umask"), 8) == UMASK
    user, group = in_unit(module, "User"), in_unit(module, "Group")
    assert f"--user {user} --group {group} " in in_program(module, "command")


@pytest.mark.parametrize("file", sorted(path for path in ETC.rglob("*") if path.is_file() and path.suffix != ".md"))
def test_each_file_says_first_who_it_is_for(file: Path) -> None:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#!")]
    assert lines[0].startswith(("# ", "; ")), file
