"""The photo app on the PHP side: real Laravel dispatches, works, locks and gives orders beside our workers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.servers.photo_app import PhotoApp
from tests.servers.php import STORES, Talk, php_talk
from tests.servers.redis import Redis

_CODE = STORES + f"\nrequire '{Path(__file__).with_suffix('.php')}';"

#: What Laravel makes of the app's name.
PREFIX = "photo_app_cache_"
REDIS_PREFIX = "photo_app_database_"


class AppInPhp:
    """One process of PHP's."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def dispatch(self, *jobs: Mapping[str, Any]) -> None:
        """A job, or a chain: the class's short name as `class`, `image`, `properties`."""
        self._ask("dispatch", jobs=jobs)

    def work(self, queue: str) -> dict[str, Any] | None:
        """Work one message off; what ran (class, data), None where the queue is empty."""
        ran: dict[str, Any] | None = self._ask("work", queue=queue)
        return ran

    def retry(self, ids: Sequence[str]) -> str:
        """`queue:retry`; what it prints."""
        return str(self._ask("retry", ids=ids))

    def restart(self) -> None:
        """`queue:restart`."""
        self._ask("restart")

    def forever(self, key: str, value: Any) -> None:
        self._ask("forever", key=key, value=value)

    def forget(self, key: str) -> None:
        self._ask("forget", key=key)

    def lock(self, key: str, owner: str, seconds: int = 60) -> bool:
        return bool(self._ask("lock", key=key, owner=owner, seconds=seconds))

    def unlock(self, key: str, owner: str) -> bool:
        return bool(self._ask("unlock", key=key, owner=owner))

    def _ask(self, verb: str, **more: Any) -> Any:
        return self._talk.ask({"verb": verb, **more})


@contextlib.contextmanager
def app_in_php(app: PhotoApp, redis: Redis | None = None) -> Iterator[AppInPhp]:
    """PHP with the app's database and broker; its cache in the database, or in `redis`."""
    url = urlsplit(app.url)
    database = {"store": "database", "port": url.port, "database": url.path[1:], "prefix": PREFIX}
    cache = database
    if redis:
        cache = {"store": "redis", "port": redis.port, "prefix": PREFIX, "redis_prefix": REDIS_PREFIX}
    with php_talk(_CODE) as talk:
        assert talk.ask({"rabbitmq": app.rabbitmq.port, "database": database, "cache": cache}) == "ready"
        yield AppInPhp(talk)


def cache_in(redis: Redis) -> dict[str, str]:
    """The variables of an app whose cache is there; Debian's Laravel puts a colon behind the prefix, as before 11."""
    return {
        **{"CACHE_STORE": "redis", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)},
        "CACHE_PREFIX": f"{PREFIX}:",
    }
