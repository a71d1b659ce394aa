"""The app's Redis as Laravel's REDIS_* variables name it."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from faces.errors import SettingsError
from faces.laravel.environment import LaravelEnvironment
from faces.laravel.url import php_empty, php_text

_log = logging.getLogger(__name__)

#: Laravel's connections, their variables and defaults.
_DATABASES = (("default", "REDIS_DB", 0), ("cache", "REDIS_CACHE_DB", 1))

#: Clients of Laravel's; they write the same keys.
_CLIENTS = {"phpredis", "predis", "relay"}

#: PHP's transports, and whether they encrypt.
_TRANSPORTS = {"tcp": False, "unix": False, "tls": True, "ssl": True}

#: Options of a URL that we do as Laravel does.
_DONE = {"driver", "scheme", "host", "port", "username", "password", "database"}
#: Those that would change which keys there are, what is in them, or which certificates count. Versions of Laravel
#: differ about `prefix`.
_REFUSED = {
    "prefix": "needed REDIS_PREFIX instead",
    "context": "needed FACE_REDIS_CA_FILE instead",
    **dict.fromkeys(
        ("serializer", "compression", "options", "cluster", "parameters"), "which this program does not do"
    ),
}


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """One server with two of its databases, Laravel's connections `default` and `cache`; `RedisCache` opens it."""

    host: str
    """A host, or the absolute path of a socket."""
    port: int
    username: str | None
    password: SecretStr | None
    tls: bool
    lock_database: int
    value_database: int
    ca_file: Path | None = None
    """With TLS: who signed the server's certificate, where the system does not know them."""

    def __str__(self) -> str:
        return self.host if self.host.startswith("/") else f"{self.host}:{self.port}"


def redis_place(env: LaravelEnvironment, ca_file: str | None = None) -> RedisPlace:
    """Where the cache's locks and values are; `ca_file` is FACE_REDIS_CA_FILE.

    Raises:
        SettingsError: something is wrong; the sentence names the variable.
    """
    _check_client(env)
    given = env.options_of_url("REDIS_URL")
    _check_options(given)
    scheme, host = _scheme_and_host(env, given)
    is_file = host.startswith("/")
    username, password = _login(env, given)
    databases = {name: _database(env, given, variable, default) for name, variable, default in _DATABASES}
    return RedisPlace(
        host=host,
        port=_port(env, given, is_file=is_file),
        username=username,
        password=SecretStr(password) if password else None,
        tls=_TRANSPORTS[scheme],
        lock_database=databases[_connection(env, "REDIS_CACHE_LOCK_CONNECTION", "default")],
        value_database=databases[_connection(env, "REDIS_CACHE_CONNECTION", "cache")],
        ca_file=_authority(ca_file, tls=_TRANSPORTS[scheme]),
    )


def _check_client(env: LaravelEnvironment) -> None:
    client = env.text_or("REDIS_CLIENT", "phpredis")
    if client not in _CLIENTS:
        raise SettingsError(f"REDIS_CLIENT: found {client!r}, needed one of Laravel's: {', '.join(sorted(_CLIENTS))}")


def _check_options(given: Mapping[str, Any]) -> None:
    for name, needed in _REFUSED.items():
        if not php_empty(given.get(name)):
            raise SettingsError(f"REDIS_URL: found the option {name}, {needed}")
    others = sorted(given.keys() - _DONE - _REFUSED.keys())
    if others:
        _tell_once(", ".join(others))


@functools.cache
def _tell_once(options: str) -> None:
    """Log it once, and not again each time that the same settings are read."""
    _log.warning("REDIS_URL: the options %s change nothing here", options)


def _scheme_and_host(env: LaravelEnvironment, given: Mapping[str, Any]) -> tuple[str, str]:
    """The transport before `host`, or before the host itself, as PHP's clients put them together."""
    host = _text("host", given) if "host" in given else env.text_or("REDIS_HOST", "127.0.0.1")
    named = _text("driver", given).lower()
    if named not in {"tcp", "tls"}:
        # Of other kinds of URL Laravel takes no more than what follows.
        named = _text("scheme", given) or env.filled("REDIS_SCHEME") or "tcp"
    own, separator, rest = host.partition("://")
    scheme = own if separator else named
    if scheme not in _TRANSPORTS:
        raise SettingsError(f"REDIS_HOST: found {scheme}://…, needed a host, tls://host or the path of a socket")
    host = rest if separator else host
    if not host:
        raise SettingsError("REDIS_HOST: found nothing, needed a host or the path of a socket; or no such line at all")
    return scheme, host.removeprefix("[").removesuffix("]")


def _port(env: LaravelEnvironment, given: Mapping[str, Any], *, is_file: bool) -> int:
    port = _text("port", given) if "port" in given else env.text_or("REDIS_PORT", "6379")
    # PHP wants none, or -1, beside a socket.
    if is_file and port in {"", "0", "-1"}:
        return 0
    if not re.fullmatch("[0-9]{1,5}", port.strip(" ")) or not 0 < int(port) < 65536:
        raise SettingsError(f"REDIS_PORT: found {port!r}, needed 1 to 65535")
    return int(port)


def _login(env: LaravelEnvironment, given: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Both, or the password alone: without one PHP does not log in, and a number in a URL is sent alone, too."""
    password = given.get("password", env.text("REDIS_PASSWORD"))
    if php_empty(password):
        return None, None
    username = _text("username", given) if "username" in given else env.text("REDIS_USERNAME")
    return (username or None) if isinstance(password, str) else None, php_text(password)


def _connection(env: LaravelEnvironment, variable: str, default: str) -> str:
    name = env.filled(variable) or default
    if name not in {known for known, _, _ in _DATABASES}:
        raise SettingsError(f"{variable}: found {name!r}, needed default or cache, Laravel's two connections")
    return name


def _database(env: LaravelEnvironment, given: Mapping[str, Any], variable: str, default: int) -> int:
    """A database in the URL is both connections'; an empty variable is 0 in PHP."""
    if "database" not in given:
        return env.number(variable, 0 if variable in env.variables else default)
    found = _text("database", given)
    if not re.fullmatch("[0-9]{1,9}", found):
        raise SettingsError(f"REDIS_URL: found the database {found!r}, needed a number")
    return int(found)


def _text(name: str, given: Mapping[str, Any]) -> str:
    try:
        return php_text(given.get(name))
    except TypeError as error:
        raise SettingsError(f"REDIS_URL: the option {name}: {error}") from None


def _authority(name: str | None, *, tls: bool) -> Path | None:
    if not name:
        return None
    if not tls:
        raise SettingsError("FACE_REDIS_CA_FILE: found a file, but Redis without TLS: needed tls://host in REDIS_HOST")
    if not Path(name).is_file():
        raise SettingsError(f"FACE_REDIS_CA_FILE: found no file {name}")
    return Path(name)
