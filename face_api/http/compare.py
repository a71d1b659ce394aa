"""/compare: distances of one encoding to many candidates, as the app's PHP reads them.

Both come as lists of numbers or as base64, which costs a thirteenth of the CPU.
"""

from __future__ import annotations

import asyncio
import base64
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from face_api.http.json_stream import JsonStream
from face_api.http.schemas import CompareReply, warnings_about
from faces.errors import EnginesBusy
from faces.http.errors import WrongField
from faces.people.matching import distances
from faces.photo.face import ENCODING_LENGTH, Encoding

#: Distance of a candidate that cannot be compared. Never null: PHP's min() takes null for the smallest.
INVALID_DISTANCE = 1e9

#: Comparisons that compute at a time in each process; more wait, so that their matrices do not add up.
COMPARING = 2

#: More than this is no list of known faces, and the answer alone would take gigabytes.
MOST_CANDIDATES = 1_000_000

#: Names of unknown members that are kept for the answer's `warnings`.
_MOST_NAMES = 100

#: One number of base64, and the bytes of one encoding there.
_NUMBER = np.dtype("<f4")
_ROW = ENCODING_LENGTH * _NUMBER.itemsize

_LISTS = f"a list of lists of {ENCODING_LENGTH} numbers"
_FINITE = f"a list of {ENCODING_LENGTH} finite numbers"
_BASE64 = f"base64 of {ENCODING_LENGTH} little-endian float32 ({_ROW} bytes) for each encoding"

Rows = npt.NDArray[np.float64] | npt.NDArray[np.float32]

#: The rows that can be compared, their positions, and how many candidates there are.
_Candidates = tuple[Rows, npt.NDArray[np.int64], int]


