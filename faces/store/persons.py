"""The table `persons` of the app's later versions: whom new faces are compared with there. Read, never written."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.people.matching import Candidates
from faces.photo.face import ENCODING_LENGTH, Encoding
from faces.store.database import Transaction
from faces.store.schema import persons

_IS_CANDIDATE = (persons.c.centroid_embedding.is_not(None), persons.c.embeddings_count > 0)

_CENTROIDS = sa.select(persons.c.id, persons.c.centroid_embedding).where(*_IS_CANDIDATE).order_by(persons.c.id)

#: A centroid may change twice within the second that `updated_at` counts: only its bytes tell.
_SUMMARY = sa.select(
    sa.func.count(),
    sa.func.sum(persons.c.id),
    sa.func.sum(sa.func.crc32(sa.func.concat(persons.c.id, ":", persons.c.centroid_embedding))),
).where(*_IS_CANDIDATE)


class PersonReader:
    """Reads today's persons and keeps their centroids for as long as none of them changes. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._summary: tuple[Any, ...] | None = None
        self._candidates = Candidates.of([], [], [])

    def read(self, transaction: Transaction) -> Candidates:
        """All persons with a centroid as this transaction sees them, by id; those that cannot be read are left out."""
        with self._lock:
            summary = _summary(transaction)
            if summary is None or summary != self._summary:
                self._candidates = _read(transaction)
                self._summary = summary
            return self._candidates


def lock(transaction: Transaction, ids: Iterable[int]) -> dict[int, Encoding]:
    """Share-lock chosen persons by id: the centroid of each that faces can be matched with now."""
    query = _CENTROIDS.where(persons.c.id.in_(sorted(ids))).with_for_update(read=True)
    return _centroids(transaction, query)


def read_centroid(text: str | bytes | None) -> Encoding | None:
    """The centroid in a row as PHP reads it: the first 128 components, a missing one is 0; None where that fails."""
    try:
        numbers = json.loads(text or "null")
    except ValueError:
        return None
    if isinstance(numbers, dict):
        numbers = [numbers.get(str(place)) for place in range(ENCODING_LENGTH)]
    if not isinstance(numbers, list):
        return None
    first = [0.0 if number is None else number for number in numbers[:ENCODING_LENGTH]]
    if not all(type(number) in (float, int) for number in first):
        return None
    try:
        centroid = np.array(first + [0.0] * (ENCODING_LENGTH - len(first)), np.float64)
    except OverflowError:
        return None
    return centroid if np.isfinite(centroid).all() else None


def _summary(transaction: Transaction) -> tuple[Any, ...] | None:
    """What changes with any centroid; None where the database has no such sum."""
    if transaction.connection.dialect.name == "sqlite":
        return None
    return tuple(transaction.connection.execute(_SUMMARY).one())


def _read(transaction: Transaction) -> Candidates:
    centroids = _centroids(transaction, _CENTROIDS)
    return Candidates.of(centroids.keys(), [0] * len(centroids), centroids.values())


def _centroids(transaction: Transaction, query: sa.Select[Any]) -> dict[int, Encoding]:
    rows = transaction.connection.execute(query)
    return {int(row[0]): centroid for row in rows if (centroid := read_centroid(row[1])) is not None}
