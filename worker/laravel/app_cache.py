"""What we want of the app's cache, whichever store Laravel keeps it in.

The stores are `faces.store.cache.DatabaseCache`, `worker.laravel.redis_cache.RedisCache` and, where the app's is none
that we can share, `worker.laravel.folder_cache.FolderCache`; `worker.laravel.open_cache` chooses.
"""

from __future__ import annotations

from typing import Protocol

from faces.store.database import Transaction


class TransactionalCache(Protocol):
    """What a cache whose rows are in the app's own database does as part of a transaction: with its commit, or not."""

    def forget_this(self, key: str, value: bytes, within: Transaction) -> None:
        """Remove the value where it still is this one."""

    def release(self, key: str, owner: str, within: Transaction) -> bool:
        """Give the lock back if it is `owner`'s; others that want the lock wait for the transaction's end."""


class Values(Protocol):
    """Values by key, as bytes in PHP's serialization. Keys are without the app's prefixes; threads may share it.

    Each method raises CacheUnavailable while the store does not answer.
    """

    @property
    def transactional(self) -> TransactionalCache | None:
        """The same cache for the transactions of the app's database; None where it is not in that database."""

    def get(self, key: str) -> bytes | None:
        """The value; None if there is none, or its time is over."""

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        """Set the value for so long where there is none; False where there is one, or was."""

    def put(self, key: str, value: bytes, seconds: int) -> None:
        """Set the value for so long."""

    def forget(self, key: str) -> None:
        """Remove the value, if there is one."""

    def forget_this(self, key: str, value: bytes) -> None:
        """Remove the value where it still is this one."""

    def increment(self, key: str, seconds: int) -> int:
        """Count one more and return the count; one that is new starts at 1 and is kept for so long."""

    def drop_idle(self) -> None:
        """Close connections that are not in use, so that the next use asks anew where the store is. Never raises."""

    def close(self) -> None:
        """Give connections back."""


class AppCache(Values, Protocol):
    """A store with locks: the rows and keys of Laravel's `Cache::lock`, so that PHP and we exclude each other.

    Each method raises CacheUnavailable while the store does not answer.
    """

    def acquire(self, key: str, owner: str, seconds: int) -> bool:
        """Take the lock if it is free, run out or `owner`'s; say whether it is `owner`'s now."""

    def renew(self, key: str, owner: str, seconds: int) -> bool:
        """Let it run out so many seconds from now; False if it is not `owner`'s any more."""

    def release(self, key: str, owner: str) -> bool:
        """Give it back; False if it was not `owner`'s any more."""

    def owner_of(self, key: str) -> str | None:
        """The present owner, read without locking anything; None if the lock is free or has run out."""

    def forget_lock(self, key: str) -> None:
        """Remove the lock, whichever owner it has."""

    def prefixes_in_use(self, lock: str, value: str) -> set[str] | None:
        """What stands before such locks and such values in the store; None where its keys may not be listed."""
