"""The app's Redis as Laravel's REDIS_* variables name it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from faces.errors import SettingsError
from faces.laravel.environment import LaravelEnvironment

#: Laravel's connections, their variables and defaults.
_DATABASES = (("default", "REDIS_DB", 0), ("cache", "REDIS_CACHE_DB", 1))
_KINDS = {"redis": False, "tcp": False, "rediss": True, "tls": True}


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """One server with two of its databases: Laravel's connections `default` and `cache`."""

    host: str
    """A host, or the absolute path of a socket."""
    port: int
    username: str | None
    password: SecretStr | None
    tls: bool
    lock_database: int
    value_database: int

    def __str__(self) -> str:
        return self.host if self.host.startswith("/") else f"{self.host}:{self.port}"


def redis_place(env: LaravelEnvironment) -> RedisPlace:
    """Where the cache's locks and values are.

    Raises:
        SettingsError: something is wrong; the sentence names the variable.
    """
    given = _parts_of_url(env)
    host = given.get("host") or env.filled("REDIS_HOST") or "127.0.0.1"
    kind, separator, rest = host.partition("://")
    if separator and kind not in {*_KINDS, "unix"}:
        raise SettingsError(f"REDIS_HOST: found {kind}://…, needed a host, tls://host or the path of a socket")
    password = given.get("password") or env.filled("REDIS_PASSWORD")
    path_database = given.get("database")
    databases = {name: _database(env, variable, default, path_database) for name, variable, default in _DATABASES}
    return RedisPlace(
        host=rest if separator else host,
        port=int(given.get("port") or env.number("REDIS_PORT", 6379)),
        username=given.get("username") or env.filled("REDIS_USERNAME"),
        password=SecretStr(password) if password else None,
        tls=_KINDS.get(given.get("kind") or (kind if separator else env.filled("REDIS_SCHEME") or "tcp"), False),
        lock_database=databases[_connection(env, "REDIS_CACHE_LOCK_CONNECTION", "default")],
        value_database=databases[_connection(env, "REDIS_CACHE_CONNECTION", "cache")],
    )


def _connection(env: LaravelEnvironment, variable: str, default: str) -> str:
    name = env.filled(variable) or default
    if name not in {known for known, _, _ in _DATABASES}:
        raise SettingsError(f"{variable}: found {name!r}, needed default or cache, Laravel's two connections")
    return name


def _database(env: LaravelEnvironment, variable: str, default: int, of_url: str | None) -> int:
    if of_url is None:
        return env.number(variable, default)
    if not of_url.isdecimal():
        raise SettingsError(f"REDIS_URL: found the database {of_url!r}, needed a number")
    return int(of_url)


def _parts_of_url(env: LaravelEnvironment) -> dict[str, str]:
    """What Laravel takes from REDIS_URL before the single variables; a database there is both connections'."""
    parts = env.parts_of_url("REDIS_URL")
    if parts and (parts.get("kind") not in _KINDS or "host" not in parts):
        raise SettingsError(
            f"REDIS_URL: found {parts.get('kind', '')}://…, needed redis://host:port or tls://host:port"
        )
    return parts
