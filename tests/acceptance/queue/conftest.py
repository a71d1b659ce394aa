"""Jobs on a real queue, with a scripted API in the place of the real one, and the app's cache in both of its stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.app_in_php import AppInPhp, app_in_php, cache_in
from tests.servers.photo_app import NewApp, PhotoApp
from tests.servers.redis import Redis, running_redis
from tests.servers.scripted_api import ScriptedApi, running_scripted_api


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    """In the place of the real API: finds nobody where a test does not say what it answers."""
    with running_scripted_api() as server:
        yield server


@pytest.fixture(scope="session")
def redis_of_all_tests() -> Iterator[Redis]:
    with running_redis() as server:
        yield server


@pytest.fixture
def redis(redis_of_all_tests: Redis) -> Redis:
    """Empty: a worker killed in the test before left its lock, and image 1 is every app's first."""
    redis_of_all_tests.command("FLUSHALL")
    return redis_of_all_tests


@pytest.fixture(params=["database", "redis"])
def store(request: pytest.FixtureRequest) -> Redis | None:
    """Where the app's cache is: in Redis, or (None) in the database."""
    if request.param == "database":
        return None
    server: Redis = request.getfixturevalue("redis")
    return server


@pytest.fixture
def stored(store: Redis | None, new_app: NewApp) -> PhotoApp:
    """An app with its cache there."""
    return new_app(variables=cache_in(store) if store else {})


@pytest.fixture
def php(store: Redis | None, stored: PhotoApp) -> Iterator[AppInPhp]:
    """The same app, in PHP."""
    with app_in_php(stored, store) as talk:
        yield talk
