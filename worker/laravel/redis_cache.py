"""Laravel's cache in Redis: values in one database, locks in another, as its `RedisStore` and `RedisLock` have them."""

from __future__ import annotations

import logging
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from faces.errors import CacheUnavailable
from faces.laravel.app_redis import RedisPlace
from faces.system import keepalive

_log = logging.getLogger(__name__)

#: Seconds to reach the server and to wait for an answer. Each once more on a new connection: a server that is
#: not reached any more costs less than 10 s.
_CONNECT_SECONDS = 2.5
_ANSWER_SECONDS = 4

#: Seconds after which a connection is not used again, so that readers, too, follow a name whose address changed.
_RECYCLE_SECONDS = 300

#: What the driver raises: besides its own errors, whatever half an answer or a socket just closed ends it with.
_DRIVER_ERRORS = (redis.RedisError, OSError, EOFError, AttributeError, LookupError, TypeError, ValueError)

#: How often Redis is asked when a prefix is asked for, and how many keys it looks at each time.
_LOOKS = 200
_SCANNED = 1000

#: Seconds after which a lock or value of a trial is gone by itself.
_TRIED_SECONDS = 5

#: Take what is free or ours. Not `SET … NX` alone: sent again after a lost answer, that would find our own lock.
_ACQUIRE = """
if redis.call("set", KEYS[1], ARGV[1], "EX", ARGV[2], "NX") then return 1 end
if redis.call("get", KEYS[1]) == ARGV[1] then redis.call("expire", KEYS[1], ARGV[2]) return 1 end
return 0"""

#: Compare and renew, compare and delete; the latter is Laravel's own.
_RENEW = """
if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("expire", KEYS[1], ARGV[2]) end
return 0"""
_RELEASE = """
if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end
return 0"""

_INCREMENT = """
local count = redis.call("incr", KEYS[1])
if count == 1 then redis.call("expire", KEYS[1], ARGV[1]) end
return count"""


class RedisCache:
    """The app's cache where Laravel's store is `redis`: an `AppCache`.

    Laravel keeps numbers in Redis as they are: here they are `i:N;` as in the other stores. Threads may share it: each
    call has a connection of the driver's pool for a moment.
    """

    transactional = None

    def __init__(self, place: RedisPlace, prefix: str) -> None:
        """Connect with the first use; `prefix` is that of the connection and that of the cache."""
        self._name = str(place)
        self._user = f"the user {place.username or 'default'}"
        self._prefix = prefix
        self._values = _client(place, place.value_database)
        self._locks = _client(place, place.lock_database)
        self._recycled_at = time.monotonic()

    def get(self, key: str) -> bytes | None:
        with self._translated("GET", key):
            value: bytes | None = self._values.get(self._prefix + key)
        return b"i:%b;" % value if value is not None and re.fullmatch(b"-?[0-9]+", value) else value

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        """Set the value for so long where there is none; False where there is one, also one that was ours a moment ago.

        Sent again after a lost answer, it finds our own.
        """
        with self._translated("SET", key):
            return bool(self._values.set(self._prefix + key, _number_or(value), ex=seconds, nx=True))

    def put(self, key: str, value: bytes, seconds: int) -> None:
        with self._translated("SET", key):
            self._values.set(self._prefix + key, _number_or(value), ex=seconds)

    def forget(self, key: str) -> None:
        with self._translated("DEL", key):
            self._values.delete(self._prefix + key)

    def forget_this(self, key: str, value: bytes) -> None:
        self._run(self._values, _RELEASE, key, _number_or(value))

    def increment(self, key: str, seconds: int) -> int:
        return int(self._run(self._values, _INCREMENT, key, seconds))

    def acquire(self, key: str, owner: str, seconds: int) -> bool:
        return bool(self._run(self._locks, _ACQUIRE, key, owner, seconds))

    def renew(self, key: str, owner: str, seconds: int) -> bool:
        return bool(self._run(self._locks, _RENEW, key, owner, seconds))

    def release(self, key: str, owner: str) -> bool:
        return bool(self._run(self._locks, _RELEASE, key, owner))

    def owner_of(self, key: str) -> str | None:
        with self._translated("GET", key):
            owner: bytes | None = self._locks.get(self._prefix + key)
        return None if owner is None else owner.decode(errors="replace")

    def forget_lock(self, key: str) -> None:
        with self._translated("DEL", key):
            self._locks.delete(self._prefix + key)

    def prefixes_in_use(self, lock: str, value: str) -> set[str] | None:
        """What stands before such locks and such values; of a very large database a part is looked at.

        None where the server does not let us list its keys.
        """
        with self._translated("SCAN", value):
            try:
                return _prefixes(self._locks, lock) | _prefixes(self._values, value)
            except redis.ResponseError as error:
                _log.debug("Redis at %s says to SCAN: %s", self._name, error)
                return None

    def try_values(self, key: str) -> None:
        """Do once with a value what jobs do with theirs."""
        self.forget(key)
        self.increment(key, _TRIED_SECONDS)
        self.put(key, b"i:2;", _TRIED_SECONDS)
        self.get(key)
        self.forget_this(key, b"i:2;")
        self.add(key, b"i:2;", _TRIED_SECONDS)
        self.forget(key)

    def try_locks(self, key: str, owner: str) -> None:
        """Do once with a lock what jobs do with theirs."""
        self.acquire(key, owner, _TRIED_SECONDS)
        self.renew(key, owner, _TRIED_SECONDS)
        self.owner_of(key)
        self.release(key, owner)

    def drop_idle(self) -> None:
        for client in (self._values, self._locks):
            client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        self._values.close()
        self._locks.close()

    def _run(self, client: Any, script: str, key: str, *arguments: Any) -> Any:
        with self._translated("EVAL", key, script):
            return client.eval(script, 1, self._prefix + key, *arguments)

    @contextmanager
    def _translated(self, command: str, key: str, script: str = "") -> Iterator[None]:
        if time.monotonic() - self._recycled_at > _RECYCLE_SECONDS:
            self._recycled_at = time.monotonic()
            self.drop_idle()
        try:
            yield
        except _DRIVER_ERRORS as error:
            said = f"Redis at {self._name} says: {error}"
            if _is_forbidden(error):
                commands = dict.fromkeys([command.lower(), *re.findall(r'redis\.call\("(\w+)"', script)])
                wanted = " ".join([*(f"+{name}" for name in commands), f"~{self._prefix}{key}"])
                raise CacheUnavailable(
                    f"the app's cache does not let {self._user} use {command} on the key {self._prefix}{key}: {said}; "
                    f"needed in that user's ACL: {wanted}"
                ) from error
            raise CacheUnavailable(f"the app's cache is away: {said}") from error


