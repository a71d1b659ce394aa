"""A strict reader of what PHP's `serialize()` writes. It builds no class, and gives back the bytes of every part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from faces.errors import UnreadableMessage

#: A key of an array or the name of a property, as PHP writes it: `"\0*\0name"` is protected, `"\0Class\0name"` private.
Key = int | str


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a text may hold at most. The app's largest messages have some hundred bytes and four levels."""

    size: int = 4 * 1024 * 1024  #: bytes
    values: int = 50_000
    depth: int = 64


@dataclass(frozen=True, slots=True)
class Entries:
    """What an array and an object have in common: entries in PHP's order, and the bytes of each."""

    entries: Mapping[Key, Value]
    source: bytes = field(repr=False, compare=False, default=b"")
    spans: Mapping[Key, tuple[int, int]] = field(repr=False, compare=False, default_factory=dict)

    def raw(self, key: Key) -> bytes:
        """The bytes that the entry was read from."""
        start, end = self.spans[key]
        return self.source[start:end]


@dataclass(frozen=True, slots=True)
class PhpArray(Entries):
    """An array, as a list or a map; a key is an int or a text, as in PHP."""


@dataclass(frozen=True, slots=True)
class PhpObject(Entries):
    """An object that was not built: the entries are its properties, under the names that PHP gives them."""

    class_name: str = ""

    def find(self, name: str) -> Value:
        """The public, protected or private property of this name; None where there is none."""
        for key, value in self.entries.items():
            if isinstance(key, str) and key.rpartition("\0")[2] == name:
                return value
        return None


@dataclass(frozen=True, slots=True)
class PhpEnum:
    """A case of an enumeration."""

    class_name: str
    case: str


@dataclass(frozen=True, slots=True)
class PhpCustom:
    """An object in words of its own, which only its class can read."""

    class_name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PhpReference:
    """The same value (`R`) or object (`r`) as the one with this number, counted from 1 over the whole text."""

    number: int


#: Texts are read with `surrogateescape`: `text.encode("utf-8", "surrogateescape")` is what PHP had, byte for byte.
Value = None | bool | int | float | str | PhpArray | PhpObject | PhpEnum | PhpCustom | PhpReference


def read(data: bytes, limits: ReadLimits = ReadLimits()) -> Value:
    """Read one serialized value that fills `data` to its last byte.

    Raises:
        UnreadableMessage: PHP would not have written this, or it is larger than `limits`.
    """
    if len(data) > limits.size:
        raise UnreadableMessage(f"found {len(data)} serialized bytes, read are at most {limits.size}")
    reader = _PhpReader(data, limits)
    value = reader.value(limits.depth)
    if reader.place != len(data):
        raise reader.wrong("the end")
    return value


def references(value: Value) -> Iterator[PhpReference]:
    """Every reference in a value: its number means another value as soon as it stands in another text."""
    if isinstance(value, PhpReference):
        yield value
    elif isinstance(value, Entries):
        for entry in value.entries.values():
            yield from references(entry)


def write(value: str | int | Mapping[str, str | int]) -> bytes:
    """Serialize a text, a number or a flat map of them, as PHP does.

    >>> write({"image_id": 7})
    b'a:1:{s:8:"image_id";i:7;}'
    """
    if isinstance(value, int):
        return b"i:%d;" % value
    if isinstance(value, str):
        return write_bytes(value.encode("utf-8", "surrogateescape"))
    entries = b"".join(write(key) + write(item) for key, item in value.items())
    return b"a:%d:{%s}" % (len(value), entries)


def write_bytes(content: bytes) -> bytes:
    """Serialize a text that is given as its bytes."""
    return b's:%d:"%s";' % (len(content), content)


_INTEGER = re.compile(rb"i:(0|-?[1-9][0-9]{0,18});")
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_BOOLEAN = re.compile(rb"b:([01]);")
_FLOAT = re.compile(rb"d:(-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:E[+-][0-9]{1,4})?|-?INF|NAN);")
_LENGTH = re.compile(rb'[sOCE]:(0|[1-9][0-9]{0,8}):"')
_COUNT = re.compile(rb"(0|[1-9][0-9]{0,8}):\{")
_REFERENCE = re.compile(rb"[rR]:([1-9][0-9]{0,8});")
_CLASS_NAME = re.compile(rb"([A-Za-z0-9_\\\x80-\xff]{1,512})")
_CASE = re.compile(rb"([A-Za-z0-9_\\\x80-\xff]{1,512}):([A-Za-z0-9_\x80-\xff]{1,512})")

#: The first integer that PHP has no room for.
_TOO_LARGE = 2**63


