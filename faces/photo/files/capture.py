"""What a file's EXIF block says of the moment: when, and how the camera was held. Without a decoder, of its first part.

A scan reads it of each new photo, beside the checksum.
"""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from faces.photo import turns
from faces.photo.files import heif
from faces.photo.files.tiff_directory import TiffDirectory
from faces.photo.formats import HEAD_BYTES, FileBytes, format_of

#: EXIF 2.32, 4.6.4 A, 4.6.3 A and 4.6.5 D.
_ORIENTATION, _EXIF, _TAKEN = 0x0112, 0x8769, 0x9003

#: What stands before an EXIF block in most files, in some of them twice.
_BEFORE = re.compile(b"^(Exif\x00\x00){1,2}")

#: JPEG: application data, and where the picture begins (ITU T.81, table B.1).
_APP1, _SCAN = 0xE1, 0xDA


@dataclass(frozen=True, slots=True)
class Capture:
    """As the camera wrote it."""

    taken: str | None = None
    """`DateTimeOriginal`, in EXIF's writing."""
    turn: int | None = None
    """EXIF's orientation, 1 to 8; where a container turns the picture, by it."""


def read_capture(path: Path) -> Capture:
    """Read it; what cannot be read, or is no photo, says nothing."""
    try:
        with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return capture_of(data)
    except (OSError, ValueError):
        return Capture()


def capture_of(data: FileBytes) -> Capture:
    """The same of a whole file."""
    name = format_of(bytes(data[:HEAD_BYTES]))
    container = heif.ways_up(data) if name in ("HEIC", "AVIF") else heif.WaysUp()
    block = container.exif or _block(data, name)
    if block is None:
        return Capture(turn=container.turn)
    try:
        block = block if name == "TIFF" else _BEFORE.sub(b"", bytes(block))
        directory = TiffDirectory.read(block)
        turn = directory.number(_ORIENTATION, 0)
        found = turn if turn in turns.ORIENTATIONS else None
        return Capture(_taken(block, directory), container.turn or found)
    except (ValueError, struct.error):
        return Capture(turn=container.turn)


def _taken(block: FileBytes, directory: TiffDirectory) -> str | None:
    """The moment stands in a table of its own."""
    place = directory.number(_EXIF, 0)
    inner = TiffDirectory.read(block, place) if place else directory
    written = inner.content(_TAKEN)
    return written.decode("ascii", "replace").rstrip("\0 ") if written else None


def _block(data: FileBytes, name: str | None) -> FileBytes | None:
    try:
        if name == "JPEG":
            return _in_jpeg(data)
        if name == "PNG":
            return _in_chunks(data, 8, ">I4s", b"eXIf", after=4)
        if name == "WebP":
            return _in_chunks(data, 12, "<4sI", b"EXIF", after=0)
    except struct.error:
        return None
    return data if name == "TIFF" else None


def _in_jpeg(data: FileBytes) -> bytes | None:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:
        if data[at + 1] == 0xFF:
            at += 1
            continue
        (size,) = struct.unpack_from(">H", data, at + 2)
        content = bytes(data[at + 4 : at + 2 + size]) if data[at + 1] == _APP1 else b""
        if _BEFORE.match(content):
            return content
        at += 2 + size
    return None


def _in_chunks(data: FileBytes, at: int, header: str, wanted: bytes, after: int) -> bytes | None:
    """PNG's chunks have their size first and 4 bytes of checksum behind, WebP's are filled up to an even size."""
    while at + 8 <= len(data):
        first, second = struct.unpack_from(header, data, at)
        size, name = (first, second) if after else (second, first)
        if name == wanted:
            return bytes(data[at + 8 : at + 8 + size])
        at += 8 + size + (after or size % 2)
    return None
