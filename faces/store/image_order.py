"""Images in the order of their places or ids, some hundred at a time, from any image on; as ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from faces.store.database import Transaction
from faces.store.scan_marks import is_listed
from faces.store.schema import images

#: As a person looks for them; the images' index has them in this order.
PLACE = (images.c.disk, images.c.path, images.c.filename, images.c.id)

BY_ID = (images.c.id,)

_Row = sa.Row[Any]


def images_behind(
    transaction: Transaction, order: Sequence[sa.Column[Any]], image_id: int | None, size: int
) -> Iterator[list[int]]:
    """The images that are listed, behind this one (None: all), `size` at a time."""
    last = None if image_id is None else _one(transaction, order, image_id)
    while rows := _next(transaction, order, last, size):
        yield [row.id for row in rows]
        if len(rows) < size:
            return
        last = rows[-1]


def _one(transaction: Transaction, order: Sequence[sa.Column[Any]], image_id: int) -> _Row | None:
    return transaction.connection.execute(sa.select(*order).where(images.c.id == image_id)).one_or_none()


def _next(transaction: Transaction, order: Sequence[sa.Column[Any]], last: _Row | None, size: int) -> list[_Row]:
    found: list[_Row] = []
    query = sa.select(*order).where(is_listed(transaction.schema, images.c.id)).order_by(*order)
    for conditions in [()] if last is None else _stretches(order, last):
        found += transaction.connection.execute(query.where(*conditions).limit(size - len(found)))
        if len(found) == size:
            break
    return found


def _stretches(order: Sequence[sa.Column[Any]], last: _Row) -> Iterator[tuple[sa.ColumnElement[bool], ...]]:
    """The rows behind this one, in parts that are one range of the index each: same folder, same disk, other disks.

    NULL comes first in the order and is equal to itself in it, which no comparison of SQL's knows.
    """
    for length in range(len(order) - 1, -1, -1):
        equal = zip(order[:length], last[:length], strict=True)
        same = [column.is_(None) if value is None else column == value for column, value in equal]
        column, value = order[length], last[length]
        yield *same, column.is_not(None) if value is None else column > value
