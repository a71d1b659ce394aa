"""A gold set as a file: what people have said of faces on photos, a mark a line, sorted, for people, programs and git.

The first line is `{"gold_set": 1}`. Each further line is one mark:

    {"photo": "ada.jpg", "person": "Ada Lovelace", "box": {"top": 0.1, "right": 0.5, "bottom": 0.4, "left": 0.2},
     "bytes": 48213, "sha256": "9f86d0…"}

or, instead of `person`, `"stranger": true` or `"not_face": true`. `photo` is a hint for people: the photo is known by
its SHA-256. Edges are parts of the upright photo's width and height.
"""

from __future__ import annotations

import json
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

from faces.errors import RequestError
from faces.gold.box_pairs import SAME_FACE, overlap
from faces.people.names import checked_name
from faces.photo.face import RatioBox
from faces.system import atomic_file

VERSION = 1

#: Bytes of a line: the longest mark that we write has a tenth of it.
_LONGEST_LINE = 65536

#: Digits of an edge: a pixel of a photo 50,000 pixels wide.
_DIGITS = 5

_FIELDS = frozenset({"photo", "person", "stranger", "not_face", "box", "bytes", "sha256"})
_EDGES = ("top", "right", "bottom", "left")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Says(Enum):
    """What a mark says of a face."""

    PERSON = "person"
    STRANGER = "stranger"
    NOT_FACE = "not_face"


@dataclass(frozen=True, slots=True)
class GoldMark:
    """A place on a photo, and what people say of it."""

    box: RatioBox
    says: Says
    person: str | None = None
    """The name as it is kept; None of strangers and of what is no face."""

    @property
    def words(self) -> str:
        """Such as `Ada Lovelace`, `a stranger`, `no face`."""
        return self.person or ("a stranger" if self.says is Says.STRANGER else "no face")

    def is_as(self, other: GoldMark) -> bool:
        """Whether both say the same, wherever."""
        return (self.says, self.person) == (other.says, other.person)


@dataclass(frozen=True, slots=True)
class GoldPhoto:
    """A photo's marks."""

    sha256: str
    size: int
    """Bytes of the file."""
    hint: str
    """Its file's name when it was marked first."""
    marks: tuple[GoldMark, ...]


GoldSet = dict[str, GoldPhoto]
"""Photos with a mark, by SHA-256."""


def read(path: Path) -> GoldSet:
    """Read a file.

    Raises:
        RequestError: it cannot be read, or is no gold set; the sentence has the line, what was found and is needed.
    """
    try:
        with path.open("rb") as file:
            return _GoldReading(path).run(file)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error


def lines(gold: GoldSet) -> Iterator[bytes]:
    """The file's lines: by name, photo and place, so that the same marks are the same bytes."""
    yield f'{{"gold_set": {VERSION}}}\n'.encode()
    for photo in sorted(gold.values(), key=lambda photo: (photo.hint, photo.sha256)):
        yield from (_line(photo, mark) for mark in sorted(photo.marks, key=_place))


def write(path: Path, gold: GoldSet) -> bool:
    """Put the set into a file whole or not at all; returns whether it is another than before. Rights stay as they are.

    Raises:
        RequestError: it cannot be written; the old file stays.
    """
    data = b"".join(lines(gold))
    try:
        real = path.resolve()
        if not real.exists():
            atomic_file.replace(real, data)
        elif real.read_bytes() == data:
            return False
        else:
            atomic_file.replace_as(real, data, stat.S_IMODE(real.stat().st_mode))
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from error
    return True


def rounded(box: RatioBox) -> RatioBox:
    """The box as a file has it."""
    return RatioBox(**{edge: _edge(getattr(box, edge)) for edge in _EDGES})


def is_markable(box: RatioBox) -> bool:
    """Whether a file can have it: a face at the photo's border may lie partly outside, one wholly outside cannot be."""
    rim = rounded(box)
    return rim.top < rim.bottom and rim.left < rim.right


