"""Connections to a real Redis over a network that spoils them, and a Redis that answers and takes no writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from faces.errors import CacheUnavailable
from tests.integration.cache.conftest import redis_cache
from tests.servers.proxy import Proxy, running_proxy
from tests.servers.redis import Redis, running_redis
from worker.laravel.redis_cache import RedisCache

#: Seconds within which a dead connection is noticed.
SOON = 10

#: A replica that answers nothing while its master is away.
_NO_MASTER = (("CONFIG", "SET", "replica-serve-stale-data", "no"), ("CONFIG", "SET", "replica-read-only", "no"))


@pytest.fixture
def server() -> Iterator[Redis]:
    """To be restarted and reconfigured."""
    with running_redis() as server:
        yield server


@pytest.fixture
def proxy(server: Redis) -> Iterator[Proxy]:
    with running_proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def behind(proxy: Proxy) -> Iterator[RedisCache]:
    """The cache, reached through the proxy."""
    cache = redis_cache(proxy.port)
    yield cache
    cache.close()


def test_a_connection_that_was_forgotten_on_the_way_is_noticed_within_ten_seconds(
    behind: RedisCache, proxy: Proxy
) -> None:
    behind.acquire("a", "me", 60)
    proxy.swallow()
    start = time.monotonic()
    with pytest.raises(CacheUnavailable):
        behind.renew("a", "me", 60)
    assert time.monotonic() - start <= SOON
    proxy.heal()
    assert behind.owner_of("a") == "me"


def test_a_server_that_was_restarted_meanwhile_is_reached_without_an_error(behind: RedisCache, server: Redis) -> None:
    behind.acquire("a", "me", 60)
    server.kill()
    server.start()
    assert behind.owner_of("a") == "me"


def test_dropped_idle_connections_lead_to_the_server_that_the_name_means_now(behind: RedisCache, proxy: Proxy) -> None:
    behind.acquire("a", "me", 60)
    behind.put("a", b"i:1;", 60)
    with running_redis() as other:
        proxy.lead_to(other.port)
        assert behind.owner_of("a") == "me"
        assert behind.get("a") == b"i:1;"
        behind.drop_idle()
        assert behind.owner_of("a") is None
        assert behind.get("a") is None


def test_cuts_anywhere_are_our_error_and_the_connections_come_back(behind: RedisCache, proxy: Proxy) -> None:
    steps: tuple[Callable[[], object], ...] = (
        lambda: behind.acquire("lock", "me", 60),
        lambda: behind.put("mark", b"i:1;", 60),
        lambda: behind.get("mark"),
        lambda: behind.increment("count", 60),
        lambda: behind.forget("mark"),
        lambda: behind.release("lock", "me"),
    )
    for answered in range(1, 90):
        proxy.break_after(answered)
        for step in steps * 2:
            with suppress(CacheUnavailable):
                step()
    for step in steps:
        step()


@pytest.mark.parametrize(
    ("commands", "word"),
    [
        ([("REPLICAOF", "127.0.0.1", 1)], "read only replica"),
        ([*_NO_MASTER, ("REPLICAOF", "127.0.0.1", 1)], "MASTER is down"),
        ([("CONFIG", "SET", "maxmemory", 1)], "maxmemory"),
        ([("CONFIG", "SET", "min-replicas-to-write", 1)], "NOREPLICAS"),
    ],
)
def test_a_server_that_takes_no_writes_counts_as_away(
    behind: RedisCache, server: Redis, commands: list[tuple[str | int, ...]], word: str
) -> None:
    behind.put("a", b"i:1;", 60)
    for command in commands:
        server.command(*command)
    with pytest.raises(CacheUnavailable, match=word):
        behind.put("a", b"i:1;", 60)
    with pytest.raises(CacheUnavailable, match=word):
        behind.acquire("a", "me", 60)
