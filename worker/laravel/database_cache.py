"""Laravel's cache in the app's database: the tables `cache` and `cache_locks`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from faces.errors import CacheUnavailable, StoreUnavailable
from faces.store import cache, locks
from faces.store.database import Store, Transaction

#: Keys to look at when a prefix is asked for.
_ENOUGH = 50


class DatabaseCache:
    """An `AppCache` on the database's own clock. Statements commit themselves, so that nobody waits for our commit."""

    def __init__(self, store: Store, prefix: str, table: str = "cache", lock_table: str = "cache_locks") -> None:
        """Use the store's connections; `prefix` stands before every key."""
        self._store = store
        self._prefix = prefix
        self._values = cache.cache_table(table)
        self._locks = locks.lock_table(lock_table)

    def get(self, key: str) -> bytes | None:
        """The value; None if there is none, or its time is over."""
        with _translated(), self._store.reading() as transaction:
            return cache.find(transaction, self._values, self._prefix + key)

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        """Set the value for so long where there is none; False where there is one, or was."""
        with _translated():
            return self._store.write_at_once(
                lambda now: cache.add(now, self._values, self._prefix + key, value, seconds)
            )

    def put(self, key: str, value: bytes, seconds: int) -> None:
        """Set the value for so long."""
        with _translated():
            self._store.write_at_once(lambda now: cache.put(now, self._values, self._prefix + key, value, seconds))

    def forget(self, key: str) -> None:
        """Remove the value, if there is one."""
        with _translated():
            self._store.write_at_once(lambda now: cache.forget(now, self._values, self._prefix + key))

    def forget_this(self, key: str, value: bytes) -> None:
        """Remove the value where it still is this one."""
        with _translated():
            self._store.write_at_once(lambda now: self.forget_within(now, key, value))

    def forget_within(self, transaction: Transaction, key: str, value: bytes) -> None:
        """Remove the value where it still is this one, as part of a transaction of the store."""
        cache.forget_this(transaction, self._values, self._prefix + key, value)

    def increment(self, key: str, seconds: int) -> int:
        """Count one more and return the count; a new one starts at 1 and is kept for so long."""
        with _translated():
            return self._store.write(lambda now: cache.increment(now, self._values, self._prefix + key, seconds))

    def acquire(self, key: str, owner: str, seconds: int) -> bool:
        """Take the lock if it is free, run out or `owner`'s; say whether it is `owner`'s now."""
        with _translated():
            return self._store.write_at_once(
                lambda now: locks.acquire(now, self._locks, self._prefix + key, owner, seconds)
            )

    def renew(self, key: str, owner: str, seconds: int) -> bool:
        """Let it run out so many seconds from now; False if it is not `owner`'s any more."""
        with _translated():
            return self._store.write_at_once(
                lambda now: locks.renew(now, self._locks, self._prefix + key, owner, seconds)
            )

    def release(self, key: str, owner: str) -> bool:
        """Give it back; False if it was not `owner`'s any more."""
        with _translated():
            return self._store.write_at_once(lambda now: self.release_within(now, key, owner))

    def release_within(self, transaction: Transaction, key: str, owner: str) -> bool:
        """Give it back as part of a transaction of the store; until it ends, whoever wants the lock waits for it."""
        return locks.release(transaction, self._locks, self._prefix + key, owner)

    def owner_of(self, key: str) -> str | None:
        """Who has it now, read without locking anything; None if nobody, or it has run out."""
        with _translated(), self._store.reading() as transaction:
            return locks.owner_of(transaction, self._locks, self._prefix + key)

    def forget_lock(self, key: str) -> None:
        """Remove the lock, whoever has it."""
        with _translated():
            self._store.write_at_once(lambda now: locks.forget(now, self._locks, self._prefix + key))

    def prefixes_in_use(self, lock: str, value: str) -> set[str]:
        """What stands before such locks and such values in the tables."""
        with _translated(), self._store.reading() as transaction:
            of_locks = locks.keys_containing(transaction, self._locks, lock, _ENOUGH)
            of_values = cache.keys_containing(transaction, self._values, value, _ENOUGH)
        return {key.partition(lock)[0] for key in of_locks} | {key.partition(value)[0] for key in of_values}

    def drop_idle(self) -> None:
        """Close connections that nobody uses now, so that the next use asks anew where the database is."""
        self._store.drop_idle()

    def close(self) -> None:
        """The connections are the store's: it closes them."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise CacheUnavailable(f"the app's cache is away: {error}") from error
