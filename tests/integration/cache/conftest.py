"""The app's cache on real servers, in both of the stores that PHP and we can share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from faces.laravel.app_redis import redis_place
from faces.laravel.environment import LaravelEnvironment
from faces.store.cache import DatabaseCache
from faces.store.database import Store
from tests.servers.app_schema import V1
from tests.servers.mariadb import MariaDB
from tests.servers.php import STORES, Talk, php_talk
from tests.servers.redis import Redis, running_redis
from worker.laravel.redis_cache import RedisCache

PREFIX = "laravel_cache_"
REDIS_PREFIX = "laravel_database_"

#: Answers one request a line: `do` is what to do with the lock or value of `key`.
_CACHE_OF_PHP = (
    STORES
    + """
$cache = cache(json_decode(fgets(STDIN)));
while ($line = fgets(STDIN)) {
    $in = json_decode($line);
    $lock = fn () => $cache->lock($in->key, $in->seconds ?? 0, $in->owner ?? null);
    answer(match ($in->do) {
        'acquire' => $lock()->get(),
        'block' => $lock()->block($in->wait),
        'release' => $lock()->release(),
        'get' => $cache->get($in->key),
        'put' => $cache->put($in->key, $in->value, $in->seconds),
        'forever' => $cache->forever($in->key, $in->value),
        'forget' => $cache->forget($in->key),
        'increment' => $cache->increment($in->key),
    });
}
"""
)


@dataclass(frozen=True)
class Place:
    """A store that both sides use, in words for PHP."""

    ours: DatabaseCache | RedisCache
    for_php: dict[str, Any]


class CacheOfPhp:
    """A PHP process with Laravel's own cache store."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def __call__(self, do: str, key: str, **more: Any) -> Any:
        self.begin(do, key, **more)
        return self._talk.hear()

    def begin(self, do: str, key: str, **more: Any) -> None:
        self._talk.tell({"do": do, "key": key, **more})

    def end(self) -> Any:
        return self._talk.hear()


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    with running_redis() as server:
        yield server


def redis_cache(port: int, prefix: str = REDIS_PREFIX + PREFIX + ":") -> RedisCache:
    """Debian's Laravel puts a colon behind the prefix of the cache, as all did before 11."""
    environment = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port)}
    return RedisCache(redis_place(LaravelEnvironment(environment, None)), prefix)


@pytest.fixture
def store(mariadb: MariaDB) -> Iterator[Store]:
    """The app's database, empty."""
    store = Store.open(mariadb.new_database(*V1))
    yield store
    store.close()


@pytest.fixture(params=["database", "redis"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Each of the two stores, empty."""
    if request.param == "redis":
        server: Redis = request.getfixturevalue("redis")
        server.command("FLUSHALL")
        cache = redis_cache(server.port)
        named = {"store": "redis", "port": server.port, "prefix": PREFIX, "redis_prefix": REDIS_PREFIX}
        yield Place(cache, named)
        cache.close()
        return
    url = urlsplit(request.getfixturevalue("mariadb").new_database(*V1))
    store = Store.open(url.geturl())
    named = {"store": "database", "port": url.port, "database": url.path[1:], "prefix": PREFIX}
    yield Place(DatabaseCache(store, PREFIX), named)
    store.close()


@pytest.fixture
def cache(place: Place) -> DatabaseCache | RedisCache:
    return place.ours


@pytest.fixture
def php(place: Place) -> Iterator[CacheOfPhp]:
    with php_talk(_CACHE_OF_PHP) as talk:
        talk.tell(place.for_php)
        yield CacheOfPhp(talk)
