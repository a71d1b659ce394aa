"""A copy of `faces.launch` beside a door that only tells how it was started."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]

#: Debian's: another user, too, must be able to run it, and nothing here needs a package.
PYTHON = "/usr/bin/python3"

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]

DOOR = """
import json, os, signal, sys
umask = os.umask(0)
ids = {"uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups()}
print(json.dumps({"pid": os.getpid(), "words": sys.argv[1:], "path": sys.path, "umask": umask, **ids,
    "environment": dict(os.environ)}), flush=True)
if "stay" in sys.argv:
    signal.pause()
"""


@pytest.fixture
def house() -> Iterator[Path]:
    # Not below pytest's own folder, which only its user may enter.
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "faces/system").mkdir(parents=True)
    (folder / "worker").mkdir()
    for name in ("__init__.py", "errors.py", "launch.py"):
        shutil.copy(ROOT / "faces" / name, folder / "faces")
    for name in ("__init__.py", "env_file.py", "parent_process.py"):
        shutil.copy(ROOT / "faces/system" / name, folder / "faces/system")
    (folder / "worker/__init__.py").touch()
    (folder / "worker/__main__.py").write_text(DOOR)
    (folder / "face.env").write_text("FACE_A=of the file\nFACE_B=of the file\n")
    yield folder
    shutil.rmtree(folder)


def launch(
    house: Path, *words: str, before: tuple[str, ...] | list[str] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, PYTHON, "-m", "faces.launch", *words],
        cwd=house,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def version() -> tuple[int, ...]:
    words = subprocess.check_output([PYTHON, "-c", "import sys; print(*sys.version_info[:2])"], text=True).split()
    return tuple(map(int, words))


def told(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def test_the_environment_wins_over_the_file(house: Path) -> None:
    answer = told(launch(house, "--env-file", "face.env", "--", "worker", "run", "--once", "--", "-x", FACE_A="mine"))
    assert answer["words"] == ["run", "--once", "--", "-x"]
    environment = answer["environment"]
    assert environment["FACE_A"] == "mine"
    assert environment["FACE_B"] == "of the file"
    assert environment["FACE_STATE_DIR"] == "/var/lib/face-sidecar"
    assert answer["umask"] == 0o002


def test_the_credential_that_systemd_hands_over_comes_before_the_machines_file(house: Path, tmp_path: Path) -> None:
    (tmp_path / "face.env").write_text("FACE_A=of the credential")
    answer = told(launch(house, "--", "worker", CREDENTIALS_DIRECTORY=str(tmp_path)))
    assert answer["environment"]["FACE_A"] == "of the credential"


def test_no_module_is_taken_from_the_folder_it_is_called_from(house: Path, tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(house)!r}); from faces import launch; launch.main(sys.argv[1:])"
    ended = subprocess.run(
        [PYTHON, "-I", "-c", code, "--env-file", str(house / "face.env"), "--", "worker"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    # Python 3.10 knows no way without that folder.
    assert told(ended)["path"][version() < (3, 11)] == str(house)


def test_an_interpreter_that_may_not_be_run_is_named(house: Path) -> None:
    words = [PYTHON, "-c", "import sys; sys.executable = '/etc/passwd'; from faces import launch; launch.main()"]
    ended = subprocess.run([*words, "--env-file", "face.env", "worker"], cwd=house, capture_output=True, text=True)
    assert ended.stderr == "worker: /etc/passwd cannot be run by this user: Permission denied\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--env-file", "gone", "--", "worker"), "worker: found no gone, needed a file like etc/face.env.example\n"),
        (
            ("--env-file", "face.env", "--user", "nobody-here", "--group", "web", "--", "worker"),
            "worker: found no such user or group, needed the user nobody-here and the group web\n",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(house: Path, words: tuple[str, ...], sentence: str) -> None:
    ended = launch(house, *words)
    assert ended.returncode == 2
    assert ended.stderr == sentence


def test_only_the_two_doors_can_be_started(house: Path) -> None:
    ended = launch(house, "--env-file", "face.env", "--", "http.server")
    assert ended.returncode == 2
    assert "invalid choice: 'http.server'" in ended.stderr


@pytest.mark.long
def test_root_becomes_the_user_and_nothing_of_root_is_left(house: Path) -> None:
    (house / "face.env").chmod(0o600)
    answer = told(
        launch(house, "--env-file", "face.env", "--user", "www-data", "--group", "users", "--", "worker",
               before=AS_ROOT, HOME="/root", USER="root")
    )  # fmt: skip
    assert set(answer["uids"]) == {33}
    assert set(answer["gids"]) == {100}
    assert set(answer["groups"]) == {33, 100}
    environment = answer["environment"]
    assert environment["HOME"] == "/var/www"
    assert environment["USER"] == "www-data"


@pytest.mark.long
def test_whoever_is_neither_root_nor_the_user_is_told_so(house: Path) -> None:
    become = [*AS_ROOT, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    words = ("--env-file", "face.env", "--user", "www-data", "--", "worker")
    ended = launch(house, *words, before=become)
    assert ended.returncode == 2
    assert ended.stderr == "worker: found the user number 65534, needed root (sudo) or www-data\n"
    become[-3:] = ["--reuid=33", "--regid=33", "--clear-groups"]
    assert set(told(launch(house, *words, before=become))["uids"]) == {33}


def test_it_ends_with_a_supervisor_that_is_killed(house: Path) -> None:
    words = [PYTHON, "-m", "faces.launch", "--env-file", "face.env", "--", "worker", "stay"]
    parent = (
        f"import subprocess; print(subprocess.Popen({words!r}, stdout=subprocess.PIPE).stdout.readline().decode(),"
        " flush=True); input()"
    )
    supervisor = subprocess.Popen(
        [PYTHON, "-c", parent],
        cwd=house,
        env={"SUPERVISOR_ENABLED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with supervisor:
        assert supervisor.stdout is not None
        child = Path(f"/proc/{json.loads(supervisor.stdout.readline())['pid']}")
        assert child.exists()
        supervisor.send_signal(signal.SIGKILL)
        wait_for(lambda: not child.exists())
