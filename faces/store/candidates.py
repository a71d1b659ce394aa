"""Whom new faces are compared with: verified faces, read whole once and later only what is new, or else persons."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from faces.people.matching import Candidates
from faces.photo.face import Encoding
from faces.store.database import Transaction
from faces.store.encodings import read_encoding
from faces.store.persons import PersonReader
from faces.store.schema import faces

#: Encodings asked for at a time: some megabytes of JSON.
_CHUNK = 1000

_Version = tuple[int, datetime | None]

_Summary = tuple[Any, ...]

_IS_CANDIDATE = (
    faces.c.encoding.is_not(None),
    faces.c.parent_id.is_(None),
    faces.c.status == "ok",
    faces.c.deleted_at.is_(None),
)


#: Whoever joins or leaves changes the number and the sum of ids, and whatever is written the newest time of change.
_SUMMARY = sa.select(sa.func.count(), sa.func.sum(faces.c.id), sa.func.max(faces.c.updated_at)).where(*_IS_CANDIDATE)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read last; `summary` is None where something has to be looked at again."""

    summary: _Summary | None
    rows: list[tuple[_Version, int]]
    candidates: Candidates


class CandidateReader:
    """Reads today's candidates. Keeps parsed encodings by id and `updated_at`: 100 000 of them are 280 MB of JSON.

    Threads may share it. A candidate whose encoding cannot be read is left out, and looked at again the next time.
    """

    def __init__(self) -> None:
        self._persons = PersonReader()
        self._lock = threading.Lock()
        self._known: dict[_Version, Encoding] = {}
        self._last = _Reading(None, [], Candidates.of([], [], []))

    def read(self, transaction: Transaction) -> Candidates:
        """All candidates as this transaction sees them, by id: persons, where the database has them."""
        if transaction.schema.has_persons:
            return self._persons.read(transaction)
        with self._lock:
            summary = tuple(transaction.connection.execute(_SUMMARY).one())
            if summary != self._last.summary:
                self._last = self._read(transaction, summary)
            return self._last.candidates

    def _read(self, transaction: Transaction, summary: _Summary) -> _Reading:
        query = sa.select(faces.c.id, faces.c.updated_at, faces.c.image_id).where(*_IS_CANDIDATE).order_by(faces.c.id)
        # A face without an image (NULL in v1's tables) is a candidate as for PHP, and on no photo that is asked about.
        rows = [((int(row[0]), row[1]), int(row[2] or 0)) for row in transaction.connection.execute(query)]
        learned = self._learn(transaction, [version[0] for version, _ in rows if version not in self._known])
        current = [(learned.get(version[0], version), image_id) for version, image_id in rows]
        readable = [(version, image_id) for version, image_id in current if version in self._known]
        complete = summary if len(readable) == len(rows) == summary[0] else None
        if readable == self._last.rows:
            return _Reading(complete, readable, self._last.candidates)
        return _Reading(complete, readable, self._matrix(readable))

    def _learn(self, transaction: Transaction, ids: Sequence[int]) -> dict[int, _Version]:
        """Read encodings; tells the version of each, because a row may have changed since it was listed."""
        learned: dict[int, _Version] = {}
        remaining = iter(ids)
        while chunk := list(islice(remaining, _CHUNK)):
            query = sa.select(faces.c.id, faces.c.updated_at, faces.c.encoding).where(faces.c.id.in_(chunk))
            for face_id, updated_at, text in transaction.connection.execute(query):
                encoding = read_encoding(text)
                if encoding is not None:
                    learned[int(face_id)] = (int(face_id), updated_at)
                    self._known[(int(face_id), updated_at)] = encoding
        return learned

    def _matrix(self, readable: Sequence[tuple[_Version, int]]) -> Candidates:
        candidates = Candidates.of(
            [version[0] for version, _ in readable],
            [image_id for _, image_id in readable],
            [self._known[version] for version, _ in readable],
        )
        # What is kept are views into the matrix: one copy of the numbers, and versions that are gone are forgotten.
        self._known = {version: row for (version, _), row in zip(readable, candidates.encodings, strict=True)}
        return candidates
