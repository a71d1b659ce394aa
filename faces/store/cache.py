"""Laravel's cache in the app's database: values in its table `cache`, locks in `cache_locks`, each with its end.

The functions are the statements, for a transaction in progress; `DatabaseCache` runs them one by one. Ends are set and
compared by the database's own clock, however many machines write them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from faces.errors import CacheUnavailable, StoreUnavailable
from faces.store.database import Store, Transaction

P = ParamSpec("P")
T = TypeVar("T")

#: Keys to look at when a prefix is asked for.
_ENOUGH = 50


def value_table(name: str) -> sa.TableClause:
    """The table of values by the name that the app has it under; usually `cache`."""
    return sa.table(name, sa.column("key"), sa.column("value"), sa.column("expiration"))


def lock_table(name: str) -> sa.TableClause:
    """The table of locks by the name that the app has it under; usually `cache_locks`."""
    return sa.table(name, sa.column("key"), sa.column("owner"), sa.column("expiration"))


def find(transaction: Transaction, table: sa.TableClause, key: str) -> bytes | None:
    """The value; None if there is none, or its time is over."""
    query = sa.select(table.c.value).where(table.c.key == key, table.c.expiration > _unix_now(transaction))
    value = transaction.connection.execute(query).scalar()
    return value.encode() if isinstance(value, str) else value


def add(transaction: Transaction, table: sa.TableClause, key: str, value: bytes, seconds: int) -> bool:
    """Set the value for so long where the key has no row; False where it has one, be its time over or not."""
    end = _unix_now(transaction) + seconds
    return _insert(transaction, table, key, {"value": value.decode(), "expiration": end})


def put(transaction: Transaction, table: sa.TableClause, key: str, value: bytes, seconds: int) -> None:
    """Set the value for so long."""
    if not add(transaction, table, key, value, seconds):
        end = _unix_now(transaction) + seconds
        _update(transaction, table, key, {"value": value.decode(), "expiration": end})


def forget(transaction: Transaction, table: sa.TableClause, key: str) -> None:
    """Remove the value, or the lock whoever has it, if there is one."""
    transaction.connection.execute(sa.delete(table).where(table.c.key == key))


def forget_this(transaction: Transaction, table: sa.TableClause, key: str, value: bytes) -> None:
    """Remove the value where it still is this one, byte for byte: the column's collation takes x for X."""
    same = sa.func.hex(table.c.value) == value.hex().upper()
    transaction.connection.execute(sa.delete(table).where(table.c.key == key, same))


def increment(transaction: Transaction, table: sa.TableClause, key: str, seconds: int) -> int:
    """Count one more and return the count; a new one, or one whose time is over, starts at 1 and is kept for so long.

    Meant for `write`: reading and writing belong together.
    """
    new = {"value": "i:1;", "expiration": _unix_now(transaction) + seconds}
    if _insert(transaction, table, key, new):
        return 1
    is_over = (table.c.expiration <= _unix_now(transaction)).label("is_over")
    query = sa.select(table.c.value, is_over).where(table.c.key == key).with_for_update()
    row = transaction.connection.execute(query).first()
    match = re.fullmatch(r"i:(-?[0-9]+);", row.value) if row else None
    if row is None or row.is_over or match is None:
        forget(transaction, table, key)
        transaction.connection.execute(sa.insert(table).values(key=key, **new))
        return 1
    count = int(match[1]) + 1
    _update(transaction, table, key, {"value": f"i:{count};"})
    return count


def acquire(transaction: Transaction, table: sa.TableClause, key: str, owner: str, seconds: int) -> bool:
    """Take the lock if it is free, run out or `owner`'s; True if it is `owner`'s now.

    As PHP does it: insert, and where the key is there, take the row over if it may be taken. Meant for
    `write_at_once`: an insert that waits for its commit makes the other side wait too.
    """
    values = {"owner": owner, "expiration": _unix_now(transaction) + seconds}
    if _insert(transaction, table, key, values):
        return True
    may_be_taken = sa.or_(table.c.owner == owner, table.c.expiration <= _unix_now(transaction))
    taken = sa.update(table).where(table.c.key == key, may_be_taken).values(**values)
    return transaction.connection.execute(taken).rowcount > 0


def renew(transaction: Transaction, table: sa.TableClause, key: str, owner: str, seconds: int) -> bool:
    """Let it run out so many seconds from now; False if it is not `owner`'s any more.

    The count is right also where the row stays as it is: our connections count found rows, not changed ones.
    """
    end = _unix_now(transaction) + seconds
    renewed = sa.update(table).where(table.c.key == key, table.c.owner == owner).values(expiration=end)
    return transaction.connection.execute(renewed).rowcount > 0


def release(transaction: Transaction, table: sa.TableClause, key: str, owner: str) -> bool:
    """Give it back; False if it was not `owner`'s any more."""
    released = sa.delete(table).where(table.c.key == key, table.c.owner == owner)
    return transaction.connection.execute(released).rowcount > 0


