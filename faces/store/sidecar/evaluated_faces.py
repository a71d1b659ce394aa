"""Confirmed faces, person by person, with what tells their shots apart; and the faces of photos with several. Reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from faces.people.evaluation.shots import NO_TIME, EvaluatedFaces
from faces.people.kept_face import FaceState
from faces.people.products import Matrix
from faces.photo.face import ENCODING_LENGTH
from faces.store.database import Transaction, chunked
from faces.store.scan_marks import is_listed
from faces.store.sidecar.library_row import tables_of

_EPOCH = datetime(1970, 1, 1)


def faces_of_people(transaction: Transaction, person_ids: Collection[int]) -> EvaluatedFaces:
    """All confirmed faces of these people that have an encoding, in the order of persons and faces."""
    tables = tables_of(transaction)
    index, vectors = tables.face_index, tables.vectors
    rows = []
    for chunk in chunked(sorted(person_ids)):
        query = (
            sa.select(index.c.face_id, index.c.person_id, index.c.image_id, index.c.taken_at)
            .add_columns(vectors.c.encoding_crc, vectors.c.encoding)
            .add_columns(sa.case((is_listed(transaction.schema, index.c.image_id), 1), else_=0).label("listed"))
            .join(vectors, vectors.c.face_id == index.c.face_id)
            .where(index.c.person_id.in_(chunk), index.c.state == FaceState.CONFIRMED)
        )
        rows += sorted(transaction.connection.execute(query).all(), key=lambda row: (row.person_id, row.face_id))
    return EvaluatedFaces(
        ids=_numbers([row.face_id for row in rows]),
        persons=_numbers([row.person_id for row in rows]),
        images=_numbers([row.image_id for row in rows]),
        contents=_numbers([row.encoding_crc for row in rows]),
        times=_numbers([_seconds(row.taken_at) for row in rows]),
        listed=np.array([row.listed for row in rows], np.bool_),
        encodings=_encodings([row.encoding for row in rows]),
    )


def photos_with_several(transaction: Transaction, most: int) -> list[int]:
    """The images with two faces or more; of many so many, spread evenly."""
    index = tables_of(transaction).face_index
    query = sa.select(index.c.image_id).group_by(index.c.image_id).having(sa.func.count() > 1)
    images = [int(image) for image in transaction.connection.execute(query.order_by(index.c.image_id)).scalars()]
    return images[:: max(1, -(-len(images) // most))]


def faces_of_photos(
    transaction: Transaction, image_ids: Collection[int]
) -> Iterator[tuple[Matrix, npt.NDArray[np.int64]]]:
    """Encodings of these images' faces, some hundred images at a time, and each one's image; not of what is no face."""
    tables = tables_of(transaction)
    index, vectors = tables.face_index, tables.vectors
    for chunk in chunked(sorted(image_ids)):
        query = (
            sa.select(index.c.image_id, vectors.c.encoding)
            .join(vectors, vectors.c.face_id == index.c.face_id)
            .where(index.c.image_id.in_(chunk), index.c.state != FaceState.NOT_FACE)
        )
        rows = transaction.connection.execute(query).all()
        yield _encodings([row.encoding for row in rows]), _numbers([row.image_id for row in rows])


def _seconds(taken_at: datetime | None) -> int:
    return NO_TIME if taken_at is None else max(int((taken_at - _EPOCH).total_seconds()), 0)


def _numbers(values: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)


def _encodings(values: Sequence[bytes]) -> Matrix:
    return np.frombuffer(b"".join(values), "<f4").reshape(-1, ENCODING_LENGTH).astype(np.float32)
