"""How far ahead a page of all faces may begin in the order of places: counted in `face_index`, and no row is read.

Only where the index has the faces that the rows have: else pages are found as without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from faces.store.database import Transaction
from faces.store.image_order import PLACE, images_at
from faces.store.scan_marks import is_listed
from faces.store.schema import faces, images, scan_marks
from faces.store.sidecar import library_row
from faces.store.sidecar.library_row import tables_of

#: Faces that are passed over one by one rather than counted.
_FEW = 500

#: Faces read before the page, to find where a place ends; so many times more where they are all of one place.
_WINDOW, _WIDER = 64, 16

#: Rows changed since the last look that are compared one by one; a row may be committed after one with a later time.
_MOST_CHANGED, _OVERLAP = 2_000, timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Jump:
    """So many faces are on the images up to `behind`, the last one of its place; None: on none."""

    behind: int | None = None
    faces: int = 0


def jump(transaction: Transaction, offset: int) -> Jump:
    """As far as it can be told, and never over more than `offset` faces."""
    if offset < _FEW or transaction.schema.sidecar is None or not _has_all_faces(transaction):
        return Jump()
    total = _total(transaction)
    end, size = min(offset, total), _WINDOW
    while True:
        last = _images_before(transaction, end, total, size)
        of_one_place = set(images_at(transaction, last[0])) if last else set()
        for place, image_id in enumerate(last):
            if image_id not in of_one_place:
                return Jump(images_at(transaction, image_id)[-1], end - place)
        if size >= end:
            return Jump()
        size *= _WIDER


def _images_before(transaction: Transaction, end: int, total: int, size: int) -> Sequence[int]:
    """The images of the last `size` faces before the face number `end` of all, the last first, once for each face.

    Of one place they are in no order. Read from the nearer end of the list.
    """
    size = min(size, end)
    if end > total // 2:
        ordered = [column.desc() for column in PLACE]
        return _read(transaction, ordered, size, total - end)
    return _read(transaction, PLACE, size, end - size)[::-1]


def _read(transaction: Transaction, ordered: Sequence[sa.ColumnElement[str]], limit: int, offset: int) -> Sequence[int]:
    index = tables_of(transaction).face_index
    # A sum has no index: images are read in the order of theirs, and each one's faces.
    source = images.join(index, index.c.image_id == images.c.id + 0)
    query = sa.select(images.c.id).select_from(source).where(is_listed(transaction.schema, images.c.id))
    query = query.prefix_with("STRAIGHT_JOIN", dialect="mysql").order_by(*ordered).limit(limit).offset(offset)
    return [int(image_id) for image_id in transaction.connection.execute(query).scalars()]


def _total(transaction: Transaction) -> int:
    """The faces whose images are listed."""
    index = tables_of(transaction).face_index
    total = _count(transaction, sa.select(sa.func.count()).select_from(index))
    if not transaction.schema.ours:
        return total
    gone = sa.select(scan_marks.c.image_id).where(scan_marks.c.gone_at.is_not(None))
    return total - _count(transaction, sa.select(sa.func.count()).where(index.c.image_id.in_(gone)))


def _has_all_faces(transaction: Transaction) -> bool:
    """Whether the index has the faces of the rows: in a file of our own as many, else as a look has seen them."""
    return _as_many(transaction) if transaction.schema.ours else _as_looked_at(transaction)


def _as_many(transaction: Transaction) -> bool:
    """Only we write there, both in one transaction: what an older version found may be lacking."""
    rows = sa.select(sa.func.count()).select_from(faces)
    indexed = _count(transaction, sa.select(sa.func.count()).select_from(tables_of(transaction).face_index))
    # All rows are counted at once, those that are not deleted one by one.
    counted = (_count(transaction, query) for query in (rows, rows.where(faces.c.deleted_at.is_(None))))
    return indexed in counted


def _as_looked_at(transaction: Transaction) -> bool:
    """Whether nothing that was changed since the last look came, went or moved. Without an index it cannot be told."""
    last = library_row.last_look(transaction)
    if not transaction.schema.indexes_updated_at or last.at is None or last.until is None:
        return False
    index = tables_of(transaction).face_index
    live = sa.case((faces.c.deleted_at.is_(None), faces.c.image_id))
    query = sa.select(live, index.c.image_id).select_from(faces.outerjoin(index, index.c.face_id == faces.c.id))
    query = query.where(faces.c.updated_at >= min(last.until, last.at) - _OVERLAP).limit(_MOST_CHANGED)
    rows = transaction.connection.execute(query).all()
    return len(rows) < _MOST_CHANGED and all(row[0] == row[1] for row in rows)


def _count(transaction: Transaction, query: sa.Select[int]) -> int:
    return int(transaction.connection.execute(query).scalar_one())
