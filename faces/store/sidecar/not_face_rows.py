"""Which faces people have said are none, and which others are like them: a column of the index of faces, derived."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from faces.people.groups.not_faces import ASKED, NotFaces
from faces.people.kept_face import FaceState
from faces.people.products import Matrix
from faces.photo.face import ENCODING_LENGTH
from faces.store.database import Transaction
from faces.store.sidecar.known_encodings import numbers_of
from faces.store.sidecar.library_row import tables_of
from faces.store.sidecar.lists.face_order import Stretch, face_ids


@dataclass(frozen=True, slots=True, eq=False)
class AskedFaces:
    """Faces that no person has answered, by id and in its order."""

    ids: list[int]
    image_ids: list[int]
    like: list[int | None]
    """What the index says that each is like."""
    encodings: Matrix
    """Shape (n, 128)."""


def read_not_faces(transaction: Transaction, change: int) -> NotFaces:
    """All that is said to be no face and has an encoding; `change` is the library's `not_face_change`."""
    tables = tables_of(transaction)
    index, vectors = tables.face_index, tables.vectors
    query = sa.select(vectors.c.face_id, vectors.c.encoding).join(index, index.c.face_id == vectors.c.face_id)
    rows = transaction.connection.execute(query.where(index.c.state == FaceState.NOT_FACE))
    return NotFaces({int(row.face_id): numbers_of(row.encoding) for row in rows}, change)


def encodings_after(transaction: Transaction, after: int, most: int) -> tuple[list[int], Matrix]:
    """So many faces with higher ids than `after`, by id, and their encodings, shape (n, 128); of whatever state."""
    vectors = tables_of(transaction).vectors
    query = sa.select(vectors.c.face_id, vectors.c.encoding).where(vectors.c.face_id > after)
    rows = transaction.connection.execute(query.order_by(vectors.c.face_id).limit(most)).all()
    return [int(row[0]) for row in rows], _matrix([row[1] for row in rows])


def likeness_between(transaction: Transaction, after: int, last: int) -> dict[int, int]:
    """Which of the faces behind `after`, up to `last`, the index says are like which that is none."""
    index = tables_of(transaction).face_index
    query = sa.select(index.c.face_id, index.c.like_not_face).where(
        index.c.like_not_face.is_not(None), index.c.face_id > after, index.c.face_id <= last
    )
    return {int(row.face_id): int(row.like_not_face) for row in transaction.connection.execute(query)}


def asked(transaction: Transaction, face_ids: Collection[int]) -> AskedFaces:
    """Those of these, some hundred at most, that may be asked about."""
    tables = tables_of(transaction)
    index, vectors, answers = tables.face_index, tables.vectors, tables.answers
    query = (
        sa.select(index.c.face_id, index.c.image_id, index.c.like_not_face, vectors.c.encoding)
        .join(vectors, vectors.c.face_id == index.c.face_id)
        .outerjoin(answers, answers.c.face_id == index.c.face_id)
        .where(index.c.face_id.in_(sorted(face_ids)), index.c.state.in_(sorted(ASKED)), answers.c.face_id.is_(None))
        .order_by(index.c.face_id)
    )
    rows = transaction.connection.execute(query).all()
    images = [int(row.image_id) for row in rows]
    return AskedFaces(
        [int(row.face_id) for row in rows],
        images,
        [row.like_not_face for row in rows],
        _matrix([row.encoding for row in rows]),
    )


def page(transaction: Transaction, after: int | None = None, limit: int | None = None) -> Sequence[int]:
    """The ids of the faces that are to be asked about, those that are like one beside each other, the newest first.

    Raises:
        SchemaError: the database has no such tables.
        RequestError: the face `after` is not to be asked about.
    """
    return face_ids(transaction, [Stretch({}, "like_not_face", True)], after, limit)


def write(transaction: Transaction, like: Mapping[int, int | None]) -> None:
    """Say which of these faces are like which that is none; None: like no such."""
    index = tables_of(transaction).face_index
    for face, other in sorted(like.items()):
        transaction.connection.execute(sa.update(index).where(index.c.face_id == face).values(like_not_face=other))


def change_held(transaction: Transaction) -> int:
    """The change by which a face came to be none, or ceased to, last; locks the library's row, so that it stays it.

    A face that was compared with what was none at an older change is to be compared again: else nothing does it.
    """
    library = tables_of(transaction).library
    return int(transaction.connection.execute(sa.select(library.c.not_face_change).with_for_update()).scalar_one())


def note_looked(transaction: Transaction, change: int) -> None:
    """All faces have been compared with what was no face at this change."""
    transaction.connection.execute(sa.update(tables_of(transaction).library).values(not_face_looked=change))


def _matrix(rows: Sequence[bytes]) -> Matrix:
    return np.frombuffer(b"".join(rows), "<f4").reshape(-1, ENCODING_LENGTH).astype(np.float32)
