"""Lists in the order of an index, read on from the row that came last instead of by OFFSET, which reads all before.

Each condition is said in the way of which the database at hand makes one range of the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from faces.store.database import Transaction

T = TypeVar("T")

#: Rows of one statement.
_PAGE = 500

_Condition = sa.ColumnElement[bool]


def same(transaction: Transaction, column: sa.ColumnElement[Any], value: object) -> _Condition:
    """The column has this value, None for NULL; the columns behind it in the index go on with the range.

    Where a value is that of most rows, MariaDB believes that `=` alone finds as few rows as `=` and a range, and reads
    all of them: so to it both ends are named.
    """
    if value is None:
        return column.is_(None)
    return column == value if _is_sqlite(transaction) else sa.and_(column >= value, column <= value)


def behind(transaction: Transaction, *place: tuple[sa.ColumnElement[Any], Any]) -> _Condition:
    """Rows behind a place, which is columns with their values; all of them descend, and none is NULL.

    A comparison of row values is no range to MariaDB, and what it wants instead is none to SQLite.
    """
    if _is_sqlite(transaction):
        # Each value as its column has it: a time is a text there.
        values = (sa.literal(value, column.type) for column, value in place)
        return sa.tuple_(*(column for column, _ in place)) < sa.tuple_(*values)
    return _descended(*place)


def _descended(*place: tuple[sa.ColumnElement[Any], Any]) -> _Condition:
    (column, value), *rest = place
    return sa.or_(column < value, sa.and_(column == value, _descended(*rest))) if rest else column < value


def _is_sqlite(transaction: Transaction) -> bool:
    return transaction.connection.dialect.name == "sqlite"


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