class Comparisons:
    """The comparisons of one process: a few at a time, in threads, and a bounded number that wait (FACE_API_WAITING).

    Made in `create_app`; called by the route, in the event loop only.
    """

    def __init__(self, most_waiting: int) -> None:
        self._most_waiting, self._waiting = most_waiting, 0
        self._slots = asyncio.Semaphore(COMPARING)

    async def compare(self, body: BinaryIO, notes: Sequence[str] = ()) -> bytes:
        """Read the request and return the reply's JSON, in a thread; `notes` come first in its `warnings`.

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
            return await asyncio.to_thread(compare, body, notes)
        finally:
            self._slots.release()


def compare(body: BinaryIO, notes: Sequence[str] = ()) -> bytes:
    """Read the request, return the reply's JSON. 100,000 candidates as lists take seconds: not for an event loop.

    Raises:
        BadBody: as `CompareBody.read`.
        WrongField: as `CompareBody.read`.
    """
    asked = CompareBody.read(body)
    reply_distances = np.full(asked.count, INVALID_DISTANCE)
    reply_distances[asked.places] = distances(asked.encoding, asked.valid)
    # Finite numbers may lie too far apart for float64, and JSON cannot say infinity.
    invalid = ~(reply_distances < INVALID_DISTANCE)
    reply_distances[invalid] = INVALID_DISTANCE
    reply = CompareReply(
        distances=reply_distances.tolist(),
        invalid=np.flatnonzero(invalid).tolist(),
        warnings=[*notes, *warnings_about(asked.unknown, "member")],
    )
    return reply.model_dump_json().encode()


@dataclass(frozen=True, slots=True)
class CompareBody:
    """The body of /compare: one encoding, and of the candidates the rows that can be compared (`valid`).

    `places` are their positions among all candidates, of which there are `count`; the others cannot be compared.
    `unknown`: names of members that nothing was made of.
    """

    encoding: Encoding
    valid: Rows
    places: npt.NDArray[np.int64]
    count: int
    unknown: tuple[str, ...] = ()

    @classmethod
    def read(cls, body: BinaryIO) -> CompareBody:
        """Read `{"encoding": […], "candidates": [[…], …]}`, or `encoding_b64` and `candidates_b64` in their places.

        A candidate of the list may be anything: only a list of 128 finite numbers is valid; any other one affects only
        itself, as does one of base64 with a number that is not finite.

        Raises:
            BadBody: this is no JSON.
            WrongField: a member is missing, comes twice or in both forms; `encoding` is not 128 finite numbers; or the
                base64 is none, or not of whole encodings.
        """
        members = _BodyMembers()
        stream = JsonStream(body)
        for name in stream.members():
            members.read(name, stream)
        if members.candidates is None:
            raise WrongField(f"candidates is missing, needed {_LISTS}, or candidates_b64")
        if members.encoding is None:
            raise WrongField(f"encoding is missing, needed {_FINITE}, or encoding_b64")
        return cls(members.encoding, *members.candidates, tuple(members.unknown))


class _BodyMembers:
    """The members of the body, read one by one as they come."""

    def __init__(self) -> None:
        self.encoding: Encoding | None = None
        self.candidates: _Candidates | None = None
        self.unknown: dict[str, None] = {}
        self._seen: dict[str, str] = {}

    def read(self, name: str, stream: JsonStream) -> None:
        if name in _NAMES:
            self._refuse_second(name)
        if name == "candidates":
            self.candidates = _of_lists(stream.items(name, _LISTS))
        elif name == "candidates_b64":
            self.candidates = _of_base64(stream.text(name, _BASE64))
        elif name == "encoding":
            value = stream.value()
            self.encoding = None if value is None else _encoding(value)
        elif name == "encoding_b64":
            self.encoding = _encoding_of_base64(stream.text(name, _BASE64))
        else:
            stream.value()
            if len(self.unknown) < _MOST_NAMES:
                self.unknown[name] = None

    def _refuse_second(self, name: str) -> None:
        noun = name.removesuffix("_b64")
        if (first := self._seen.setdefault(noun, "")) == name:
            raise WrongField(f"{name} comes twice, needed it once")
        if first:
            raise WrongField(f"{noun} comes in both forms, as {first} and as {name}, needed one of them")
        self._seen[noun] = name


_NAMES = frozenset({"encoding", "encoding_b64", "candidates", "candidates_b64"})


def _of_lists(candidates: Iterator[Any]) -> _Candidates:
    rows = _ValidRows()
    for candidate in candidates:
        rows.add(candidate)
    return rows.finish()


def _of_base64(pieces: Iterator[str]) -> _Candidates:
    rows = _rows("candidates_b64", pieces)
    finite = np.isfinite(rows).all(axis=1)
    return rows if finite.all() else rows[finite], np.flatnonzero(finite), len(rows)


def _encoding_of_base64(pieces: Iterator[str]) -> Encoding:
    rows = _rows("encoding_b64", pieces)
    if len(rows) != 1:
        raise WrongField(f"encoding_b64 has {rows.nbytes:,} bytes, needed {_ROW}: {ENCODING_LENGTH} float32")
    return _encoding(rows[0].astype(np.float64).tolist(), "encoding_b64")


def _rows(name: str, pieces: Iterator[str]) -> npt.NDArray[np.float32]:
    """The encodings of base64, one a row, shape (n, 128); the text is never in memory as a whole."""
    data, text = bytearray(), ""
    for piece in pieces:
        text += piece
        # The last digits stay behind: only they may be filled up with `=`.
        whole = max(len(text) - 4, 0) // 4 * 4
        data += _bytes(name, text[:whole], is_last=False)
        text = text[whole:]
        if len(data) > MOST_CANDIDATES * _ROW:
            raise WrongField(f"{name} has more than {MOST_CANDIDATES:,} entries")
    data += _bytes(name, text, is_last=True)
    if len(data) % _ROW:
        raise WrongField(f"{name} has {len(data):,} bytes, needed a multiple of {_ROW}: {_BASE64}")
    return np.frombuffer(data, dtype=_NUMBER).reshape(-1, ENCODING_LENGTH)


def _bytes(name: str, text: str, is_last: bool) -> bytes:
    if not is_last and "=" in text:
        raise WrongField(f"{name} is no base64 (more follows behind a =), needed {_BASE64}")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise WrongField(f"{name} is no base64 ({error}), needed {_BASE64}") from error


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

    def finish(self) -> _Candidates:
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


def _encoding(value: Any, name: str = "encoding") -> Encoding:
    if _is_encoding(value):
        return np.array(value, dtype=np.float64)
    if type(value) is not list:
        found = f"is a {_kind(value)}"
    elif len(value) != ENCODING_LENGTH:
        found = f"has {len(value)} numbers"
    else:
        found = "has an entry that is no finite number"
    raise WrongField(f"{name} {found}, needed {_FINITE}")


def _kind(value: Any) -> str:
    return {str: "string", float: "number", bool: "boolean", dict: "object"}[type(value)]
