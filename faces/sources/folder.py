"""Which files of a folder are perhaps photos. Looks at names and kinds; what is in them, the API decides."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from faces.errors import RequestError

#: Names that photos have; everything else is not even opened.
SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp"),
        *(".tif", ".tiff", ".avif", ".heic", ".heif", ".hif"),
    }
)

#: Folders that programs fill with copies of what is beside them (Synology's thumbnails); hidden ones are left out too.
_LEFT_OUT = frozenset({"@eaDir"})


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


def find_photos(directory: Path) -> Iterator[PhotoFile | Trouble]:
    """All photo files below a folder, each folder's together, in the order of names.

    Links to folders are followed; a folder is entered once, by whichever link, so that loops end. Hidden files and
    folders are left out.

    Raises:
        RequestError: there is no such folder.
    """
    if not directory.is_dir():
        raise RequestError(f"found no folder {directory}, needed one with photos")
    waiting = [directory.resolve()]
    seen: set[tuple[int, int]] = set()
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            names = [] if (status.st_dev, status.st_ino) in seen else sorted(entry.name for entry in folder.iterdir())
        except OSError as error:
            yield Trouble(folder, _why(error))
            continue
        seen.add((status.st_dev, status.st_ino))
        below: list[Path] = []
        for name in names:
            if not name.startswith(".") and name not in _LEFT_OUT:
                yield from _look_at(folder, name, below)
        waiting += reversed(below)


def _look_at(folder: Path, name: str, below: list[Path]) -> Iterator[PhotoFile | Trouble]:
    path = folder / name
    named_so = path.suffix.lower() in SUFFIXES
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            below.append(path.resolve())
        elif named_so:
            yield _photo_file(folder, name, status)
    except FileNotFoundError as error:
        if named_so:
            yield Trouble(path, _why(error))
    except (OSError, RuntimeError) as error:
        # It could be a folder full of photos.
        yield Trouble(path, _why(error))


def _photo_file(folder: Path, name: str, status: os.stat_result) -> PhotoFile | Trouble:
    path = folder / name
    if not stat.S_ISREG(status.st_mode):
        return Trouble(path, "it is named like a photo, but is not a file")
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return Trouble(path, "its name is not UTF-8, and the database can only keep names that are: rename it")
    return PhotoFile(str(folder), name, status.st_size, status.st_mtime_ns)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
