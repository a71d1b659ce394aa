"""HEIC and AVIF: what must be known of a file before a decoder sees it, and which way up; from its ISO media boxes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from faces.photo import turns
from faces.photo.formats import FileBytes

#: Outermost boxes that a picture is made of.
_PICTURE_BOXES = frozenset((b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip"))

#: Names of items stand before the pixels, within so many bytes.
_PROPERTIES_WITHIN = 65536

#: `irot`: so many times by 90° counter-clockwise (ISO/IEC 23008-12, 6.5.10), as EXIF orientations.
_ROTATIONS = (turns.UPRIGHT, turns.COUNTER_CLOCKWISE, turns.HALF, turns.CLOCKWISE)
#: `imir`: 0 exchanges top and bottom, 1 left and right (6.5.12), as EXIF orientations.
_MIRRORINGS = (4, 2)


def bytes_missing(data: FileBytes) -> int:
    """How many bytes are cut off the end, by the sizes of the outermost boxes.

    libheif paints what is missing gray and says nothing. A box begins with its size and kind, 4 bytes each; size 1
    means that 8 bytes of size follow, size 0 that the box ends with the file (ISO/IEC 14496-12, 4.2). What
    follows the boxes that hold a picture is not needed.
    """
    start, end = 0, len(data)
    while start + 8 <= end and bytes(data[start + 4 : start + 8]) in _PICTURE_BOXES:
        size = int.from_bytes(data[start : start + 4], "big")
        if size == 1:
            size = int.from_bytes(data[start + 8 : start + 16], "big")
        if size < 8:
            return 0
        start += size
    return max(start - end, 0)


def has_garbled_names(data: FileBytes) -> bool:
    """Whether the type or name of an item is no text: pi-heif 1.4.0 ends the process over it.

    The box `infe` of version 2 or 3 has, behind its kind, 4 bytes of version and flags, the item's number (2 or 4),
    2 of protection, and then nothing but text to its end (ISO/IEC 14496-12, 8.11.6).
    """
    head = bytes(data[:_PROPERTIES_WITHIN])
    at = head.find(b"infe")
    while 4 <= at < len(head) - 4:
        size = int.from_bytes(head[at - 4 : at], "big")
        text = head[at + (14 if head[at + 4] == 3 else 12) : at - 4 + size]
        if not _is_text(text):
            return True
        at = head.find(b"infe", at + 4)
    return False


@dataclass(frozen=True, slots=True)
class WaysUp:
    """`turn` is the container's, as an EXIF orientation, None where it has none; `exif` is the block beside it."""

    turn: int | None = None
    exif: bytes | None = None


def ways_up(data: FileBytes) -> WaysUp:
    """Read what a file says of its primary picture. What cannot be read is as if it were not there."""
    return WaysUp(_read(_turn, data), _read(_exif, data))


_Parts = dict[bytes, "_Box"]
_Value = TypeVar("_Value")


def _read(part: Callable[[FileBytes, _Parts], _Value | None], data: FileBytes) -> _Value | None:
    try:
        meta = next(box for box in _boxes(data, 0, len(data)) if box.kind == b"meta")
        return part(data, {box.kind: box for box in _boxes(data, meta.start + 4, meta.end)})
    except (struct.error, LookupError, StopIteration):
        return None


@dataclass(frozen=True, slots=True)
class _Box:
    """`start` and `end` are those of its content."""

    kind: bytes
    start: int
    end: int