class _PhpReader:
    """Where we are in the text, and how many values may still come."""

    def __init__(self, data: bytes, limits: ReadLimits) -> None:
        self.data = data
        self.place = 0
        self.limits = limits
        self.left = limits.values

    def wrong(self, needed: str) -> UnreadableMessage:
        found = self.data[self.place : self.place + 20]
        return UnreadableMessage(f"serialized data, byte {self.place}: found {found!r}, needed {needed}")

    def value(self, depth: int) -> Value:
        self.left -= 1
        if self.left < 0:
            raise UnreadableMessage(f"found more than {self.limits.values} serialized values, read are at most as many")
        if depth < 0:
            raise UnreadableMessage(
                f"found data nested deeper than {self.limits.depth} levels, read are at most as many"
            )
        kind = self.data[self.place : self.place + 1]
        if kind == b"s":
            return self._text()
        if kind == b"i":
            return self._integer()
        if kind == b"a":
            return self._array(depth)
        if kind == b"O":
            return self._object(depth)
        if kind == b"N":
            self._expect(b"N;")
            return None
        if kind == b"b":
            return self._take(_BOOLEAN, "b:0; or b:1;") == b"1"
        if kind == b"d":
            return float(self._take(_FLOAT, "a float"))
        return self._rare()

    def _rare(self) -> Value:
        """What no message of the app has had so far, and a chained job may have."""
        kind = self.data[self.place : self.place + 1]
        if kind in (b"r", b"R"):
            return self._reference()
        if kind == b"E":
            class_name, case = self._named(_CASE, "the case of an enumeration")
            self._expect(b";")
            return PhpEnum(class_name, case)
        if kind == b"C":
            [class_name] = self._named(_CLASS_NAME, "the name of a class")
            self._expect(b":")
            length = int(self._take(_COUNT, "a length"))
            content = self._bytes(length)
            self._expect(b"}")
            return PhpCustom(class_name, content)
        raise self.wrong("a value")

    def _reference(self) -> PhpReference:
        start = self.place
        number = int(self._take(_REFERENCE, "a reference"))
        if number >= self.limits.values - self.left:
            self.place = start
            raise self.wrong("a reference to a value before it")
        return PhpReference(number)

    def _integer(self) -> int:
        start = self.place
        number = int(self._take(_INTEGER, "an integer"))
        if not -_TOO_LARGE <= number < _TOO_LARGE:
            self.place = start
            raise self.wrong("an integer of 64 bits")
        return number

    def _text(self) -> str:
        text = self._quoted()
        self._expect(b";")
        return text.decode("utf-8", "surrogateescape")

    def _array(self, depth: int) -> PhpArray:
        self._expect(b"a:")
        entries, spans = self._entries(depth)
        for key in entries:
            # PHP turns such a key of an array into an integer.
            if isinstance(key, str) and _NUMBER.fullmatch(key) and -_TOO_LARGE <= int(key) < _TOO_LARGE:
                raise UnreadableMessage(
                    f"serialized data: found the text key {key!r} in an array, PHP has numbers there"
                )
        return PhpArray(entries, self.data, spans)

    def _object(self, depth: int) -> PhpObject:
        [class_name] = self._named(_CLASS_NAME, "the name of a class")
        self._expect(b":")
        entries, spans = self._entries(depth)
        return PhpObject(entries, self.data, spans, class_name)

    def _entries(self, depth: int) -> tuple[dict[Key, Value], dict[Key, tuple[int, int]]]:
        count = int(self._take(_COUNT, "a count and {"))
        entries: dict[Key, Value] = {}
        spans: dict[Key, tuple[int, int]] = {}
        for _ in range(count):
            kind = self.data[self.place : self.place + 1]
            if kind not in (b"i", b"s"):
                raise self.wrong("a key")
            key: Key = self._integer() if kind == b"i" else self._text()
            if key in entries:
                raise UnreadableMessage(f"serialized data, byte {self.place}: found the key {key!r} twice in one place")
            start = self.place
            entries[key] = self.value(depth - 1)
            spans[key] = (start, self.place)
        self._expect(b"}")
        return entries, spans

    def _named(self, pattern: re.Pattern[bytes], needed: str) -> tuple[str, ...]:
        start = self.place
        found = pattern.fullmatch(self._quoted())
        if not found:
            self.place = start
            raise self.wrong(needed)
        return tuple(name.decode("utf-8", "surrogateescape") for name in found.groups())

    def _quoted(self) -> bytes:
        length = int(self._take(_LENGTH, "a length and a quotation mark"))
        content = self._bytes(length)
        self._expect(b'"')
        return content

    def _bytes(self, length: int) -> bytes:
        content = self.data[self.place : self.place + length]
        if len(content) < length:
            raise self.wrong(f"{length} bytes")
        self.place += length
        return content

    def _expect(self, sign: bytes) -> None:
        if not self.data.startswith(sign, self.place):
            raise self.wrong(sign.decode())
        self.place += len(sign)

    def _take(self, pattern: re.Pattern[bytes], needed: str) -> bytes:
        found = pattern.match(self.data, self.place)
        if not found:
            raise self.wrong(needed)
        self.place = found.end()
        return found[1]
