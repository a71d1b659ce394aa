"""Lists in the order of an index, read on from the row that came last instead of by OFFSET, which reads all before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")

#: Rows of one statement.
_PAGE = 500


def behind(*place: tuple[sa.ColumnElement[Any], object]) -> sa.ColumnElement[bool]:
    """The condition for rows behind a place, which is columns with their values; all of them descend.

    `(a, b) < (?, ?)` would say the same, but MariaDB reads all of an index for it. This is a range on both databases.
    """
    (column, value), *rest = place
    if not rest:
        return column < value
    return sa.and_(column <= value, sa.or_(column < value, behind(*rest)))


def in_pages(read: Callable[[T | None, int], Sequence[T]], limit: int | None) -> Iterator[T]:
    """At most `limit` rows, some hundred at a time.

    Args:
        read: gives at most so many rows behind this one; behind none: the first ones.
        limit: None for all.
    """
    last: T | None = None
    left = limit
    while left is None or left > 0:
        size = _PAGE if left is None else min(left, _PAGE)
        rows = read(last, size)
        yield from rows
        if len(rows) < size:
            return
        last = rows[-1]
        left = None if left is None else left - size
