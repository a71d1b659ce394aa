"""Which files of folders are perhaps photos. Looks at names and kinds; what is in them, the API decides."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faces.errors import RequestError
from faces.sources.passed_over import NO_RULES, PassedOver, Rules, is_empty, is_wanted


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A file that may be a photo; `folder` is absolute and without links, as it is kept in the image's row."""

    folder: str
    name: str
    size: int
    modified_ns: int

    @property
    def path(self) -> Path:
        return Path(self.folder, self.name)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A file or folder that cannot be read, and the reason for a person."""

    path: Path
    reason: str


@dataclass(slots=True)
class FoundFiles:
    """What there is at some places."""

    files: list[PhotoFile | Trouble] = field(default_factory=list)
    """Each folder's together, in the order of names."""
    passed_over: list[PassedOver] = field(default_factory=list)
    tops: list[str] = field(default_factory=list)
    """The folders that were asked for, and those elsewhere that links in them lead to; without links."""
    inodes: dict[str, int] = field(default_factory=dict)
    """The folders that were looked through and have something in them, each with its number in its file system."""

    def __iter__(self) -> Iterator[PhotoFile | Trouble]:
        return iter(self.files)

    @property
    def photos(self) -> list[PhotoFile]:
        return [one for one in self.files if isinstance(one, PhotoFile)]

    @property
    def troubles(self) -> list[Trouble]:
        return [one for one in self.files if isinstance(one, Trouble)]


def find_photos(*places: Path, rules: Rules = NO_RULES) -> FoundFiles:
    """All photo files at these places: files as they are named, and folders with everything below them.

    Links to folders are followed; a folder is entered once, by whichever link, so that loops end. `rules` are for what
    lies in the folders: a file or folder that was asked for by its name is looked at, unless what is in the folder
    says that it is not wanted.

    Raises:
        RequestError: there is nothing at one of them.
    """
    search = _Search(rules)
    for place in places:
        if is_folder(place):
            search.look_through(place)
        else:
            search.take_file(place)
    return search.found


class _Search:
    """One walk; a folder that was entered is not entered again."""

    def __init__(self, rules: Rules) -> None:
        self.found = FoundFiles()
        self._rules = rules
        self._entered: set[tuple[int, int]] = set()
        self._waiting: list[str] = []

    def take_file(self, path: Path) -> None:
        try:
            folder = str(path.parent.resolve(strict=True))
            status = path.stat()
        except (OSError, RuntimeError) as error:
            raise RequestError(f"found no folder or photo {path}: {_why(error)}") from error
        self.found.files.append(_photo_file(folder, path.name, status))

    def look_through(self, directory: Path) -> None:
        top = str(directory.resolve())
        self._add_top(top)
        self._waiting.append(top)
        while self._waiting:
            self._enter(self._waiting.pop())

    def _enter(self, folder: str) -> None:
        try:
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in self._entered:
                return
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self.found.files.append(Trouble(Path(folder), _why(error)))
            return
        self._entered.add((status.st_dev, status.st_ino))
        names = {entry.name for entry in entries}
        if over := self._rules.of_contents(folder, names):
            self.found.passed_over.append(over)
            return
        if not is_empty(names) and is_text(folder):
            self.found.inodes[folder] = status.st_ino
        below: list[str] = []
        for entry in entries:
            self._look_at(folder, entry, below)
        self._waiting += reversed(below)

    def _look_at(self, folder: str, entry: os.DirEntry[str], below: list[str]) -> None:
        named_so = is_wanted(entry.name)
        try:
            if entry.is_dir():
                self._take_folder(folder, entry, below)
            elif named_so:
                if over := self._rules.of_file(folder, entry.name):
                    self.found.passed_over.append(over)
                else:
                    self.found.files.append(_photo_file(folder, entry.name, entry.stat()))
            elif entry.is_symlink():
                # Neither a file nor a folder, as far as can be seen: it may be a loop, or lead where we may not look.
                entry.stat()
        except FileNotFoundError as error:
            if named_so:
                self.found.files.append(Trouble(Path(folder, entry.name), _why(error)))
        except (OSError, RuntimeError) as error:
            # It could be a folder full of photos.
            if not entry.name.startswith("."):
                self.found.files.append(Trouble(Path(folder, entry.name), _why(error)))

    def _take_folder(self, folder: str, entry: os.DirEntry[str], below: list[str]) -> None:
        path = f"{folder.rstrip('/')}/{entry.name}"
        if over := self._rules.of_folder(path, entry.name):
            self.found.passed_over.append(over)
            return
        if entry.is_symlink():
            path = str(Path(path).resolve())
            self._add_top(path)
        below.append(path)

    def _add_top(self, path: str) -> None:
        if is_text(path) and not any(is_below(path, top) for top in self.found.tops):
            self.found.tops.append(path)


def is_folder(place: Path) -> bool:
    """Whether it is seen to be a folder; why it cannot be seen is told where it is looked at."""
    try:
        return place.is_dir()
    except OSError:
        return False


def is_below(path: str, folder: str) -> bool:
    """Whether an absolute path is the folder, or lies in it or below."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_text(path: str) -> bool:
    """Whether a path is UTF-8, as all are that the database can keep."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _photo_file(folder: str, name: str, status: os.stat_result) -> PhotoFile | Trouble:
    path = f"{folder}/{name}"
    if not stat.S_ISREG(status.st_mode):
        return Trouble(Path(path), "it is named like a photo, but is not a file")
    if not is_text(path):
        return Trouble(Path(path), "its name is not UTF-8, and the database can only keep names that are: rename it")
    return PhotoFile(folder, name, status.st_size, status.st_mtime_ns)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
