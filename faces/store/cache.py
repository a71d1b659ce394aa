"""Laravel's table `cache`: values in PHP's serialization, each with the time at which it ends."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from faces.store.clock import unix_now
from faces.store.database import Transaction


def cache_table(name: str) -> sa.TableClause:
    """The table by the name that the app has it under; usually `cache`."""
    return sa.table(name, sa.column("key"), sa.column("value"), sa.column("expiration"))


def find(transaction: Transaction, table: sa.TableClause, key: str) -> bytes | None:
    """The value; None if there is none, or its time is over."""
    query = sa.select(table.c.value).where(table.c.key == key, table.c.expiration > unix_now(transaction.connection))
    value = transaction.connection.execute(query).scalar()
    return value.encode() if isinstance(value, str) else value


def add(transaction: Transaction, table: sa.TableClause, key: str, value: bytes, seconds: int) -> bool:
    """Set the value for so long where the key has no row; False where it has one, be its time over or not."""
    values = {"key": key, "value": value.decode(), "expiration": unix_now(transaction.connection) + seconds}
    try:
        transaction.connection.execute(sa.insert(table).values(**values))
    except sa.exc.IntegrityError:
        return False
    return True


def put(transaction: Transaction, table: sa.TableClause, key: str, value: bytes, seconds: int) -> None:
    """Set the value for so long."""
    if not add(transaction, table, key, value, seconds):
        values = {"value": value.decode(), "expiration": unix_now(transaction.connection) + seconds}
        _update(transaction, table, key, values)


def forget(transaction: Transaction, table: sa.TableClause, key: str) -> None:
    """Remove the value, if there is one."""
    transaction.connection.execute(sa.delete(table).where(table.c.key == key))


def forget_this(transaction: Transaction, table: sa.TableClause, key: str, value: bytes) -> None:
    """Remove the value where it still is this one, byte for byte: the column's collation takes x for X."""
    same = sa.func.hex(table.c.value) == value.hex().upper()
    transaction.connection.execute(sa.delete(table).where(table.c.key == key, same))


def increment(transaction: Transaction, table: sa.TableClause, key: str, seconds: int) -> int:
    """Count one more and return the count; a new one, or one whose time is over, starts at 1 and is kept for so long.

    Meant for `write`: reading and writing belong together.
    """
    now = unix_now(transaction.connection)
    new = {"value": _int(1), "expiration": now + seconds}
    try:
        transaction.connection.execute(sa.insert(table).values(key=key, **new))
    except sa.exc.IntegrityError:
        return _one_more(transaction, table, key, new)
    return 1


def keys_containing(transaction: Transaction, table: sa.TableClause, part: str, limit: int) -> list[str]:
    """Some keys with this in them: they tell the prefix that the app uses."""
    query = sa.select(table.c.key).where(table.c.key.contains(part, autoescape=True)).limit(limit)
    return list(transaction.connection.execute(query).scalars())


def _one_more(transaction: Transaction, table: sa.TableClause, key: str, new: dict[str, Any]) -> int:
    is_over = (table.c.expiration <= unix_now(transaction.connection)).label("is_over")
    query = sa.select(table.c.value, is_over).where(table.c.key == key).with_for_update()
    row = transaction.connection.execute(query).first()
    match = re.fullmatch(r"i:(-?[0-9]+);", row.value) if row else None
    if row is None or row.is_over or match is None:
        transaction.connection.execute(sa.delete(table).where(table.c.key == key))
        transaction.connection.execute(sa.insert(table).values(key=key, **new))
        return 1
    count = int(match[1]) + 1
    _update(transaction, table, key, {"value": _int(count)})
    return count


def _update(transaction: Transaction, table: sa.TableClause, key: str, values: dict[str, Any]) -> None:
    transaction.connection.execute(sa.update(table).where(table.c.key == key).values(**values))


def _int(number: int) -> str:
    return f"i:{number};"
