"""script/native in a checkout of its own: which compiler it takes, what it leaves, what it says where none works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

#: What the script and pip need of a system; no compiler is among it.
TOOLS = ("bash", "cat", "chmod", "cp", "cut", "dirname", "env", "mkdir", "mktemp", "mv", "rm", "sha256sum", "uname")

#: A package index where nobody answers.
NO_INDEX = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the script uses, and this interpreter's environment as .venv."""
    folder = tmp_path / "a checkout"
    shutil.copytree(ROOT / "native", folder / "native", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    (folder / "script").mkdir()
    for name in ("script/native", "script/packages.sh", "requirements-native.txt"):
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture
def no_compilers(tmp_path: Path) -> str:
    """A PATH without any compiler."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(shutil.which(name) or "")
    return str(folder)


def native(checkout: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "CC" and not name.startswith("PIP_")}
    return subprocess.run(
        ["script/native", *words], cwd=checkout, env=inherited | environment, capture_output=True, text=True
    )


def said(ended: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.split("m ", 1)[-1] for line in ended.stderr.splitlines()]


def left(checkout: Path) -> list[str]:
    return sorted(str(file.relative_to(checkout)) for file in (checkout / ".cache").rglob("*") if file.is_file())


FETCHING = "fetching a C compiler for the native library, 100 MB"
NONE_HERE = (
    "there is no native library, so dlib and Pillow do its work, several times slower:"
    " a C compiler could not be fetched (.cache/native.log)"
)


def test_without_compiler_and_network_one_line_says_what_follows(checkout: Path, no_compilers: str) -> None:
    ended = native(checkout, PATH=no_compilers, **NO_INDEX)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert said(ended) == [FETCHING, NONE_HERE]
    assert left(checkout) == [".cache/native.log"]


def test_a_compiler_that_fails_is_named_before_another_is_fetched(checkout: Path) -> None:
    ended = native(checkout, CC="false", **NO_INDEX)
    assert ended.returncode == 1
    assert said(ended) == [
        "building the native library with this machine's C compiler",
        "this machine's C compiler cannot build it (why is in .cache/native.log)",
        FETCHING,
        NONE_HERE,
    ]


def test_a_portable_wheel_is_never_built_by_this_machines_compiler(checkout: Path) -> None:
    assert said(native(checkout, "--portable", **NO_INDEX)) == [FETCHING, NONE_HERE]


@pytest.mark.long
def test_a_wheel_is_built_once_until_the_sources_change(checkout: Path) -> None:
    wheel = Path(native(checkout, **NO_INDEX).stdout.strip())
    assert wheel.name == "face_sidecar_native-1-py3-none-linux_x86_64.whl"
    assert wheel.is_file()
    assert left(checkout) == [".cache/native.log", str(wheel.relative_to(checkout))]
    again = native(checkout, CC="false", **NO_INDEX)
    assert again.returncode == 0
    assert again.stdout.strip() == str(wheel)
    assert again.stderr == ""
    with (checkout / "native/src/cpu.c").open("a") as source:
        source.write("/* changed */\n")
    changed = Path(native(checkout, **NO_INDEX).stdout.strip())
    assert changed.is_file()
    assert not wheel.exists()
