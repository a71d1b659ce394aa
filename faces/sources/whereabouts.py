"""Whether a photo is still where its row says. An empty folder is no proof: its disk may not be mounted."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from faces.sources.passed_over import is_empty
from faces.store import scan_folders


class Presence(Enum):
    """What is at the place of a row: the file, certainly nothing, or nothing to be sure of."""

    THERE = "there"
    GONE = "gone"
    EMPTIED = "emptied"
    """The folder is empty, and is the one that the photo was seen in, as far as is known: it was moved or deleted."""
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class _Listing:
    """The names in a folder; `error` says why they are not known."""

    names: frozenset[str] = frozenset()
    error: OSError | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Looks at the file system, at each folder once; made anew for each scan. One thread.

    `inodes`: the folders that photos were once seen in, by path, each with its number in its file system.
    """

    inodes: Mapping[str, int]
    _listings: dict[str, _Listing] = field(default_factory=dict)

    def presence(self, folder: str, name: str) -> Presence:
        """What is at the place of a row; `folder` is absolute."""
        missing = self._first_missing(folder, name)
        if missing is None:
            return Presence.THERE
        parent, _ = missing
        listing = self._listing(parent)
        if isinstance(listing.error, NotADirectoryError) or not is_empty(listing.names):
            return Presence.GONE
        if listing.error is None and self._is_the_same(parent, folder):
            return Presence.EMPTIED
        return Presence.UNREACHABLE

    def reason(self, folder: str, name: str) -> str:
        """Why a photo that is not seen is not said to be gone."""
        parent, _ = self._first_missing(folder, name) or (folder, name)
        error = self._listing(parent).error
        return f"{parent} is empty now" if error is None else f"{parent}: {error.strerror}"

    def _first_missing(self, folder: str, name: str) -> tuple[str, str] | None:
        """The last folder that is there on the way to the file, and what it lacks; None where nothing is missing.

        Names are compared as they are listed: where a file system takes `A.jpg` for `a.jpg`, only one of them is.
        """
        parent = ""
        for child in [*folder.strip("/").split("/"), name]:
            if child and not self._has(parent or "/", child):
                return parent or "/", child
            parent = f"{parent}/{child}" if child else parent
        return None

    def _has(self, folder: str, name: str) -> bool:
        """Whether the folder lists the name, or has it without listing it, as an automounter's may."""
        listing = self._listing(folder)
        if name in listing.names:
            return True
        try:
            status = Path(folder, name).lstat()
        except OSError:
            return False
        return not any(
            _folded(other) == _folded(name) and _is_file(Path(folder, other), status) for other in listing.names
        )

    def _is_the_same(self, empty: str, folder: str) -> bool:
        """Whether an empty folder is the one that was seen with something in it; where none was recorded, it may be."""
        if empty in self.inodes:
            return self.inodes[empty] == scan_folders.number_of(Path(empty).stat().st_ino)
        return folder not in self.inodes

    def _listing(self, folder: str) -> _Listing:
        if folder not in self._listings:
            try:
                self._listings[folder] = _Listing(frozenset(path.name for path in Path(folder).iterdir()))
            except OSError as error:
                self._listings[folder] = _Listing(error=error)
        return self._listings[folder]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_file(path: Path, status: os.stat_result) -> bool:
    try:
        other = path.lstat()
    except OSError:
        return False
    return (other.st_dev, other.st_ino) == (status.st_dev, status.st_ino)
