"""Images in the order of their places or ids, some hundred at a time, from any image on; as ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from faces.store.database import Transaction
from faces.store.keyset import same
from faces.store.scan_marks import is_listed
from faces.store.schema import images

#: As a person looks for them; the images' index has them in this order.
PLACE = (images.c.disk, images.c.path, images.c.filename)

#: An id and the columns of a place.
_Row = Any


def images_by_id(transaction: Transaction, behind: int | None, size: int) -> Iterator[list[int]]:
    """The images that are listed, behind this id (None: all), `size` at a time."""
    query = _listed(transaction).order_by(images.c.id).limit(size)
    while ids := _ids(transaction, query if behind is None else query.where(images.c.id > behind)):
        yield ids
        behind = ids[-1]


def images_by_place(transaction: Transaction, behind: int | None, size: int) -> Iterator[list[int]]:
    """The images that are listed, behind this image (None: all), at least `size` at a time while there are as many.

    Of one place they are in the order of ids, and all at a time: the index has no ids to begin behind.
    """
    last = None if behind is None else _place_of(transaction, behind)
    if last is not None and (ids := [image_id for image_id in _at(transaction, last) if image_id > (behind or 0)]):
        yield ids
    while rows := _next(transaction, last, size):
        last = rows[-1]
        at_the_last = _at(transaction, last)
        before = {row.id for row in rows} - set(at_the_last)
        query = _listed(transaction).where(images.c.id.in_(before)).order_by(*PLACE, images.c.id)
        yield [*_ids(transaction, query), *at_the_last]


def images_at(transaction: Transaction, image_id: int) -> list[int]:
    """The images that are listed at the place of this one, by id."""
    return _at(transaction, _place_of(transaction, image_id))


def _listed(transaction: Transaction) -> sa.Select[Any]:
    return sa.select(images.c.id, *PLACE).where(is_listed(transaction.schema, images.c.id))


def _ids(transaction: Transaction, query: sa.Select[Any]) -> list[int]:
    return [int(row.id) for row in transaction.connection.execute(query)]


def _place_of(transaction: Transaction, image_id: int) -> _Row:
    query = sa.select(images.c.id, *PLACE).where(images.c.id == image_id)
    return transaction.connection.execute(query).one_or_none()


def _at(transaction: Transaction, row: _Row) -> list[int]:
    """The images of one place, by id."""
    here = (same(transaction, column, value) for column, value in zip(PLACE, row[1:], strict=True))
    return _ids(transaction, _listed(transaction).where(*here).order_by(images.c.id))


def _next(transaction: Transaction, last: _Row, size: int) -> list[_Row]:
    """`size` images of the places behind one, those of one place in no order."""
    found: list[_Row] = []
    query = _listed(transaction).order_by(*PLACE)
    for conditions in [()] if last is None else _stretches(transaction, last):
        found += transaction.connection.execute(query.where(*conditions).limit(size - len(found)))
        if len(found) == size:
            break
    return found


def _stretches(transaction: Transaction, last: _Row) -> Iterator[Sequence[sa.ColumnElement[bool]]]:
    """The places behind one, in parts that are one range of the index each: same folder, same disk, other disks.

    NULL comes first in the order and is equal to itself in it, which no comparison of SQL's knows.
    """
    place = list(zip(PLACE, last[1:], strict=True))
    for length in range(len(PLACE) - 1, -1, -1):
        column, value = place[length]
        higher = column.is_not(None) if value is None else column > value
        yield [*(same(transaction, *equal) for equal in place[:length]), higher]