def hint_of(filename: str) -> str:
    """A file's name as a hint: what is no text in it is replaced."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_no_text(letter) else letter for letter in filename)


def _line(photo: GoldPhoto, mark: GoldMark) -> bytes:
    said: dict[str, object] = {"person": mark.person} if mark.says is Says.PERSON else {mark.says.value: True}
    box = {edge: getattr(mark.box, edge) for edge in _EDGES}
    record = {"photo": photo.hint, **said, "box": box, "bytes": photo.size, "sha256": photo.sha256}
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _place(mark: GoldMark) -> tuple[float, float, float, float]:
    return mark.box.top, mark.box.left, mark.box.bottom, mark.box.right


def _edge(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), _DIGITS)


def _is_no_text(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs")


class _Wrong(Exception):
    """What is wrong with a line: found and needed."""


class _GoldReading:
    """One file, line by line; knows where each mark stands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._gold: GoldSet = {}
        self._seen: dict[str, list[tuple[GoldMark, int]]] = {}

    def run(self, file: BinaryIO) -> GoldSet:
        number, has_head = 0, False
        for number, raw in enumerate(_raw_lines(file), 1):
            try:
                record = _record(raw, number)
                if record is None:
                    continue
                if has_head:
                    self._take(record, number)
                else:
                    _check_head(record)
                    has_head = True
            except (_Wrong, RequestError) as error:
                raise RequestError(f"{self._path}, line {number}: {error}") from error
        if not has_head:
            raise RequestError(
                f'{self._path}, line {number or 1}: found the end of the file, needed {{"gold_set": {VERSION}}}'
            )
        return {
            sha256: replace(photo, marks=tuple(sorted((mark for mark, _ in self._seen[sha256]), key=_place)))
            for sha256, photo in self._gold.items()
        }

    def _take(self, record: Mapping[str, Any], number: int) -> None:
        photo, mark = _photo(record), _mark(record)
        known = self._gold.setdefault(photo.sha256, photo)
        marks = self._seen.setdefault(photo.sha256, [])
        if known.size != photo.size:
            raise _Wrong(
                f"found {photo.size} bytes of the photo {photo.sha256[:12]}… of which line {marks[0][1]} has "
                f"{known.size}, needed one number"
            )
        for other, line in marks:
            if overlap(other.box, mark.box) < SAME_FACE:
                continue
            if other == mark:
                return
            raise _Wrong(
                f"found {mark.words} in {photo.hint} at the place where line {line} has {other.words}, "
                "needed one mark for a place"
            )
        marks.append((mark, number))


def _raw_lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(_LONGEST_LINE + 1):
        yield line


def _record(raw: bytes, number: int) -> Mapping[str, Any] | None:
    """The line's object; None where it is empty."""
    if len(raw) > _LONGEST_LINE:
        raise _Wrong(f"found a line of more than {_LONGEST_LINE} bytes, needed one mark a line")
    try:
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
    except UnicodeDecodeError as error:
        raise _Wrong(f"found the byte {raw[error.start]:#04x}, needed UTF-8") from None
    if not text:
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise _Wrong(f"found {_shortened(text)}, needed a JSON object on one line") from None
    if not isinstance(record, dict):
        raise _Wrong(f"found {_shortened(text)}, needed a JSON object")
    return record


def _check_head(record: Mapping[str, Any]) -> None:
    version = record.get("gold_set")
    if type(version) is not int or record.keys() != {"gold_set"}:
        raise _Wrong(f'found {_shown(record)}, needed {{"gold_set": {VERSION}}} as the first line')
    if version != VERSION:
        raise _Wrong(f"found a gold set of version {version}, needed version {VERSION}")


def _photo(record: Mapping[str, Any]) -> GoldPhoto:
    if unknown := sorted(record.keys() - _FIELDS):
        raise _Wrong(f"found the field {unknown[0]!r}, needed only {', '.join(sorted(_FIELDS))}")
    sha256, size, hint = record.get("sha256"), record.get("bytes"), record.get("photo")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise _Wrong(f"found {_shown(sha256)} as sha256, needed 64 hexadecimal digits in small letters")
    if type(size) is not int or size < 1:
        raise _Wrong(f"found {_shown(size)} as bytes, needed the size of the photo's file")
    if not isinstance(hint, str) or any(_is_no_text(letter) for letter in hint):
        raise _Wrong(f"found {_shown(hint)} as photo, needed the name of the photo's file")
    return GoldPhoto(sha256, size, hint, ())


def _mark(record: Mapping[str, Any]) -> GoldMark:
    said = [says for says in Says if says.value in record]
    if len(said) != 1:
        found = " and ".join(says.value for says in said) or "none of them"
        raise _Wrong(f"found {found}, needed one of person, stranger and not_face")
    value = record[said[0].value]
    if said[0] is not Says.PERSON:
        if value is not True:
            raise _Wrong(f"found {_shown(value)} as {said[0].value}, needed true")
        return GoldMark(_box(record.get("box")), said[0])
    if not isinstance(value, str):
        raise _Wrong(f"found {_shown(value)} as person, needed a name")
    return GoldMark(_box(record.get("box")), Says.PERSON, checked_name(value))


def _box(value: object) -> RatioBox:
    if not isinstance(value, dict) or value.keys() != set(_EDGES):
        raise _Wrong(f"found {_shown(value)} as box, needed an object with {', '.join(_EDGES)}")
    for edge in _EDGES:
        # NaN is a number to Python's JSON, and in no range.
        if type(value[edge]) not in (int, float) or not 0 <= value[edge] <= 1:
            raise _Wrong(f"found {_shown(value[edge])} as box.{edge}, needed a number from 0 to 1")
    box = rounded(RatioBox(**{edge: float(value[edge]) for edge in _EDGES}))
    if not is_markable(box):
        raise _Wrong(f"found {_shown(value)} as box, needed top above bottom, and left before right")
    return box


def _shown(value: object) -> str:
    return "nothing" if value is None else _shortened(json.dumps(value, ensure_ascii=True))


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"


def of_photos(photos: Iterable[GoldPhoto]) -> GoldSet:
    """Those that have a mark, by SHA-256."""
    return {photo.sha256: photo for photo in photos if photo.marks}
