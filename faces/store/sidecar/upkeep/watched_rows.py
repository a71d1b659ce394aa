"""Rows of `faces` as another program may have changed them, beside what our tables have of them."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from faces.people.kept_face import KeptFace
from faces.store.database import Transaction
from faces.store.faces import kept, select_kept
from faces.store.schema import faces
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.library_row import tables_of

#: Ranges that faces are counted in at a time, and ids of one that are read one by one.
_SLOTS, _FEW = 64, 512

#: Rows that our tables have a face of: v1's need no image, and such a face is on none of ours.
_IS_LIVE = (faces.c.deleted_at.is_(None), faces.c.image_id.is_not(None))


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the order of changes: rows of one second are ordered by their ids. At first there is no time."""

    at: datetime | None = None
    face_id: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class WatchedRow:
    """A row, soft-deleted ones included."""

    face: KeptFace
    """Without its encoding."""
    image_id: int | None
    updated_at: datetime | None
    text: str | bytes | None
    """Of the encoding."""

    @property
    def is_live(self) -> bool:
        """Whether our tables have it."""
        return not self.face.deleted and self.image_id is not None

    @property
    def crc(self) -> int | None:
        """The CRC-32 of the encoding's text, as `KnownEncoding` has it; also where no encoding can be read from it."""
        if self.text is None:
            return None
        return zlib.crc32(self.text if isinstance(self.text, bytes) else self.text.encode())

    @property
    def encoding(self) -> KnownEncoding | None:
        """Read, where it can be."""
        return KnownEncoding.of(self.text)


@dataclass(frozen=True, slots=True)
class Balance:
    """How many rows there are, and the sum of their ids: less those of our tables, soft-deleted ones are left."""

    count: int
    ids: int


def changed_after(transaction: Transaction, moment: Moment, most: int) -> list[WatchedRow]:
    """So many rows changed after a moment, in the order of changes; rows without a time are none of them."""
    query = _select(transaction).where(faces.c.updated_at.is_not(None))
    if moment.at is not None:
        later = sa.or_(faces.c.updated_at > moment.at, faces.c.id > moment.face_id)
        query = query.where(faces.c.updated_at >= moment.at, later)
    return _read(transaction, query.order_by(faces.c.updated_at, faces.c.id).limit(most))


def in_order(transaction: Transaction, after: int, most: int) -> list[WatchedRow]:
    """So many rows with higher ids than `after`, by id."""
    return _read(transaction, _select(transaction).where(faces.c.id > after).order_by(faces.c.id).limit(most))


def balance(transaction: Transaction) -> Balance:
    """All rows less those of our tables. One statement, so that no commit lies between; both sides by an index."""
    index = tables_of(transaction).face_index
    rows, ours = _count(faces.c.id).subquery(), _count(index.c.face_id).subquery()
    query = sa.select(rows.c.n - ours.c.n, rows.c.ids - ours.c.ids).select_from(rows.join(ours, sa.true()))
    row = transaction.connection.execute(query).one()
    return Balance(int(row[0]), int(row[1]))


def soft_deleted(transaction: Transaction) -> Balance:
    """What the balance must be: all that our tables have no face of. Reads the table."""
    query = _count(faces.c.id).where(sa.not_(sa.and_(*_IS_LIVE)))
    row = transaction.connection.execute(query).one()
    return Balance(int(row.n), int(row.ids))


def span(transaction: Transaction) -> tuple[int, int] | None:
    """The lowest and highest id on either side; None without any."""
    index = tables_of(transaction).face_index
    found = [
        transaction.connection.execute(sa.select(sa.func.min(column), sa.func.max(column))).one()
        for column in (faces.c.id, index.c.face_id)
    ]
    ids = [int(one) for row in found for one in row if one is not None]
    return (min(ids), max(ids)) if ids else None


