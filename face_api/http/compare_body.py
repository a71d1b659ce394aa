"""The body of /compare, read piece by piece: hundreds of megabytes of JSON become a matrix without lying in memory."""

from __future__ import annotations

import io
import json
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

import numpy as np
import numpy.typing as npt

from face_api.http.errors import BadBody, WrongField
from faces.photo.face import ENCODING_LENGTH, Encoding

#: More than this is no list of known faces, and the answer alone would take gigabytes.
MOST_CANDIDATES = 1_000_000

_PIECE = 1024 * 1024

#: Characters of one value at most; a candidate has about 2,800.
_LONGEST_VALUE = 4 * _PIECE

#: Behind a number at least so many characters must be known, else `1e` might be the half of `1e-300`.
_LOOK_AHEAD = 64

_SPACE = " \t\n\r"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One encoding and the candidates: `valid` are the rows that can be compared, `places` their positions.

    `count` candidates were there in all; those not in `places` cannot be compared.
    """

    encoding: Encoding
    valid: npt.NDArray[np.float64]
    places: npt.NDArray[np.int64]
    count: int

    @classmethod
    def read(cls, body: BinaryIO) -> Comparison:
        """Read `{"encoding": […], "candidates": [[…], …]}`; other members are skipped.

        A candidate may be anything: only a list of 128 finite numbers is valid, and the others spoil nothing.

        Raises:
            BadBody: this is no JSON.
            WrongField: a member is missing, or `encoding` is not 128 finite numbers.
        """
        encoding: Any = None
        rows: _Rows | None = None
        text = _Text(body)
        for name in text.members():
            if name == "candidates":
                rows = _Rows()
                for candidate in text.items("candidates"):
                    rows.add(candidate)
            elif name == "encoding":
                encoding = text.value()
            else:
                text.value()
        if rows is None:
            raise WrongField("candidates is missing, needed a list of lists of 128 numbers")
        return cls(_encoding(encoding), *rows.finish())


class _Rows:
    """Candidates as they come in."""

    def __init__(self) -> None:
        self._numbers, self._places, self._count = array("d"), array("q"), 0

    def add(self, candidate: Any) -> None:
        if _is_encoding(candidate):
            self._numbers.extend(candidate)
            self._places.append(self._count)
        self._count += 1
        if self._count > MOST_CANDIDATES:
            raise WrongField(f"candidates has more than {MOST_CANDIDATES:,} entries")

    def finish(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], int]:
        rows = np.frombuffer(self._numbers, dtype=np.float64).reshape(-1, ENCODING_LENGTH)
        return rows, np.frombuffer(self._places, dtype=np.int64), self._count


def _is_encoding(value: Any) -> bool:
    """128 finite numbers; `true` and strings are none, though Python would count with them."""
    return (
        type(value) is list
        and len(value) == ENCODING_LENGTH
        and set(map(type, value)) == {float}
        and all(map(math.isfinite, value))
    )


def _encoding(value: Any) -> Encoding:
    if _is_encoding(value):
        return np.array(value, dtype=np.float64)
    if value is None:
        found = "is missing"
    elif type(value) is not list:
        found = f"is a {_kind(value)}"
    elif len(value) != ENCODING_LENGTH:
        found = f"has {len(value)} numbers"
    else:
        found = "has an entry that is no finite number"
    raise WrongField(f"encoding {found}, needed a list of {ENCODING_LENGTH} finite numbers")


def _kind(value: Any) -> str:
    return {str: "string", float: "number", bool: "boolean", dict: "object"}[type(value)]


class _Text:
    """JSON text that comes in pieces; the position moves on, what lies behind it is forgotten."""

    def __init__(self, body: BinaryIO) -> None:
        self._file = io.TextIOWrapper(body, encoding="utf-8")
        # Numbers as floats throughout: an integer of 5,000 digits is an error in Python, but infinite as a float.
        self._decoder = json.JSONDecoder(parse_int=float)
        self._text, self._at, self._passed, self._ended = "", 0, 0, False

    def members(self) -> Iterator[str]:
        """The names in an object; the caller takes each value. Nothing may follow the object."""
        if self._next() != "{":
            raise WrongField("the body is no JSON object, needed one with encoding and candidates")
        self._at += 1
        for _ in self._separated("}"):
            if self._next() != '"':
                self._fail("a member's name")
            name = self.value()
            if self._next() != ":":
                self._fail("a colon")
            self._at += 1
            yield name
        if self._next():
            self._fail("the end")

    def items(self, name: str) -> Iterator[Any]:
        """The values in a list."""
        if self._next() != "[":
            raise WrongField(f"{name} is no list, needed a list of lists of {ENCODING_LENGTH} numbers")
        self._at += 1
        for _ in self._separated("]"):
            yield self.value()

    def value(self) -> Any:
        """The next value, whatever it is."""
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                # Cut off by the end of the piece, or wrong: with more text it shows.
                if self._ended or len(self._text) - self._at > _LONGEST_VALUE:
                    self._fail("a JSON value")
            else:
                if self._ended or end + _LOOK_AHEAD < len(self._text):
                    self._at = end
                    return value
            self._more()

    def _separated(self, close: str) -> Iterator[None]:
        """One step for each entry up to `close`; commas between them are taken away."""
        if self._next() == close:
            self._at += 1
            return
        while True:
            yield
            found = self._next()
            self._at += 1
            if found == close:
                return
            if found != ",":
                self._at -= 1
                self._fail(f"a comma or {close}")

    def _next(self) -> str:
        """The next character that is no space, without taking it; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def _more(self) -> None:
        try:
            piece = self._file.read(_PIECE)
        except UnicodeDecodeError as error:
            raise BadBody("the body is not UTF-8 text, needed JSON") from error
        self._ended = not piece
        self._passed += self._at
        self._text, self._at = self._text[self._at :] + piece, 0

    def _fail(self, needed: str) -> NoReturn:
        found = repr(self._text[self._at : self._at + 12]) if self._next() else "the end"
        raise BadBody(
            f"the body is not valid JSON: at character {self._passed + self._at} found {found}, needed {needed}"
        )
