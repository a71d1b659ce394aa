"""/compare: distances of one encoding to many candidates, as the app's PHP reads them.

The body is read piece by piece: hundreds of megabytes of JSON become a matrix without lying in memory.
"""

from __future__ import annotations

import asyncio
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
from face_api.http.schemas import CompareReply
from faces.errors import EnginesBusy
from faces.people.matching import distances
from faces.photo.face import ENCODING_LENGTH, Encoding

#: Distance of a candidate that cannot be compared. Never null: PHP's min() takes null for the smallest.
INVALID_DISTANCE = 1e9

#: Comparisons that compute at a time in each process; more wait, so that their matrices do not add up.
COMPARING = 2

#: More than this is no list of known faces, and the answer alone would take gigabytes.
MOST_CANDIDATES = 1_000_000

_PIECE = 1024 * 1024

#: Characters of one value at most; a candidate has about 2,800.
_LONGEST_VALUE = 4 * _PIECE

#: So many characters must be known behind a number, else `1e` might be the first half of `1e-300`.
_LOOK_AHEAD = 64

_SPACE = " \t\n\r"


class Comparisons:
    """The comparisons of one process: a few at a time, in threads, and a bounded number that wait (FACE_API_WAITING).

    Made in `create_app`; called by the route, in the event loop only.
    """

    def __init__(self, most_waiting: int) -> None:
        self._most_waiting, self._waiting = most_waiting, 0
        self._slots = asyncio.Semaphore(COMPARING)

    async def compare(self, body: BinaryIO) -> bytes:
        """Read the request and return the reply's JSON, in a thread.

        Raises:
            EnginesBusy: too many wait already.
        """
        if self._slots.locked() and self._waiting >= self._most_waiting:
            raise EnginesBusy(f"{self._waiting} comparisons wait in this process already (FACE_API_WAITING); try again")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            return await asyncio.to_thread(compare, body)
        finally:
            self._slots.release()


def compare(body: BinaryIO) -> bytes:
    """Read the request, return the reply's JSON. Takes seconds for 100,000 candidates: not for an event loop.

    Raises:
        BadBody: as `CompareBody.read`.
        WrongField: as `CompareBody.read`.
    """
    asked = CompareBody.read(body)
    reply_distances = np.full(asked.count, INVALID_DISTANCE)
    reply_distances[asked.places] = distances(asked.encoding, asked.valid)
    # Finite numbers may lie too far apart for float64, and JSON cannot say infinity.
    reply_distances[~np.isfinite(reply_distances)] = INVALID_DISTANCE
    comparable = np.zeros(asked.count, dtype=np.bool_)
    comparable[asked.places] = reply_distances[asked.places] < INVALID_DISTANCE
    reply = CompareReply(distances=reply_distances.tolist(), invalid=np.flatnonzero(~comparable).tolist())
    return reply.model_dump_json().encode()


@dataclass(frozen=True, slots=True)
class CompareBody:
    """The body of /compare: one encoding, and of the candidates the rows that can be compared (`valid`).

    `places` are their positions in the request's list, which has `count` entries; the others cannot be compared.
    """

    encoding: Encoding
    valid: npt.NDArray[np.float64]
    places: npt.NDArray[np.int64]
    count: int

    @classmethod
    def read(cls, body: BinaryIO) -> CompareBody:
        """Read `{"encoding": […], "candidates": [[…], …]}`; other members are skipped.

        A candidate may be anything: only a list of 128 finite numbers is valid; any other one affects only itself.

        Raises:
            BadBody: this is no JSON.
            WrongField: a member is missing, or `encoding` is not 128 finite numbers.
        """
        encoding: Any = None
        rows: _ValidRows | None = None
        stream = _JsonStream(body)
        for name in stream.members():
            if name == "candidates":
                rows = _ValidRows()
                for candidate in stream.items("candidates"):
                    rows.add(candidate)
            elif name == "encoding":
                encoding = stream.value()
            else:
                stream.value()
        if rows is None:
            raise WrongField("candidates is missing, needed a list of lists of 128 numbers")
        return cls(_encoding(encoding), *rows.finish())


class _ValidRows:
    """Collects the candidates that are encodings; counts them all."""

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
    """128 finite numbers. `true` and strings are refused, although Python would calculate with them."""
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


class _JsonStream:
    """Reads JSON from a file in pieces. What was read is dropped, so that about one piece lies in memory."""

    def __init__(self, body: BinaryIO) -> None:
        self._file = io.TextIOWrapper(body, encoding="utf-8")
        # All numbers as floats: an integer of 5,000 digits is an error in Python, but infinite as a float.
        self._decoder = json.JSONDecoder(parse_int=float)
        self._text, self._at, self._passed, self._ended = "", 0, 0, False

    def members(self) -> Iterator[str]:
        """The names in an object; the caller reads each value. Nothing may follow the object."""
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
        if self._next() != "[":
            raise WrongField(f"{name} is no list, needed a list of lists of {ENCODING_LENGTH} numbers")
        self._at += 1
        for _ in self._separated("]"):
            yield self.value()

    def value(self) -> Any:
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                # Either cut off by the end of the piece, or wrong: more text tells.
                if self._ended or len(self._text) - self._at > _LONGEST_VALUE:
                    self._fail("a JSON value")
            else:
                if self._ended or end + _LOOK_AHEAD < len(self._text):
                    self._at = end
                    return value
            self._more()

    def _separated(self, close: str) -> Iterator[None]:
        """One step for each entry up to `close`; the commas between them are skipped."""
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
        """The next character that is no space, without moving past it; empty at the end."""
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