def _number_or(value: bytes) -> bytes:
    """A value as Laravel keeps it there: a number as it is."""
    number = re.fullmatch(b"i:(-?[0-9]+);", value)
    return number[1] if number else value


def _is_forbidden(error: Exception) -> bool:
    """Whether an ACL refused it, also within a script, in the words of each version of Redis."""
    text = str(error)
    inside = "script" in text and ("ACL failure" in text or "can't run this command" in text or "can't access" in text)
    return inside or isinstance(error, redis.exceptions.NoPermissionError)


def _prefixes(client: Any, key: str) -> set[str]:
    found: set[bytes] = set()
    cursor, looks = 0, 0
    while looks == 0 or (cursor != 0 and looks < _LOOKS):
        cursor, names = client.scan(cursor, match=f"*{key}*", count=_SCANNED)
        found.update(names)
        looks += 1
    return {name.decode(errors="replace").partition(key)[0] for name in found}


def _client(place: RedisPlace, database: int) -> Any:
    tcp = {
        "host": place.host,
        "port": place.port,
        "socket_keepalive": True,
        "socket_keepalive_options": keepalive.WATCHED,
    }
    where = {"unix_socket_path": place.host} if place.host.startswith("/") else tcp
    return redis.Redis(
        **where,
        db=database,
        username=place.username,
        password=place.password.get_secret_value() if place.password else None,
        ssl=place.tls,
        **(_trust(place) if place.tls else {}),
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        # What PHP's clients speak: whatever stands between the app and its Redis lets it through.
        protocol=2,
        # Once more, on a new connection: the server may have closed an idle one.
        retry=Retry(NoBackoff(), 1),
    )


def _trust(place: RedisPlace) -> dict[str, Any]:
    # Python 3.13 asks more of an authority than OpenSSL and PHP do: what they accept, we accept.
    trust: dict[str, Any] = {"ssl_exclude_verify_flags": [ssl.VERIFY_X509_STRICT]}
    return trust | ({"ssl_ca_certs": str(place.ca_file)} if place.ca_file else {})
