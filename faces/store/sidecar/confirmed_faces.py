"""The confirmed faces of people with several of them, and their encodings, some thousand at a time. Only reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from faces.people.kept_face import FaceState
from faces.people.products import Matrix
from faces.store.database import Transaction
from faces.store.scan_marks import is_listed


@dataclass(frozen=True, slots=True, eq=False)
class ConfirmedFaces:
    """Some faces, side by side in each array."""

    ids: npt.NDArray[np.int64]
    persons: npt.NDArray[np.int64]
    encodings: Matrix


def confirmed_faces(
    transaction: Transaction, at_least: int, size: int, person_id: int | None = None
) -> Iterator[ConfirmedFaces]:
    """All of people with so many confirmed faces or more, `size` of them at a time, in no order.

    Without faces of photos that are gone. Nothing else can be asked in the transaction until all are read.

    Raises:
        SchemaError: the database has no tables of ours.
    """
    tables = transaction.schema.require_sidecar()
    people, index, vectors = tables.people, tables.face_index, tables.vectors
    query = (
        sa.select(index.c.face_id, index.c.person_id, vectors.c.encoding)
        .join_from(people, index, index.c.person_id == people.c.id)
        .join(vectors, vectors.c.face_id == index.c.face_id)
        .where(people.c.k >= at_least, index.c.state == FaceState.CONFIRMED)
        .where(is_listed(transaction.schema, index.c.image_id))
    )
    if person_id is not None:
        query = query.where(people.c.id == person_id)
    rows = transaction.connection.execute(query.execution_options(yield_per=size))
    for some in rows.partitions():
        yield ConfirmedFaces(
            np.array([row.face_id for row in some], np.int64),
            np.array([row.person_id for row in some], np.int64),
            np.stack([np.frombuffer(row.encoding, "<f4") for row in some]).astype(np.float32),
        )
