"""Help, versions, wrong usage and exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faces import __version__

#: The program with a stdout that takes no byte.
INTO_A_FULL_DISK = """
import os, sys
os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
from worker.__main__ import main
sys.exit(main())
"""

VERBS = ("scan", "enrol", "link", "faces", "people", "groups", "report", "export", "recognise", "process")


def test_help_names_every_verb_the_settings_and_the_exit_codes(worker: Any) -> None:
    out, _ = worker.run("--help")
    for word in (*VERBS, "examples:", "FACE_API_URL", "FACE_DATABASE_URL", "exit codes: 0 done; 1 something failed"):
        assert word in out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_worth_reading(worker: Any, verb: str) -> None:
    out, _ = worker.run(verb, "--help")
    assert len(out) > 400
    assert "--json" in out


def test_the_version_is_told(worker: Any) -> None:
    assert worker.run("--version")[0] == f"face sidecar {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("dance",),
        ("scan",),
        ("scan", "gone"),
        ("enrol", "Ann"),
        ("enrol", "Ann", "a.jpg", "--id", "1"),
        ("enrol", "Ann", "a.jpg", "b.jpg", "--face", "0"),
        ("process", "one"),
        ("export",),
        ("faces", "--group", "12"),
        ("groups", "--after", "p12"),
        ("faces",),
        ("people",),
        ("groups",),
        ("link",),
        ("report", "out"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_makes_nothing(worker: Any, arguments: tuple[str, ...]) -> None:
    """The last five have no database to read; a read must not make one."""
    _, err = worker.run(*arguments, code=2)
    assert err.strip()
    assert list(worker.home.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), [("FACE_THRESHOLD", "near"), ("FACE_DATABASE_URL", "oracle://x/y")])
def test_a_wrong_setting_ends_with_2_and_is_named(worker: Any, photos: Path, name: str, value: str) -> None:
    _, err = worker.run("scan", photos, code=2, **{name: value})
    assert name in err


def test_output_that_nobody_reads_is_no_error_to_shout_about(worker: Any, photos: Path, small_photo: bytes) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    faces = worker.start("scan", photos)
    faces.stdout.close()
    faces.stdout = None
    _, err = faces.communicate(timeout=60)
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_a_short_output_that_nobody_reads_is_none_either(worker: Any, photos: Path, small_photo: bytes) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    worker.run("scan", photos)
    export = worker.start("export", "--csv", PYTHONUNBUFFERED="")
    export.stdout.close()
    export.stdout = None
    _, err = export.communicate(timeout=60)
    assert err == ""
    assert export.returncode == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("verb", ["faces", "faces --json", "export --csv", "export --json", "scan"])
def test_output_that_has_no_room_is_a_sentence(
    worker: Any, photos: Path, small_photo: bytes, verb: str, unbuffered: str
) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    worker.run("scan", photos)
    worker.program = ("-c", INTO_A_FULL_DISK)
    words = [*verb.split(), *([photos] if verb == "scan" else [])]
    _, err = worker.run(*words, code=2, PYTHONUNBUFFERED=unbuffered)
    assert err == f"{words[0]}: the output cannot be written: No space left on device\n"


def test_letters_that_the_terminal_lacks_are_written_out(worker: Any, photos: Path) -> None:
    worker.run("scan", photos, "--exclude", "Zo\u00eb \u0401")
    out, _ = worker.run("scan", "--excludes", PYTHONIOENCODING="ascii")
    assert out == f"folder\tpattern\n{photos}\tZo\\xeb \\u0401\n"
