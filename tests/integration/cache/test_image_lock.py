from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from faces.errors import CacheUnavailable, LockHeld
from faces.laravel.app_redis import redis_place
from faces.laravel.environment import LaravelEnvironment
from tests.integration.cache.conftest import Place
from tests.servers.mariadb import MariaDB
from tests.servers.redis import Redis
from worker.laravel.app_cache import AppCache
from worker.laravel.lock_and_mark import image_lock
from worker.laravel.redis_cache import RedisCache

KEY = "face-processing:7"
NEVER = threading.Event()


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_second_job_of_the_image_is_refused_until_the_first_ends(cache: AppCache) -> None:
    with (
        image_lock(cache, 7, 60, 0, NEVER) as lock,
        pytest.raises(LockHeld, match="image 7"),
        image_lock(cache, 7, 60, 0, NEVER),
    ):
        pass
    assert not lock.is_ours()
    with image_lock(cache, 7, 60, 0, NEVER) as second:
        assert second.is_ours()


def test_another_image_is_free(cache: AppCache) -> None:
    with image_lock(cache, 7, 60, 0, NEVER), image_lock(cache, 8, 60, 0, NEVER) as other:
        assert other.is_ours()


def test_one_who_waits_gets_it_when_it_is_given_back(cache: AppCache) -> None:
    got = threading.Event()

    def second() -> None:
        with image_lock(cache, 7, 60, 60, NEVER):
            got.set()

    thread = threading.Thread(target=second)
    with image_lock(cache, 7, 60, 0, NEVER):
        thread.start()
        assert not got.wait(0.5)
    thread.join()
    assert got.is_set()


def test_being_told_to_stop_ends_the_waiting(cache: AppCache) -> None:
    stop = threading.Event()
    stop.set()
    with (
        image_lock(cache, 7, 60, 0, NEVER),
        pytest.raises(LockHeld),
        image_lock(cache, 7, 60, 3600, stop),
    ):
        pass


def test_it_is_renewed_for_as_long_as_the_job_takes(cache: AppCache) -> None:
    cache.acquire("another", "x", 3)
    with image_lock(cache, 7, 3, 0, NEVER) as lock:
        wait_for(lambda: cache.owner_of("another") is None)
        time.sleep(1)
        assert lock.is_ours()


def test_a_lock_that_somebody_took_over_is_known_to_be_lost_and_left_alone(
    cache: AppCache, caplog: pytest.LogCaptureFixture
) -> None:
    with image_lock(cache, 7, 3, 0, NEVER) as lock:
        cache.forget_lock(KEY)
        cache.acquire(KEY, "somebody", 60)
        assert not lock.is_ours()
        wait_for(lambda: "the lock face-processing:7 is not ours any more" in caplog.text)
    assert cache.owner_of(KEY) == "somebody"


def test_given_back_early_it_is_free_and_stays_whose_it_is_then(cache: AppCache) -> None:
    with image_lock(cache, 7, 60, 0, NEVER) as lock:
        lock.give_back()
        assert not lock.is_ours()
        assert cache.acquire(KEY, "somebody", 60)
    assert cache.owner_of(KEY) == "somebody"


def test_an_error_in_the_job_gives_it_back_too(cache: AppCache) -> None:
    with pytest.raises(ZeroDivisionError), image_lock(cache, 7, 60, 0, NEVER):
        raise ZeroDivisionError
    assert cache.owner_of(KEY) is None


def test_owners_look_as_laravels(cache: AppCache) -> None:
    with image_lock(cache, 7, 60, 0, NEVER):
        owner = cache.owner_of(KEY)
    assert owner is not None
    assert len(owner) == 16
    assert owner.isascii()
    assert owner.isalnum()


Server = MariaDB | Redis


@pytest.fixture
def fragile(place: Place, request: pytest.FixtureRequest) -> Iterator[tuple[Server, AppCache]]:
    """A cache, and its server to kill; there again for the next test."""
    server: Server = request.getfixturevalue("redis" if place.for_php["store"] == "redis" else "mariadb")
    yield server, place.ours
    server.kill()
    server.start()


def test_a_cache_that_is_away_is_said_to_be_and_one_that_is_back_is_used_again(
    fragile: tuple[Server, AppCache],
) -> None:
    server, cache = fragile
    cache.put("a", b"i:1;", 60)
    server.kill()
    for use in (
        lambda: cache.get("a"),
        lambda: cache.put("a", b"i:2;", 60),
        lambda: cache.forget("a"),
        lambda: cache.increment("a", 60),
        lambda: cache.acquire("a", "x", 60),
        lambda: cache.renew("a", "x", 60),
        lambda: cache.release("a", "x"),
        lambda: cache.owner_of("a"),
        lambda: cache.forget_lock("a"),
    ):
        with pytest.raises(CacheUnavailable, match=r"the app's cache is away: .*127\.0\.0\.1"):
            use()
    server.start()
    assert cache.get("a") == b"i:1;"


def test_a_lock_lives_through_an_outage_that_is_shorter_than_its_time(
    fragile: tuple[Server, AppCache], caplog: pytest.LogCaptureFixture
) -> None:
    server, cache = fragile
    caplog.set_level(logging.DEBUG, "worker.laravel.lock_and_mark")
    with image_lock(cache, 7, 6, 0, NEVER) as lock:
        server.kill()
        with pytest.raises(CacheUnavailable):
            lock.is_ours()
        wait_for(lambda: "could not be renewed yet" in caplog.text)
        server.start()
        cache.acquire("another", "x", 6)
        wait_for(lambda: cache.owner_of("another") is None)
        assert lock.is_ours()


def test_a_lock_that_cannot_be_given_back_is_a_warning_and_nothing_more(
    fragile: tuple[Server, AppCache], caplog: pytest.LogCaptureFixture
) -> None:
    server, cache = fragile
    with image_lock(cache, 7, 60, 0, NEVER):
        server.kill()
    assert "the lock face-processing:7 was not given back and runs out in 60 s" in caplog.text


def test_a_cache_that_is_away_gives_no_lock(fragile: tuple[Server, AppCache]) -> None:
    server, cache = fragile
    server.kill()
    with pytest.raises(CacheUnavailable), image_lock(cache, 7, 60, 0, NEVER):
        pass


def test_a_wrong_password_of_redis_is_said_and_not_shown() -> None:
    server = Redis()
    try:
        server.start("--requirepass", "sesame")
        variables = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port), "REDIS_PASSWORD": "open"}
        cache = RedisCache(redis_place(LaravelEnvironment(variables, None)), "")
        with pytest.raises(CacheUnavailable, match="password") as refused:
            cache.get("a")
        assert "open" not in str(refused.value)
        cache.close()
        right = RedisCache(redis_place(LaravelEnvironment(variables | {"REDIS_PASSWORD": "sesame"}, None)), "")
        assert right.get("a") is None
        right.close()
    finally:
        server.close()
