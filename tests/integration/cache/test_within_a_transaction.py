"""The end of a job's mark and lock as part of the transaction that ends it: with its commit, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from faces.store.cache import DatabaseCache
from faces.store.database import Store, Transaction
from tests.integration.cache.conftest import redis_cache
from tests.servers.redis import Redis
from worker.laravel.lock_and_mark import LOCK_KEY, CrashMarks, ImageLock
from worker.laravel.redis_cache import RedisCache

LOCK = f"{LOCK_KEY}7"
MARK = "face-crash:job"


@pytest.fixture
def cache(store: Store) -> DatabaseCache:
    return DatabaseCache(store, "app_")


@pytest.fixture
def lock(cache: DatabaseCache) -> Iterator[ImageLock]:
    lock = ImageLock(cache, 7, 60)
    assert lock.take()
    yield lock
    lock.give_back()


@pytest.fixture
def elsewhere(redis: Redis) -> Iterator[RedisCache]:
    redis.command("FLUSHALL")
    cache = redis_cache(redis.port)
    yield cache
    cache.close()


def seen_by_others(cache: DatabaseCache | RedisCache) -> tuple[bool, bool]:
    """Whether there is a lock, and whether there is a mark."""
    return cache.owner_of(LOCK) is not None, cache.get(MARK) is not None


def test_both_are_gone_with_the_commit_and_not_before(store: Store, cache: DatabaseCache, lock: ImageLock) -> None:
    marks, seen = CrashMarks(cache, "one"), []
    marks.begin("job")

    def end(transaction: Transaction) -> None:
        marks.end_within(transaction, "job")
        lock.give_back_within(transaction)
        seen.append(seen_by_others(cache))

    store.write(end)
    seen.append(seen_by_others(cache))
    assert seen == [(True, True), (False, False)]


def test_a_transaction_that_is_rolled_back_leaves_both_to_be_ended_as_ever(
    store: Store, cache: DatabaseCache, lock: ImageLock
) -> None:
    marks = CrashMarks(cache, "one")
    marks.begin("job")

    def end(transaction: Transaction) -> None:
        marks.end_within(transaction, "job")
        lock.give_back_within(transaction)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.write(end)
    assert seen_by_others(cache) == (True, True)
    assert lock.is_held is True
    assert lock.is_ours()
    marks.end("job")
    lock.give_back()
    assert seen_by_others(cache) == (False, False)


def test_what_was_ended_is_not_ended_again_for_who_came_after(
    store: Store, cache: DatabaseCache, lock: ImageLock
) -> None:
    marks, other = CrashMarks(cache, "one"), CrashMarks(cache, "two")
    marks.begin("job")
    store.write(lambda now: (marks.end_within(now, "job"), lock.give_back_within(now)))
    marks.ended_within("job")
    lock.given_back_within()
    assert not lock.is_held
    other.begin("job")
    assert cache.acquire(LOCK, "other", 60)
    marks.end("job")
    lock.give_back()
    assert seen_by_others(cache) == (True, True)
    assert other.begin("job") == 0


def test_the_mark_and_the_lock_of_one_who_took_over_stay(store: Store, cache: DatabaseCache, lock: ImageLock) -> None:
    marks, other = CrashMarks(cache, "one"), CrashMarks(cache, "two")
    marks.begin("job")
    other.begin("job")
    cache.forget_lock(LOCK)
    cache.acquire(LOCK, "other", 60)
    store.write(lambda now: (marks.end_within(now, "job"), lock.give_back_within(now)))
    assert cache.owner_of(LOCK) == "other"
    assert CrashMarks(cache, "three").begin("job") == 2


def test_who_wants_the_lock_meanwhile_waits_for_the_commit(store: Store, cache: DatabaseCache, lock: ImageLock) -> None:
    got: list[bool] = []
    taking = threading.Thread(target=lambda: got.append(cache.acquire(LOCK, "other", 60)))

    def end(transaction: Transaction) -> None:
        lock.give_back_within(transaction)
        taking.start()
        taking.join(0.5)
        assert not got

    store.write(end)
    taking.join()
    assert got == [True]
    assert cache.owner_of(LOCK) == "other"


def test_a_cache_elsewhere_has_no_part_in_it(store: Store, elsewhere: RedisCache) -> None:
    marks, lock = CrashMarks(elsewhere, "one"), ImageLock(elsewhere, 7, 60)
    marks.begin("job")
    lock.take()
    store.write(lambda now: (marks.end_within(now, "job"), lock.give_back_within(now)))
    marks.ended_within("job")
    lock.given_back_within()
    assert seen_by_others(elsewhere) == (True, True)
    assert lock.is_held
    marks.end("job")
    lock.give_back()
    assert seen_by_others(elsewhere) == (False, False)
