"""The tables `vectors` and `vector_changes` as a search reads them: all encodings once, and then what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from faces.people.products import Matrix
from faces.photo.face import ENCODING_LENGTH
from faces.store.database import Transaction
from faces.store.sidecar.library_row import tables_of

#: Bytes of an encoding as it is kept.
_SIZE = 4 * ENCODING_LENGTH

#: The id of the library's only row, which all rows of a statement are joined to.
_ONE: sa.ColumnElement[int] = sa.literal_column("1", sa.Integer).label("one")


@dataclass(frozen=True, slots=True, eq=False)
class EncodingRows:
    """Kept encodings, by face and in its order. One that is damaged is not a number throughout."""

    ids: npt.NDArray[np.int64]
    crcs: npt.NDArray[np.uint32]
    """Of the texts that they were read from."""
    encodings: Matrix
    """Shape (n, 128)."""


@dataclass(frozen=True, slots=True)
class EncodingCount:
    """What tells two states of `vectors` apart but for a coincidence."""

    faces: int
    ids: int
    """Their sum."""
    crcs: int
    """Their sum."""


@dataclass(frozen=True, slots=True)
class ChangePlace:
    """How far the changes have been followed: all of lower numbers, and of this one the faces up to an id."""

    change: int
    face_id: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class EncodingChanges:
    """What has changed behind a place, in one look at the tables."""

    kept: EncodingRows
    """What is kept now of the faces concerned."""
    gone: list[int]
    """Those of which nothing is kept now."""
    until: ChangePlace
    """Up to where it is all."""
    is_all: bool
    """Whether nothing is left behind that."""
    library: int
    """The library's change number."""
    count: EncodingCount | None
    """Of all of `vectors`, where it was asked for."""


def behind(transaction: Transaction, place: ChangePlace, most: int, *, counted: bool = False) -> EncodingChanges:
    """So many faces whose kept encodings have changed behind a place, in the order of the changes.

    One statement, so that all of it is of one moment.

    Args:
        transaction: one that reads.
        place: where the last look ended.
        most: faces at most.
        counted: whether all of `vectors` is counted, too, for which the database goes through the table.
    """
    tables = tables_of(transaction)
    changes, vectors = tables.vector_changes, tables.vectors
    further = sa.or_(changes.c.change > place.change, changes.c.face_id > place.face_id)
    # Apart from the encodings, so that only what is wanted of them is read and sorted.
    some = sa.select(changes.c.face_id, changes.c.change, _ONE).where(changes.c.change >= place.change, further)
    part = some.order_by(changes.c.change, changes.c.face_id).limit(most).subquery()
    columns: list[sa.ColumnElement[Any]] = [tables.library.c.change.label("library"), part.c.face_id, part.c.change]
    columns += [vectors.c.encoding_crc, vectors.c.encoding]
    source = tables.library.outerjoin(part, part.c.one == tables.library.c.id)
    source = source.outerjoin(vectors, vectors.c.face_id == part.c.face_id)
    if counted:
        count = _count(vectors).subquery()
        columns += [count.c.faces, count.c.ids, count.c.crcs]
        source = source.join(count, count.c.one == tables.library.c.id)
    rows = transaction.connection.execute(sa.select(*columns).select_from(source)).all()
    found = sorted((row for row in rows if row.face_id is not None), key=lambda row: (row.change, row.face_id))
    is_all, library = len(found) < most, int(rows[0].library)
    until = ChangePlace(library + 1) if is_all else ChangePlace(int(found[-1].change), int(found[-1].face_id))
    return EncodingChanges(
        kept=_rows(sorted((row for row in found if row.encoding is not None), key=lambda row: row.face_id)),
        gone=[int(row.face_id) for row in found if row.encoding is None],
        until=until,
        is_all=is_all,
        library=library,
        count=EncodingCount(*(int(number) for number in rows[0][-3:])) if counted else None,
    )


def after(transaction: Transaction, face_id: int, most: int) -> EncodingRows:
    """So many kept encodings of faces with higher ids."""
    vectors = tables_of(transaction).vectors
    query = sa.select(vectors.c.face_id, vectors.c.encoding_crc, vectors.c.encoding)
    query = query.where(vectors.c.face_id > face_id).order_by(vectors.c.face_id).limit(most)
    return _rows(transaction.connection.execute(query).all())


def _count(vectors: sa.Table) -> sa.Select[Any]:
    sums = (sa.func.coalesce(sa.func.sum(column), 0) for column in (vectors.c.face_id, vectors.c.encoding_crc))
    ids, crcs = sums
    columns = (sa.func.count().label("faces"), ids.label("ids"), crcs.label("crcs"), _ONE)
    return sa.select(*columns).select_from(vectors)


def _rows(rows: Sequence[Any]) -> EncodingRows:
    data = [row.encoding if len(row.encoding) == _SIZE else _UNREADABLE for row in rows]
    encodings = np.frombuffer(b"".join(data), "<f4").reshape(-1, ENCODING_LENGTH)
    return EncodingRows(
        ids=np.fromiter((row.face_id for row in rows), np.int64, len(rows)),
        crcs=np.fromiter((row.encoding_crc for row in rows), np.uint32, len(rows)),
        encodings=np.ascontiguousarray(encodings, np.float32),
    )


_UNREADABLE = np.full(ENCODING_LENGTH, np.nan, "<f4").tobytes()