def _boxes(data: FileBytes, start: int, end: int) -> Iterator[_Box]:
    """The boxes side by side in a part of the file (ISO/IEC 14496-12, 4.2)."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        after = end if size == 0 else min(start + size, end)
        if after < start + header:
            return
        yield _Box(kind, start + header, after)
        start = after


def _turn(data: FileBytes, parts: _Parts) -> int | None:
    """What the properties of the primary item ask for, in their order."""
    inside = {box.kind: box for box in _boxes(data, parts[b"iprp"].start, parts[b"iprp"].end)}
    properties = list(_boxes(data, inside[b"ipco"].start, inside[b"ipco"].end))
    turn = None
    for place in _associated(data, inside[b"ipma"], _primary(data, parts[b"pitm"])):
        box = properties[place - 1]
        if box.kind == b"irot":
            turn = turns.both(turn or turns.UPRIGHT, _ROTATIONS[data[box.start] & 3])
        elif box.kind == b"imir":
            turn = turns.both(turn or turns.UPRIGHT, _MIRRORINGS[data[box.start] & 1])
    return turn


def _primary(data: FileBytes, pitm: _Box) -> int:
    return _number(data, pitm.start + 4, 2 if data[pitm.start] == 0 else 4)


def _associated(data: FileBytes, ipma: _Box, item: int) -> list[int]:
    """The places, from 1, of an item's properties (ISO/IEC 23008-12, 9.3.2); 0 is none."""
    item_size = 2 if data[ipma.start] == 0 else 4
    place_size = 2 if data[ipma.start + 3] & 1 else 1
    at = ipma.start + 8
    for _ in range(_number(data, ipma.start + 4, 4)):
        found, count = _number(data, at, item_size), _number(data, at + item_size, 1)
        first = at + item_size + 1
        at = first + count * place_size
        if found == item:
            essential = 1 << (8 * place_size - 1)
            places = (_number(data, first + which * place_size, place_size) for which in range(count))
            return [place & ~essential for place in places if place & ~essential]
    return []


def _exif(data: FileBytes, parts: _Parts) -> bytes | None:
    """The content of the first item of type Exif, behind the offset that it begins with (ISO/IEC 23008-12, A.2.1)."""
    for box in _boxes(data, parts[b"iinf"].start + (6 if data[parts[b"iinf"].start] == 0 else 8), parts[b"iinf"].end):
        item_size = 4 if data[box.start] == 3 else 2
        kind_at = box.start + 4 + item_size + 2
        if bytes(data[kind_at : kind_at + 4]) == b"Exif":
            content = _content(data, parts, _number(data, box.start + 4, item_size))
            return content[4 + int.from_bytes(content[:4], "big") :] if len(content) > 4 else None
    return None


def _content(data: FileBytes, parts: _Parts, item: int) -> bytes:
    """An item's bytes: those that the box `iloc` names in the file, or in the box `idat` (ISO/IEC 14496-12, 8.11.3)."""
    iloc = parts[b"iloc"]
    version = data[iloc.start]
    offset_size, length_size = data[iloc.start + 4] >> 4, data[iloc.start + 4] & 15
    base_size, index_size = data[iloc.start + 5] >> 4, data[iloc.start + 5] & 15 if version else 0
    extent_size = index_size + offset_size + length_size
    wide = 4 if version == 2 else 2
    at = iloc.start + 6 + wide
    for _ in range(_number(data, iloc.start + 6, wide)):
        found = _number(data, at, wide)
        at += wide
        method = _number(data, at, 2) & 15 if version else 0
        at += (2 if version else 0) + 2
        base = _number(data, at, base_size) + (parts[b"idat"].start if method == 1 else 0)
        count = _number(data, at + base_size, 2)
        at += base_size + 2
        if found == item:
            extents = [at + index_size + which * extent_size for which in range(count)]
            offsets = [base + _number(data, extent, offset_size) for extent in extents]
            lengths = [_number(data, extent + offset_size, length_size) for extent in extents]
            return _joined(data, offsets, lengths)
        at += count * extent_size
    return b""


def _joined(data: FileBytes, offsets: Sequence[int], lengths: Sequence[int]) -> bytes:
    """The pieces of an item. Each of thousands may be the whole file, and together they would fill the memory."""
    if sum(lengths) > len(data):
        raise LookupError("an item has more content than the file")
    return b"".join(bytes(data[start : start + length]) for start, length in zip(offsets, lengths, strict=True))


def _number(data: FileBytes, at: int, size: int) -> int:
    content = bytes(data[at : at + size])
    if len(content) < size:
        raise LookupError(f"the file ends at byte {len(data)}, a number was expected at {at}")
    return int.from_bytes(content, "big")


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
