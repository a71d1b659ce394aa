"""What a scan leaves out, and why: our own pictures, trash, what a person excluded, kinds that nothing here reads."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath

from faces.system import marked_folder


class Reason(Enum):
    """Why a file or folder is passed over, in the word of the JSON output."""

    OURS = "ours"
    DEBUG = "debug"
    EXCLUDED = "excluded"
    TRASH = "trash"
    NOMEDIA = "nomedia"
    LIBRARY = "library"
    THUMBNAILS = "thumbnails"
    HIDDEN = "hidden"
    RAW = "raw"
    VIDEO = "video"


#: Names that photos have; everything else is not even opened.
SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp"),
        *(".tif", ".tiff", ".avif", ".heic", ".heif", ".hif"),
    }
)

#: Cameras' own formats: the JPEG or HEIC beside one is scanned.
_RAW = frozenset(
    {
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc", ".mef"),
        *(".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw"),
        *(".x3f",),
    }
)

_VIDEO = frozenset(
    {
        *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm", ".wmv"),
    }
)

_KINDS = {**dict.fromkeys(_RAW, Reason.RAW), **dict.fromkeys(_VIDEO, Reason.VIDEO)}

#: Folders of deleted files: Synology's, QNAP's, Windows's (three ages of it), Samba's, Nextcloud's, and where a file
#: system puts what it lost. In lower case; Windows itself writes `$Recycle.Bin` as it likes.
_TRASH = frozenset(
    {
        *("#recycle", "@recycle", "$recycle.bin", "recycler", "recycled", ".recycle", ".recycle.bin"),
        *("files_trashbin", "lost+found"),
    }
)

#: Trash of Linux desktops and macOS: `.Trash`, `.Trashes`, `.Trash-1000`.
_TRASH_BEGINNING = ".trash"

#: Folders that a NAS fills with small copies of what is beside them.
_THUMBNAILS = frozenset({"@eadir", ".@__thumb"})

#: How the folders of Apple's programs end: originals lie in them under invented names, beside small copies.
_LIBRARIES = (".photoslibrary", ".photolibrary", ".aplibrary")

#: Android's word for folders that are no albums.
_NOMEDIA = ".nomedia"

#: A small picture of ours: looked at more closely where it lies.
_OF_A_PAGE = re.compile(r"[0-9a-f]{24}-\d+x\d+\.jpg")

_DEBUG_BEGINNING = "debug_"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file or folder that was not looked at. `detail`: the pattern that excluded it, or a file's kind (`cr2`)."""

    path: Path
    reason: Reason
    is_folder: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person or a setting adds: patterns by the folder that they were given for, and where debug pictures are.

    A pattern without a slash is of a name at any depth, one with a slash of a path from its folder on; `*`, `?` and
    `[…]` as in a shell, `*` also across slashes.
    """

    excludes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    debug_subdir: str = "debug"

    def of_folder(self, path: str, name: str) -> PassedOver | None:
        """Why a folder is left out by its name or path; `path` is absolute."""
        lower = name.lower()
        if lower in _TRASH or lower.startswith(_TRASH_BEGINNING):
            reason = Reason.TRASH
        elif lower in _THUMBNAILS:
            reason = Reason.THUMBNAILS
        elif lower.endswith(_LIBRARIES):
            reason = Reason.LIBRARY
        elif name.startswith("."):
            reason = Reason.HIDDEN
        else:
            pattern = self._pattern(path, name)
            return None if pattern is None else PassedOver(Path(path), Reason.EXCLUDED, True, pattern)
        return PassedOver(Path(path), reason, is_folder=True)

    def of_contents(self, path: str, names: Collection[str]) -> PassedOver | None:
        """Why a folder is left out by what is in it."""
        for name, reason in ((marked_folder.MARKER, Reason.OURS), (_NOMEDIA, Reason.NOMEDIA)):
            if name in names:
                return PassedOver(Path(path), reason, is_folder=True)
        return None

    def of_file(self, folder: str, name: str) -> PassedOver | None:
        """Why a file is left out that is named like a photo, raw photo or video."""
        suffix = _suffix(name)
        if suffix in _KINDS and not name.startswith("."):
            return PassedOver(Path(folder, name), _KINDS[suffix], is_folder=False, detail=suffix[1:])
        if name.startswith("."):
            reason = Reason.HIDDEN
        elif name.startswith(_DEBUG_BEGINNING) and self._is_of_debug_pictures(folder):
            reason = Reason.DEBUG
        elif _OF_A_PAGE.fullmatch(name) and marked_folder.has_pictures_of_a_page(Path(folder)):
            reason = Reason.OURS
        else:
            pattern = self._pattern(f"{folder}/{name}", name)
            return None if pattern is None else PassedOver(Path(folder, name), Reason.EXCLUDED, False, pattern)
        return PassedOver(Path(folder, name), reason, is_folder=False)

    def _is_of_debug_pictures(self, folder: str) -> bool:
        wanted = PurePosixPath(self.debug_subdir.strip("/")).parts
        return bool(wanted) and PurePosixPath(folder).parts[-len(wanted) :] == wanted

    def _pattern(self, path: str, name: str) -> str | None:
        """The first pattern of a folder above that fits."""
        for folder, patterns in self.excludes.items():
            start = folder.rstrip("/") + "/"
            if path.startswith(start):
                below = path[len(start) :]
                for pattern in patterns:
                    wanted = pattern.rstrip("/").removeprefix("**/")
                    if _fits(below if "/" in wanted else name, wanted.lstrip("/")):
                        return pattern
        return None


#: Where nothing more was said.
NO_RULES = Rules()


def is_empty(names: Iterable[str]) -> bool:
    """Whether a folder of these names counts as empty: trash, thumbnails and hidden files stay where photos went."""
    return all(NO_RULES.of_folder(f"/{name}", name) for name in names)


def is_wanted(name: str) -> bool:
    """Whether a file is looked at or counted, by its name: it is a photo's, a raw photo's or a video's."""
    suffix = _suffix(name)
    return suffix in SUFFIXES or suffix in _KINDS


def _fits(text: str, pattern: str) -> bool:
    """As in a shell; letters that a Mac decomposes in names of files are those that were typed."""
    return fnmatch.fnmatchcase(unicodedata.normalize("NFC", text), unicodedata.normalize("NFC", pattern))


def _suffix(name: str) -> str:
    _, dot, end = name.rpartition(".")
    return f"{dot}{end}".lower() if dot else ""
