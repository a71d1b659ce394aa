"""Laravel's table `cache_locks`: the rows of its `Cache::lock`, so that PHP and we exclude each other."""

from __future__ import annotations

import sqlalchemy as sa

from faces.store.clock import unix_now
from faces.store.database import Transaction


def lock_table(name: str) -> sa.TableClause:
    """The table by the name that the app has it under; usually `cache_locks`."""
    return sa.table(name, sa.column("key"), sa.column("owner"), sa.column("expiration"))


def acquire(transaction: Transaction, table: sa.TableClause, key: str, owner: str, seconds: int) -> bool:
    """Take the lock if it is free, run out or `owner`'s; True if it is `owner`'s now.

    As PHP does it: insert, and where the key is there, take the row over if it may be taken. Meant for
    `write_at_once`: an insert that waits for its commit makes the other side wait too.
    """
    values = {"owner": owner, "expiration": unix_now(transaction.connection) + seconds}
    try:
        transaction.connection.execute(sa.insert(table).values(key=key, **values))
    except sa.exc.IntegrityError:
        may_be_taken = sa.or_(table.c.owner == owner, table.c.expiration <= unix_now(transaction.connection))
        taken = sa.update(table).where(table.c.key == key, may_be_taken).values(**values)
        return transaction.connection.execute(taken).rowcount > 0
    return True


def renew(transaction: Transaction, table: sa.TableClause, key: str, owner: str, seconds: int) -> bool:
    """Let it run out so many seconds from now; False if it is not `owner`'s any more.

    The count is right also where the row stays as it is: our connections count found rows, not changed ones.
    """
    expiration = unix_now(transaction.connection) + seconds
    renewed = sa.update(table).where(table.c.key == key, table.c.owner == owner).values(expiration=expiration)
    return transaction.connection.execute(renewed).rowcount > 0


def release(transaction: Transaction, table: sa.TableClause, key: str, owner: str) -> bool:
    """Give it back; False if it was not `owner`'s any more."""
    released = sa.delete(table).where(table.c.key == key, table.c.owner == owner)
    return transaction.connection.execute(released).rowcount > 0


def owner_of(transaction: Transaction, table: sa.TableClause, key: str) -> str | None:
    """Who has it now; None if nobody, or it has run out. Locks nothing."""
    query = sa.select(table.c.owner).where(table.c.key == key, table.c.expiration > unix_now(transaction.connection))
    owner: str | None = transaction.connection.execute(query).scalar()
    return owner


def forget(transaction: Transaction, table: sa.TableClause, key: str) -> None:
    """Remove it, whoever has it."""
    transaction.connection.execute(sa.delete(table).where(table.c.key == key))


def keys_containing(transaction: Transaction, table: sa.TableClause, part: str, limit: int) -> list[str]:
    """Some keys with this in them, of locks that are held or were: they tell the prefix that the app uses."""
    query = sa.select(table.c.key).where(table.c.key.contains(part, autoescape=True)).limit(limit)
    return list(transaction.connection.execute(query).scalars())
