"""Laravel's cache in the app's database: values in its table `cache`, locks in `cache_locks`, each with its end.

Ends are set and compared by the database's own clock, however many machines write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from faces.errors import CacheUnavailable, StoreUnavailable
from faces.store.database import Store, Transaction

#: Keys to look at when a prefix is asked for.
_ENOUGH = 50


class DatabaseCache:
    """The app's cache where Laravel's store is `database`: an `AppCache` of `worker.laravel`, as its Redis is one.

    Each statement commits itself, on a connection of the store's for a moment, so that PHP never waits for a commit of
    ours; only what is done `within` a transaction ends with it, and the store translates its errors. Threads may share
    it.
    """

    def __init__(self, store: Store, prefix: str, table: str = "cache", locks: str = "cache_locks") -> None:
        """Use the store's connections; `prefix` stands before every key."""
        self._store, self._prefix = store, prefix
        self._values = sa.table(table, sa.column("key"), sa.column("value"), sa.column("expiration"))
        self._locks = sa.table(locks, sa.column("key"), sa.column("owner"), sa.column("expiration"))
        self._now = sa.cast(sa.func.strftime("%s", "now"), sa.Integer) if store.is_file else sa.func.unix_timestamp()
        """The time of a statement in whole seconds since 1970, for use in it."""

    @property
    def transactional(self) -> DatabaseCache:
        """Itself: its rows may change in a transaction of the store."""
        return self

    def get(self, key: str) -> bytes | None:
        """The value; None if there is none, or its time is over."""
        values = self._values.c
        query = sa.select(values.value).where(values.key == self._prefix + key, values.expiration > self._now)
        with _translated(), self._store.reading() as transaction:
            value = transaction.connection.execute(query).scalar()
        return value.encode() if isinstance(value, str) else value

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        """Set the value for so long where the key has no row; False where it has one, be its time over or not."""
        row = {"key": self._prefix + key, "value": value.decode(), "expiration": self._now + seconds}
        return self._changed(sa.insert(self._values).values(**row)) > 0

    def put(self, key: str, value: bytes, seconds: int) -> None:
        if not self.add(key, value, seconds):
            row = {"value": value.decode(), "expiration": self._now + seconds}
            self._changed(sa.update(self._values).where(self._values.c.key == self._prefix + key).values(**row))

    def forget(self, key: str, within: Transaction | None = None) -> None:
        self._changed(sa.delete(self._values).where(self._values.c.key == self._prefix + key), within)

    def forget_this(self, key: str, value: bytes, within: Transaction | None = None) -> None:
        """Remove the value where it still is this one, byte for byte: the column's collation takes x for X."""
        values = self._values.c
        same = sa.func.hex(values.value) == value.hex().upper()
        self._changed(sa.delete(self._values).where(values.key == self._prefix + key, same), within)

    def increment(self, key: str, seconds: int, within: Transaction | None = None) -> int:
        """Count one more and return the count; one that is new or over starts at 1 and is kept for so long.

        In any case in one transaction: reading and writing belong together.
        """
        if within is None:
            with _translated():
                return self._store.write(lambda transaction: self.increment(key, seconds, transaction))
        table, now = self._values, self._now
        is_it = table.c.key == self._prefix + key
        new = sa.insert(table).values(key=self._prefix + key, value="i:1;", expiration=now + seconds)
        if self._changed(new, within):
            return 1
        query = sa.select(table.c.value, (table.c.expiration <= now).label("is_over")).where(is_it)
        row = within.connection.execute(query.with_for_update()).first()
        match = re.fullmatch(r"i:(-?[0-9]+);", row.value) if row else None
        if row is None or row.is_over or match is None:
            self.forget(key, within)
            within.connection.execute(new)
            return 1
        count = int(match[1]) + 1
        self._changed(sa.update(table).where(is_it).values(value=f"i:{count};"), within)
        return count

    def acquire(self, key: str, owner: str, seconds: int, within: Transaction | None = None) -> bool:
        """Take the lock if it is free, run out or `owner`'s; True if it is `owner`'s now.

        As PHP does it: insert, and where the key is there, take the row over if it may be taken.
        """
        table, now = self._locks, self._now
        row = {"key": self._prefix + key, "owner": owner, "expiration": now + seconds}
        if self._changed(sa.insert(table).values(**row), within):
            return True
        may_be_taken = sa.or_(table.c.owner == owner, table.c.expiration <= now)
        taken = sa.update(table).where(table.c.key == row["key"], may_be_taken)
        return self._changed(taken.values(owner=owner, expiration=row["expiration"]), within) > 0

    def renew(self, key: str, owner: str, seconds: int, within: Transaction | None = None) -> bool:
        """Let it run out so many seconds from now; False if it is not `owner`'s any more.

        The count is right also where the row stays as it is: our connections count found rows, not changed ones.
        """
        locks = self._locks.c
        renewed = sa.update(self._locks).where(locks.key == self._prefix + key, locks.owner == owner)
        return self._changed(renewed.values(expiration=self._now + seconds), within) > 0

    def release(self, key: str, owner: str, within: Transaction | None = None) -> bool:
        """Give it back; False if it was not `owner`'s any more.

        Within a transaction, other workers that want the lock wait for its end.
        """
        locks = self._locks.c
        return (
            self._changed(sa.delete(self._locks).where(locks.key == self._prefix + key, locks.owner == owner), within)
            > 0
        )

    def owner_of(self, key: str) -> str | None:
        """The present owner, read without locking anything; None if the lock is free or has run out."""
        locks = self._locks.c
        query = sa.select(locks.owner).where(locks.key == self._prefix + key, locks.expiration > self._now)
        with _translated(), self._store.reading() as transaction:
            owner: str | None = transaction.connection.execute(query).scalar()
        return owner

    def forget_lock(self, key: str) -> None:
        self._changed(sa.delete(self._locks).where(self._locks.c.key == self._prefix + key))

    def prefixes_in_use(self, lock: str, value: str) -> set[str]:
        """What stands before such locks, held now or before, and before such values in the tables."""
        with _translated(), self._store.reading() as transaction:
            return _prefixes(transaction, self._locks, lock) | _prefixes(transaction, self._values, value)

    def drop_idle(self) -> None:
        self._store.drop_idle()

    def close(self) -> None:
        """The connections are the store's: it closes them."""

    def _changed(self, statement: sa.Insert | sa.Update | sa.Delete, within: Transaction | None = None) -> int:
        """Run a statement that commits itself, or one within a transaction; returns how many rows it found or inserted.

        An insert where the key has a row inserts none. By itself it does not wait for a commit of ours: an insert that
        does makes the other side wait, too.
        """
        if within is None:
            with _translated():
                return self._store.write_at_once(lambda transaction: self._changed(statement, transaction))
        try:
            return within.connection.execute(statement).rowcount
        except sa.exc.IntegrityError:
            if isinstance(statement, sa.Insert):
                return 0
            raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise CacheUnavailable(f"the app's cache is away: {error}") from error


def _prefixes(transaction: Transaction, table: sa.TableClause, part: str) -> set[str]:
    query = sa.select(table.c.key).where(table.c.key.contains(part, autoescape=True)).limit(_ENOUGH)
    return {key.partition(part)[0] for key in transaction.connection.execute(query).scalars()}