def owner_of(transaction: Transaction, table: sa.TableClause, key: str) -> str | None:
    """The present owner, read without locking anything; None if the lock is free or has run out."""
    query = sa.select(table.c.owner).where(table.c.key == key, table.c.expiration > _unix_now(transaction))
    owner: str | None = transaction.connection.execute(query).scalar()
    return owner


class DatabaseCache:
    """The app's cache where Laravel's store is `database`: an `AppCache` of `worker.laravel`, as its Redis is one.

    Each call is a connection of the store's for a moment, whose statements commit themselves, so that PHP never waits
    for a commit of ours; only those `…_within` a transaction end with it. Threads may share it.
    """

    def __init__(self, store: Store, prefix: str, table: str = "cache", locks: str = "cache_locks") -> None:
        """Use the store's connections; `prefix` stands before every key."""
        self._store, self._prefix = store, prefix
        self._values, self._locks = value_table(table), lock_table(locks)

    @property
    def transactional(self) -> DatabaseCache:
        """Itself: its rows may change in a transaction of the store."""
        return self

    def get(self, key: str) -> bytes | None:
        """The value; None if there is none, or its time is over."""
        with _translated(), self._store.reading() as transaction:
            return find(transaction, self._values, self._prefix + key)

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        return self._at_once(add, self._values, key, value, seconds)

    def put(self, key: str, value: bytes, seconds: int) -> None:
        self._at_once(put, self._values, key, value, seconds)

    def forget(self, key: str) -> None:
        self._at_once(forget, self._values, key)

    def forget_this(self, key: str, value: bytes) -> None:
        self._at_once(forget_this, self._values, key, value)

    def forget_within(self, transaction: Transaction, key: str, value: bytes) -> None:
        """Remove the value where it still is this one, as part of a transaction of the store."""
        forget_this(transaction, self._values, self._prefix + key, value)

    def increment(self, key: str, seconds: int) -> int:
        """Count one more and return the count; a new one starts at 1 and is kept for so long."""
        with _translated():
            return self._store.write(lambda now: increment(now, self._values, self._prefix + key, seconds))

    def acquire(self, key: str, owner: str, seconds: int) -> bool:
        return self._at_once(acquire, self._locks, key, owner, seconds)

    def renew(self, key: str, owner: str, seconds: int) -> bool:
        return self._at_once(renew, self._locks, key, owner, seconds)

    def release(self, key: str, owner: str) -> bool:
        return self._at_once(release, self._locks, key, owner)

    def release_within(self, transaction: Transaction, key: str, owner: str) -> None:
        """Give it back as part of a transaction of the store; until it ends, whoever wants the lock waits for it."""
        release(transaction, self._locks, self._prefix + key, owner)

    def owner_of(self, key: str) -> str | None:
        with _translated(), self._store.reading() as transaction:
            return owner_of(transaction, self._locks, self._prefix + key)

    def forget_lock(self, key: str) -> None:
        self._at_once(forget, self._locks, key)

    def prefixes_in_use(self, lock: str, value: str) -> set[str]:
        """What stands before such locks, held now or before, and before such values in the tables."""
        with _translated(), self._store.reading() as transaction:
            return _prefixes(transaction, self._locks, lock) | _prefixes(transaction, self._values, value)

    def drop_idle(self) -> None:
        self._store.drop_idle()

    def close(self) -> None:
        """The connections are the store's: it closes them."""

    def _at_once(
        self,
        work: Callable[Concatenate[Transaction, sa.TableClause, str, P], T],
        table: sa.TableClause,
        key: str,
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        with _translated():
            return self._store.write_at_once(lambda now: work(now, table, self._prefix + key, *arguments, **named))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise CacheUnavailable(f"the app's cache is away: {error}") from error


def _prefixes(transaction: Transaction, table: sa.TableClause, part: str) -> set[str]:
    query = sa.select(table.c.key).where(table.c.key.contains(part, autoescape=True)).limit(_ENOUGH)
    return {key.partition(part)[0] for key in transaction.connection.execute(query).scalars()}


def _insert(transaction: Transaction, table: sa.TableClause, key: str, values: dict[str, Any]) -> bool:
    """Whether the key had no row."""
    try:
        transaction.connection.execute(sa.insert(table).values(key=key, **values))
    except sa.exc.IntegrityError:
        return False
    return True


def _update(transaction: Transaction, table: sa.TableClause, key: str, values: dict[str, Any]) -> None:
    transaction.connection.execute(sa.update(table).where(table.c.key == key).values(**values))


def _unix_now(transaction: Transaction) -> sa.ColumnElement[Any]:
    """The time of a statement in whole seconds since 1970, for use in it."""
    if transaction.connection.dialect.name == "sqlite":
        return sa.cast(sa.func.strftime("%s", "now"), sa.Integer)
    return sa.func.unix_timestamp()
