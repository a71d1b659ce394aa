"""A JPEG without its end marker: whether that is all that it lacks. Viewers show such a file whole."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import simplejpeg

from faces.photo.formats import FileBytes

_END = b"\xff\xd9"

#: Markers (ITU-T T.81, table B.1): frame headers, all but those of lossless and hierarchical JPEG; and a scan's.
_FRAMES, _PROGRESSIVE = frozenset((0xC0, 0xC1, 0xC2, 0xC9, 0xCA)), frozenset((0xC2, 0xCA))
_SCAN, _FILLING = 0xDA, 0xFF

#: A marker that ends a scan's data: neither a stuffed zero, nor a restart, nor a byte of filling.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

#: Coefficients of a block.
_COEFFICIENTS = 64


#: What libjpeg-turbo says of a scan or a file that ends before its last pixel.
_TOO_EARLY = "premature end"


@dataclass(frozen=True, slots=True)
class _Frame:
    width: int
    height: int
    components: tuple[int, ...]
    is_progressive: bool


def with_end(data: FileBytes, max_pixels: int) -> bytes | None:
    """The file with the end marker that it lacks, where nothing else is missing; None for all other files.

    Nothing is missing where every bit of every coefficient was announced by a scan and libjpeg-turbo reads all of them
    without a warning. A picture of more than `max_pixels` is not looked at.
    """
    if bytes(data[-2:]) == _END:
        return None
    frame = _frame_without_end(data)
    if frame is None or frame.width * frame.height > max_pixels:
        return None
    ended = _without_padding(bytes(data)) + _END
    try:
        simplejpeg.decode_jpeg(ended, "CMYK" if len(frame.components) == 4 else "RGB", strict=True)
    except ValueError:
        return None
    return ended


def lacks_pixels(data: FileBytes, mode: str) -> bool:
    """Whether libjpeg-turbo had to make pixels up, where a scan ends too early; `mode` is Pillow's name of the colours.

    Pillow says nothing of it where an end marker follows: all programs show such a picture, the rest of it gray.
    """
    try:
        simplejpeg.decode_jpeg(bytes(data), {"L": "GRAY", "CMYK": "CMYK"}.get(mode, "RGB"), strict=True)
    except ValueError as error:
        return _TOO_EARLY in str(error).lower()
    return False


def _without_padding(data: bytes) -> bytes:
    """Without the zeros that disks and transfers put behind a file; a scan's last byte is none, but behind FF it is."""
    content = data.rstrip(b"\0")
    return content + data[len(content) : len(content) + 1] if content.endswith(b"\xff") else content


def _frame_without_end(data: FileBytes) -> _Frame | None:
    """The frame, where no end marker follows it and its scans, all together, hold every coefficient to its last bit."""
    frame: _Frame | None = None
    wanted: set[tuple[int, int]] = set()
    for at, marker in _segments(data):
        if marker in _FRAMES:
            frame = _frame(data, at, marker in _PROGRESSIVE)
            wanted = set(itertools.product(frame.components, range(_COEFFICIENTS)))
        elif marker == _SCAN and frame is not None:
            wanted -= _finished(data, at, frame)
        elif marker == _END[1]:
            return None
    return None if wanted else frame


def _segments(data: FileBytes) -> Iterator[tuple[int, int]]:
    """Place and code of each marker; scans' data is passed over."""
    at = 2
    while at + 2 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _FILLING:
            at += 1
            continue
        yield at, marker
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SCAN:
            found = _NEXT_MARKER.search(data, at)
            if found is None:
                return
            at = found.start()


def _frame(data: FileBytes, at: int, is_progressive: bool) -> _Frame:
    height, width = (_byte(data, place) << 8 | _byte(data, place + 1) for place in (at + 5, at + 7))
    components = tuple(_byte(data, at + 10 + 3 * which) for which in range(_byte(data, at + 9)))
    return _Frame(width, height, components, is_progressive)


def _finished(data: FileBytes, at: int, frame: _Frame) -> set[tuple[int, int]]:
    """What a scan's header announces to the last bit: coefficients by component (T.81, B.2.3)."""
    count = _byte(data, at + 4)
    components = [_byte(data, at + 5 + 2 * which) for which in range(count)]
    first, last, bits = (_byte(data, at + 5 + 2 * count + which) for which in range(3))
    if not frame.is_progressive:
        first, last, bits = 0, _COEFFICIENTS - 1, 0
    return set(itertools.product(components, range(first, last + 1))) if bits & 15 == 0 else set()


def _byte(data: FileBytes, at: int) -> int:
    """A byte of the file; 0 behind its end, which announces nothing."""
    return data[at] if at < len(data) else 0
