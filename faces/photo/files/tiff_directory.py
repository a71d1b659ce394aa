"""The tags of a TIFF's first picture, read before any decoder sees the file; and the same file with other tags."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from faces.photo.formats import FileBytes

#: Field type (TIFF 6.0, section 2; 13, 16–18: BigTIFF and supplements) -> its bytes, and how `struct` reads a number.
_TYPES = {
    1: (1, "B"),
    2: (1, None),
    3: (2, "H"),
    4: (4, "I"),
    5: (8, None),
    6: (1, "b"),
    7: (1, None),
    8: (2, "h"),
    9: (4, "i"),
    10: (8, None),
    11: (4, "f"),
    12: (8, "d"),
    13: (4, "I"),
    16: (8, "Q"),
    17: (8, "q"),
    18: (8, "Q"),
}

_SHORT, _LONG = 3, 4

#: More tags than that stand in no photo.
_MOST_TAGS = 4096

#: StripOffsets and TileOffsets.
_PLACES = (273, 324)
#: What a decoder must know to read the pixels (TIFF 6.0 and Adobe's notes): size, kind, turn; strips and tiles; what
#: their compression needs; what their colours need. The last is their profile.
_OF_SHAPE = (256, 257, 258, 259, 262, 266, 274, 277, 284)
_OF_PARTS = (273, 278, 279, 322, 323, 324, 325)
_OF_COMPRESSION = (292, 293, 317, 347)
_OF_COLOURS = (320, 332, 338, 339, 529, 530, 531, 532)
_NEEDED = frozenset((*_OF_SHAPE, *_OF_PARTS, *_OF_COMPRESSION, *_OF_COLOURS))
_PROFILE = 34675


@dataclass(frozen=True, slots=True)
class _Field:
    type: int
    count: int
    content: bytes


@dataclass(frozen=True, slots=True)
class TiffDirectory:
    """The first directory of a TIFF or BigTIFF file. `order` is `<` or `>`, as `struct` has it."""

    order: str
    is_big: bool
    _fields: Mapping[int, _Field]

    @classmethod
    def read(cls, data: FileBytes, start: int | None = None) -> TiffDirectory:
        """Read the tags; one that cannot be read is as if it were not there, unless pixels or a turn depend on it.

        `start` is where another directory of the file begins, as a tag of the first one says.

        Raises:
            ValueError: there is no directory where the file says, or not the whole of it.
        """
        order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
        if order is None:
            raise ValueError("it does not begin as a TIFF file does")
        try:
            is_big = struct.unpack_from(order + "H", data, 2)[0] == 43
            if start is None:
                (start,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, 8 if is_big else 4)
            (count,) = struct.unpack_from(order + ("Q" if is_big else "H"), data, start)
            first = start + (8 if is_big else 2)
            places = [first + at * _entry_size(is_big) for at in range(_few(count))]
            fields = dict(_no_more_than(len(data), (_field(data, place, order, is_big) for place in places)))
        except (struct.error, OverflowError) as error:
            raise ValueError("its table of tags is not where it should be") from error
        return cls(order, is_big, {tag: field for tag, field in fields.items() if field is not None})

    def __contains__(self, tag: int) -> bool:
        return tag in self._fields

    def numbers(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """A tag's whole numbers, or `default` where it is missing or holds something else."""
        field = self._fields.get(tag)
        letter = _TYPES[field.type][1] if field else None
        if field is None or letter is None or letter in "fd":
            return default
        return struct.unpack(f"{self.order}{field.count}{letter}", field.content)

    def number(self, tag: int, default: int) -> int:
        """A tag's first whole number."""
        return next(iter(self.numbers(tag)), default)

    def content(self, tag: int) -> bytes | None:
        """A tag's bytes, or None where it is missing."""
        return self._fields[tag].content if tag in self._fields else None

    def rewritten(self, data: FileBytes, changes: Mapping[int, tuple[int, ...]]) -> bytes:
        """The same picture as a classic TIFF with nothing but the tags that its pixels need, some of them changed.

        An empty change leaves the tag out. The file stands whole behind the new header, so that what is missing at
        its end is still missing. Numbers of 64 bits become 32: a file that needs them is larger than any that is read.

        Raises:
            ValueError: a number does not fit.
        """
        try:
            fields = {tag: self._classic(field) for tag, field in self._fields.items() if tag in {*_NEEDED, _PROFILE}}
            fields |= {tag: self._field_of(numbers) for tag, numbers in changes.items()}
            fields = {tag: field for tag, field in fields.items() if field.count}
            places = {tag: changes.get(tag) or self.numbers(tag) for tag in _PLACES if tag in fields}
            length = len(self._header({**fields, **{tag: self._longs(at) for tag, at in places.items()}}))
            moved = {tag: self._longs([at + length for at in numbers]) for tag, numbers in places.items()}
            return b"".join((self._header({**fields, **moved}), data))
        except struct.error as error:
            raise ValueError(f"a number in its table of tags is too large: {error}") from error

    def _classic(self, field: _Field) -> _Field:
        if field.type not in (16, 17, 18):
            return field
        return self._longs(struct.unpack(f"{self.order}{field.count}{_TYPES[field.type][1]}", field.content))

    def _field_of(self, numbers: Sequence[int]) -> _Field:
        if max(numbers, default=0) >= 65536:
            return self._longs(numbers)
        return _Field(_SHORT, len(numbers), struct.pack(f"{self.order}{len(numbers)}H", *numbers))

    def _longs(self, numbers: Sequence[int]) -> _Field:
        return _Field(_LONG, len(numbers), struct.pack(f"{self.order}{len(numbers)}I", *numbers))

    def _header(self, fields: Mapping[int, _Field]) -> bytes:
        at = 8 + 2 + 12 * len(fields) + 4
        table, beside = struct.pack(self.order + "H", len(fields)), b""
        for tag, field in sorted(fields.items()):
            value = field.content.ljust(4, b"\0")
            if len(value) > 4:
                value = struct.pack(self.order + "I", at + len(beside))
                beside += field.content + bytes(len(field.content) % 2)
            table += struct.pack(self.order + "HHI", tag, field.type, field.count) + value
        mark = b"II" if self.order == "<" else b"MM"
        return mark + struct.pack(self.order + "HI", 42, 8) + table + bytes(4) + beside


def _entry_size(is_big: bool) -> int:
    return 20 if is_big else 12


def _few(count: int) -> int:
    if not 0 < count <= _MOST_TAGS:
        raise ValueError(f"its table of tags has {count:,} entries")
    return count


def _no_more_than(size: int, fields: Iterable[tuple[int, _Field | None]]) -> Iterator[tuple[int, _Field | None]]:
    """The fields as they are read. Thousands of tags may each name the whole file, and would fill the memory."""
    for tag, field in fields:
        size -= len(field.content) if field else 0
        if size < 0:
            raise ValueError("its tags have more content than the file")
        yield tag, field


def _field(data: FileBytes, at: int, order: str, is_big: bool) -> tuple[int, _Field | None]:
    tag, kind, count = struct.unpack_from(order + ("HHQ" if is_big else "HHI"), data, at)
    place, inline = (at + 12, 8) if is_big else (at + 8, 4)
    if kind not in _TYPES:
        return tag, None
    size = _TYPES[kind][0] * count
    if size > inline:
        (place,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, place)
    if count and place + size <= len(data):
        return tag, _Field(kind, count, bytes(data[place : place + size]))
    if tag in _NEEDED:
        raise ValueError(f"its tag {tag} has no content")
    return tag, None