def differing_ranges(transaction: Transaction, first: int, last: int) -> list[tuple[int, int]]:
    """Parts of a range of ids in which the two sides are not alike: by number and sum of ids, in one statement each."""
    index = tables_of(transaction).face_index
    width = -(-(last - first + 1) // _SLOTS)
    ours = _slots(transaction, index.c.face_id, first, last, width)
    theirs = _slots(transaction, faces.c.id, first, last, width, *_IS_LIVE)
    wrong = sorted(slot for slot in ours.keys() | theirs.keys() if ours.get(slot) != theirs.get(slot))
    return [(first + slot * width, min(first + (slot + 1) * width - 1, last)) for slot in wrong]


def is_few(first: int, last: int) -> bool:
    """Whether the ids of a range are read one by one."""
    return last - first < _FEW


def differing_images(transaction: Transaction, first: int, last: int) -> set[int]:
    """The images of faces in a range of ids that only one side has."""
    index = tables_of(transaction).face_index
    ours_query = sa.select(index.c.face_id, index.c.image_id).where(index.c.face_id.between(first, last))
    rows_query = sa.select(faces.c.id, faces.c.image_id).where(faces.c.id.between(first, last), *_IS_LIVE)
    ours = {(int(row[0]), int(row[1])) for row in transaction.connection.execute(ours_query)}
    theirs = {(int(row[0]), int(row[1])) for row in transaction.connection.execute(rows_query)}
    return {image for _, image in ours ^ theirs}


def images_of_lost(transaction: Transaction, after: int, most: int) -> tuple[set[int], int | None]:
    """The images of indexed faces that are not live there, among `most` of them behind a face.

    Returns the last of these faces, too; None where there were no more.
    """
    return _lost(transaction, tables_of(transaction).face_index, after, most)


def images_of_lost_members(transaction: Transaction, after: int, most: int) -> tuple[set[int], int | None]:
    """The same of faces in groups."""
    return _lost(transaction, tables_of(transaction).group_members, after, most)


def lost_encodings(transaction: Transaction, after: int, most: int) -> tuple[set[int], int | None]:
    """The same of faces with a kept encoding: the faces."""
    vectors = tables_of(transaction).vectors
    query = sa.select(vectors.c.face_id, faces.c.id)
    query = query.join(faces, sa.and_(faces.c.id == vectors.c.face_id, *_IS_LIVE), isouter=True)
    query = query.where(vectors.c.face_id > after).order_by(vectors.c.face_id).limit(most)
    rows = transaction.connection.execute(query).all()
    return {int(row[0]) for row in rows if row[1] is None}, int(rows[-1][0]) if rows else None


def _lost(transaction: Transaction, table: sa.Table, after: int, most: int) -> tuple[set[int], int | None]:
    is_there = (faces.c.id == table.c.face_id, faces.c.image_id == table.c.image_id, *_IS_LIVE)
    query = sa.select(table.c.face_id, table.c.image_id, faces.c.id).join(faces, sa.and_(*is_there), isouter=True)
    query = query.where(table.c.face_id > after).order_by(table.c.face_id).limit(most)
    rows = transaction.connection.execute(query).all()
    return {int(row[1]) for row in rows if row[2] is None}, int(rows[-1][0]) if rows else None


def _count(column: sa.ColumnElement[int]) -> sa.Select[int, int]:
    return sa.select(sa.func.count(column).label("n"), sa.func.coalesce(sa.func.sum(column), 0).label("ids"))


def _slots(
    transaction: Transaction,
    column: sa.ColumnElement[int],
    first: int,
    last: int,
    width: int,
    *conditions: sa.ColumnElement[bool],
) -> dict[int, Balance]:
    place = column - first
    slot = (place - place % width).label("slot")
    query = sa.select(slot, sa.func.count(column).label("n"), sa.func.sum(column).label("ids"))
    query = query.where(column.between(first, last), *conditions).group_by(slot)
    rows = transaction.connection.execute(query)
    return {int(row.slot) // width: Balance(int(row.n), int(row.ids)) for row in rows}


def _select(transaction: Transaction) -> sa.Select[Any]:
    return select_kept(transaction, faces.c.image_id, faces.c.updated_at)


def _read(transaction: Transaction, query: sa.Select[Any]) -> list[WatchedRow]:
    return [_watched(dict(row)) for row in transaction.connection.execute(query).mappings()]


def _watched(row: dict[str, Any]) -> WatchedRow:
    image_id, updated_at, text = row.pop("image_id"), row.pop("updated_at"), row["encoding"]
    face = kept(row | {"encoding": None})
    return WatchedRow(face, None if image_id is None else int(image_id), updated_at, text)


def ids_of(rows: Collection[WatchedRow]) -> set[int]:
    """Of the faces."""
    return {row.face.id for row in rows}
