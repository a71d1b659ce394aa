"""The one file a machine in which all encodings of a library lie, so that its processes map them and share the memory.

All of it can be made anew of the store: a file that is missing, damaged or another's costs time and nothing else.

    <folder>/faces-<library>.encodings     blocks, and one page that says what they are: it is written last
    <folder>/.faces-<library>.encodings.new    what is being written
    <folder>/.faces-<library>.writing          whose lock a writer takes
"""

from __future__ import annotations

import logging
import mmap
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from faces.library.search.encoding_blocks import BLOCK, ROWS, Part, block_of, parts_of
from faces.store.sidecar.encoding_changes import EncodingRows
from faces.system import atomic_file, checked_file
from faces.system.checked_file import PAGE, UnusableFile

_log = logging.getLogger(__name__)

#: Raised when what stands in the file changes its meaning; names and types are compared without it.
_FORMAT = 1

_MAGIC = b"face-sidecar enc"


@dataclass(frozen=True, slots=True, eq=False)
class SavedEncodings:
    """Encodings as they were when all changes up to one had been followed, and some of later ones."""

    change: int
    """The library's change number."""
    token: str
    """What tells the file from every other that was written."""
    parts: list[Part]
    """Ascending by id; they cannot be written."""


@dataclass(frozen=True, slots=True)
class _LastPage:
    """What the last page says."""

    library: str
    change: int
    token: str
    rows: int
    checksum: int


@dataclass(frozen=True, slots=True)
class EncodingsFile:
    """The file of one library."""

    folder: Path
    """FACE_STATE_DIR."""
    identity: str
    """What tells the library from any other that this machine's processes work on."""

    def load(self, *, tells: bool = True) -> SavedEncodings | None:
        """Map it; None where there is none that can be used, of which one line is logged if it `tells`."""
        try:
            with checked_file.opened(self.path) as file:
                told, size = self._checked(file)
                mapped = mmap.mmap(file, size + PAGE, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            return None
        except (OSError, UnusableFile) as error:
            if tells:
                _log.warning("%s is left alone and made anew: %s", self.path, error)
            return None
        blocks = np.ndarray(size // BLOCK.itemsize, BLOCK, buffer=mapped)
        return SavedEncodings(told.change, told.token, parts_of(blocks, told.rows))

    def token(self) -> str | None:
        """That of the file that `load` would map, out of its last page alone; None without one."""
        try:
            with checked_file.opened(self.path) as file:
                return self._told(file)[0].token
        except (OSError, UnusableFile):
            return None

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[None]:
        """Hold the right to write, of all processes.

        Raises:
            BlockingIOError: another process has it, and it is not waited for.
            OSError: nothing can be written there.
        """
        lock = checked_file.lock(self.path.with_name(f".{self.path.stem}.writing"), wait=wait)
        try:
            yield
        finally:
            os.close(lock)

    def write(self, change: int, rows: Iterable[EncodingRows]) -> None:
        """Replace it, while `writing`: a reader sees the old file or the new one, also when this process is killed.

        Args:
            change: up to which all has been followed.
            rows: ascending by id, each but the last of `ROWS` rows; taken one after the other.

        Raises:
            OSError: the disk is full, or takes no file; the old one stays.
        """
        atomic_file.replace_privately(self.path, self._pieces(change, rows))

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.folder / f"faces-{checked_file.fingerprint(self.identity)[:16]}.encodings"

    def _checked(self, file: int) -> tuple[_LastPage, int]:
        told, size = self._told(file)
        if checked_file.checksum(file, 0, size) != told.checksum:
            raise UnusableFile("its rows are damaged")
        return told, size

    def _told(self, file: int) -> tuple[_LastPage, int]:
        """What the last page says, and how many bytes of blocks are before it."""
        size = os.fstat(file).st_size - PAGE
        found = checked_file.told_in(os.pread(file, PAGE, max(size, 0)), _MAGIC)
        if found.pop("layout", None) != _layout():
            raise UnusableFile("it was written by another version")
        told = _LastPage(**found)
        if told.library != checked_file.fingerprint(self.identity):
            raise UnusableFile("it is of another library")
        if size != -(-told.rows // ROWS) * BLOCK.itemsize:
            raise UnusableFile(f"found {size} bytes of {told.rows} faces")
        return told, size

    def _pieces(self, change: int, rows: Iterable[EncodingRows]) -> Iterator[bytes | memoryview]:
        checksum, count = 0, 0
        for some in rows:
            block = block_of(some).view(np.uint8).data
            checksum, count = zlib.crc32(block, checksum), count + len(some.ids)
            yield block
        told = _LastPage(checked_file.fingerprint(self.identity), change, secrets.token_hex(16), count, checksum)
        yield checked_file.page_of(_MAGIC, {"layout": _layout(), **asdict(told)})


def in_memory(change: int, rows: Iterable[EncodingRows]) -> SavedEncodings:
    """The same where no file can be had."""
    parts = [part for some in rows for part in parts_of(block_of(some), len(some.ids))]
    return SavedEncodings(change, "", parts)


def _layout() -> list[object]:
    """What must be the same for the bytes to mean the same; the types name the processor's order of bytes, too."""
    return [_FORMAT, [field.name for field in fields(_LastPage)], str(BLOCK.descr)]
