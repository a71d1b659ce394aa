"""Encodings that are kept without faces' rows, as jobs and answers keep them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from faces.store.database import Store, Transaction
from faces.store.sidecar import known_encodings, library_row
from faces.store.sidecar.known_encodings import KnownEncoding
from tests.unit.faces.people.made_people import made_people, photos_of

#: Ten photos each of twelve people.
PHOTOS = np.concatenate([photos_of(person, 10, seed) for seed, person in enumerate(made_people(12, seed=8))])


def keep(store: Store, encodings: Mapping[int, np.ndarray], gone: Collection[int] = ()) -> None:
    """Keep these of faces from now on, and nothing of some others; in one change."""

    def work(transaction: Transaction) -> None:
        known = {face: KnownEncoding(_rounded(one), int(abs(one[0]) * 1e6)) for face, one in encodings.items()}
        changed = known_encodings.replace(transaction, {*gone, *encodings}, known)
        known_encodings.note(transaction, changed, library_row.next_change(transaction))

    store.write(work)


def keep_all(store: Store, count: int, first: int = 1) -> None:
    """Of so many faces, with ids from `first`."""
    keep(store, {face: PHOTOS[face % len(PHOTOS)] + face * 1e-5 for face in range(first, first + count)})


def _rounded(encoding: np.ndarray) -> np.ndarray:
    return encoding.astype(np.float32).astype(np.float64)
