"""Confirmed faces that do not fit the others of their person, worst first: a slip, or two people joined. Only reads."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from faces.library.library import Library
from faces.people.judging.doubtful import FEWEST_FACES, Standing, doubted
from faces.store.database import Transaction
from faces.store.sidecar.confirmed_faces import confirmed_faces

#: Faces that are judged at a time: 2 MB of encodings.
_BATCH = 4096


@dataclass(frozen=True, slots=True)
class DoubtfulFace:
    """A confirmed face, and how well it fits."""

    face_id: int
    person_id: int
    """Whose it was said to be."""
    standing: Standing


def doubtful_faces(
    transaction: Transaction, library: Library, person_id: int | None = None, most: int | None = None
) -> list[DoubtfulFace]:
    """The least likely first, of equal ones the smallest id; at most so many.

    Of people with `FEWEST_FACES` confirmed faces or more. The library follows first.

    Raises:
        SchemaError: the database has no tables of ours.
        StoreUnavailable: the database cannot be used.
    """
    library.follow(transaction)
    found = _doubted(transaction, library, person_id)
    return sorted(found, key=_worst_first) if most is None else heapq.nsmallest(most, found, key=_worst_first)


def _doubted(transaction: Transaction, library: Library, person_id: int | None) -> Iterator[DoubtfulFace]:
    for some in confirmed_faces(transaction, FEWEST_FACES, _BATCH, person_id):
        with library.mutex:
            found = doubted(some.encodings, some.persons, library.people, library.learned.shift)
        for row, standing in found.items():
            yield DoubtfulFace(int(some.ids[row]), int(some.persons[row]), standing)


def _worst_first(face: DoubtfulFace) -> tuple[float, int]:
    return face.standing.probability, face.face_id
