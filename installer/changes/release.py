"""A release: code, Python packages and models in a folder of its own, finished or not used."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from installer.changes.change import Work
from installer.install_paths import Places
from installer.sentence import Refusal, Sentence, say

#: What of a checkout a release consists of.
PARTS = (
    *("faces", "face_api", "people_api", "worker", "installer", "native", "script", "etc"),
    *("install.sh", "pyproject.toml", "LICENSE", "README.md", "README.ru.md", "CHANGELOG.md"),
    *("requirements.txt", "requirements-build.txt", "requirements-native.txt", "requirements-dlib.txt"),
    "requirements-samples.txt",
)

#: Written last.
FINISHED = ".finished"

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "build", "*.egg-info")

_SAID = re.compile(r"(?:\x1b\[[0-9;]*m)?==>(?:\x1b\[[0-9;]*m)? (.*)")


@dataclass(frozen=True, slots=True)
class BuildRelease:
    """Copies the code, lets script/setup make the venv, and writes `.finished`. An unfinished one is continued."""

    source: Path
    places: Places
    python: str
    """Version of the machine's python3, as `3.11`; part of the name, because a venv belongs to one."""
    offline: Path | None = None
    native: bool = False

    @property
    def name(self) -> str:
        """Version, digest of the code, Python; with `-native` for dlib built here."""
        text = (self.source / "faces/__init__.py").read_text(encoding="utf-8")
        version = re.search(r'__version__ = "([^"]+)"', text)
        digest = digest_of(self.source)[:10]
        return f"{version[1] if version else '0'}-{digest}-py{self.python}{'-native' if self.native else ''}"

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.places.releases / self.name

    def describe(self) -> list[Sentence]:
        """Making it."""
        if (self.folder / FINISHED).exists():
            return []
        return [say("make the release {folder}: code, venv, Python packages and models, 650 MB", folder=self.folder)]

    def do(self, work: Work) -> None:
        """Make what of it is missing."""
        if (self.folder / FINISHED).exists():
            return
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._copy()
        self._set_up(work.tell)
        self._compile()
        shutil.rmtree(self.folder / ".cache", ignore_errors=True)
        (self.folder / FINISHED).touch()
        shutil.rmtree(self.places.cache, ignore_errors=True)

    def _copy(self) -> None:
        try:
            for part in PARTS:
                if (self.source / part).is_dir():
                    shutil.copytree(self.source / part, self.folder / part, ignore=_LEFT_OUT, dirs_exist_ok=True)
                elif (self.source / part).exists():
                    shutil.copy2(self.source / part, self.folder / part)
        except OSError as error:
            # shutil gathers the errors of all files; the first says enough.
            why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
            raise Refusal(
                say("the code could not be copied to {folder}: {why}", folder=self.folder, why=why)
            ) from error
        _give_to_root(self.folder)

    def _set_up(self, tell: Callable[[Sentence], None]) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
        }
        environment |= {"PIP_CACHE_DIR": str(self.places.cache), "PIP_ROOT_USER_ACTION": "ignore", "HOME": "/root"}
        if self.offline:
            environment["FACE_BUNDLE"] = str(self.offline)
        run_told([str(self.folder / "script/setup")], environment, tell)

    def _compile(self) -> None:
        """The service may not write here, so that Python could not keep what it compiles."""
        python = self.folder / ".venv/bin/python"
        words = [
            str(python),
            "-m",
            "compileall",
            "-q",
            *(str(self.folder / part) for part in ("faces", "face_api", "people_api", "worker")),
        ]
        subprocess.run(words, check=True)


def run_told(words: list[str], environment: dict[str, str], tell: Callable[[Sentence], None]) -> None:
    """Run one of our scripts, and print its messages in the person's language.

    Raises:
        Refusal: it failed; with its own last words.
    """
    last = ""
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        for line in process.stderr or ():
            told = _SAID.fullmatch(line.rstrip())
            if told:
                tell(_sentence_of(told[1]))
            else:
                last = line.strip() or last
    if process.returncode:
        raise Refusal(say("{script} failed: {why}", script=Path(words[0]).name, why=last.rpartition("error: ")[2]))


def _sentence_of(line: str) -> Sentence:
    python = re.fullmatch(r"making \.venv with (.*)", line)
    if python:
        return say("making .venv with {python}", python=python[1])
    known = {
        "installing the service's packages, 650 MB (about a minute)": say(
            "installing Python packages, 650 MB (about a minute)"
        ),
        "checking the model files": say("checking the model files"),
        "building the native library with this machine's C compiler": say("building the native library"),
        "fetching a C compiler for the native library, 100 MB": say(
            "fetching a C compiler for the native library, 100 MB"
        ),
        "building the native library with it": say("building the native library"),
    }
    return known.get(line) or say("{line}", line=line)


def digest_of(source: Path) -> str:
    """Of all files of a checkout that a release consists of: names and contents."""
    digest = hashlib.sha256()
    for file in _files(source):
        digest.update(f"{file.relative_to(source)}\0{os.access(file, os.X_OK)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(source: Path) -> Iterator[Path]:
    for part in PARTS:
        place = source / part
        if place.is_file():
            yield place
        for folder, folders, names in os.walk(place):
            left_out = _LEFT_OUT(folder, [*folders, *names])
            folders[:] = sorted(set(folders) - left_out)
            yield from (Path(folder, name) for name in sorted(set(names) - left_out))


def _give_to_root(folder: Path) -> None:
    """A checkout is an ordinary user's; what root runs must be root's. The venv is so from the beginning."""
    for path in _copied(folder):
        if not path.is_symlink():
            path.chmod((path.stat().st_mode | 0o644 | (0o111 if path.is_dir() else 0)) & 0o755)
        if os.geteuid() == 0:
            os.chown(path, 0, 0, follow_symlinks=False)


def _copied(folder: Path) -> Iterator[Path]:
    for part in PARTS:
        if (folder / part).exists():
            yield folder / part
        for place, folders, names in os.walk(folder / part):
            yield from (Path(place, name) for name in (*folders, *names))
