"""The app's database as Laravel's DB_* variables name it, as the URL that we open."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from faces.errors import SettingsError
from faces.laravel.environment import LaravelEnvironment
from faces.laravel.url import php_empty, php_text

_log = logging.getLogger(__name__)

_MARKS = ("DB_CONNECTION", "DB_HOST", "DB_DATABASE", "DB_URL", "DATABASE_URL", "DB_SOCKET")
_URLS = ("DB_URL", "DATABASE_URL")

#: The variable behind each option, and what the app's configuration has without it.
_VARIABLES = {
    **{"host": ("DB_HOST", "127.0.0.1"), "port": ("DB_PORT", "3306"), "unix_socket": ("DB_SOCKET", "")},
    **{"charset": ("DB_CHARSET", "utf8mb4"), "collation": ("DB_COLLATION", "utf8mb4_unicode_ci")},
    **{"database": ("DB_DATABASE", ""), "username": ("DB_USERNAME", ""), "password": ("DB_PASSWORD", "")},
}

#: Options of a URL that we do as Laravel does.
_DONE = {*_VARIABLES, "driver", "timezone", "strict", "modes"}
#: Those that would change where or what is written and are not done: other tables, servers or files.
_REFUSED = ("prefix", "options", "read", "write")

#: What our text can be sent in: all others change the letters, or cannot hold them.
_CHARSETS = {"utf8mb4", "utf8mb3", "utf8"}
#: Laravel's sessions without `strict`.
_WEAK = "NO_ENGINE_SUBSTITUTION"

_ZONE = re.compile(r"[A-Za-z0-9_+:/-]+")

#: Where systems have PHP's ini files, by shell patterns under `/`.
_INI_FILES = ("etc/php/*/*/php.ini", "etc/php/*/*/conf.d/*.ini", "etc/php.ini", "usr/local/etc/php/**/*.ini")
_DEFAULT_SOCKET = re.compile(r"^\s*pdo_mysql\.default_socket\s*=\s*[\"']?([^\"';\s]+)", re.MULTILINE)

#: Sockets of Debian and Red Hat, and those of a server built by hand.
_USUAL_SOCKETS = (
    *("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock"),
    *("/tmp/mysql.sock", "/var/lib/mysql/mysql.sock"),  # noqa: S108
)


def database_url(env: LaravelEnvironment, sockets: Sequence[Path] | None = None) -> str | None:
    """A URL of MySQL or SQLite; None where no DB_* variable says anything.

    `sockets` are where a MySQL server on this machine may have its socket; without them the places that PHP knows.

    Raises:
        SettingsError: another kind of database, or something that is missing or wrong.
    """
    if not env.filled(*_MARKS):
        return None
    given = env.options_of_url(*_URLS)
    kind = _text("driver", given) or env.filled("DB_CONNECTION") or "mysql"
    if kind not in {"mysql", "mariadb", "mysql2", "sqlite"}:
        raise SettingsError(
            f"DB_CONNECTION: found {kind!r}, needed mysql, mariadb or sqlite; or FACE_DATABASE_URL beside it"
        )
    _check_options(given)
    if kind == "sqlite":
        return f"sqlite:///{_sqlite_file(env, given)}"
    return _mysql_url(env, given, server_sockets() if sockets is None else sockets)


def server_sockets(root: Path = Path("/")) -> tuple[Path, ...]:
    """Where a MySQL server of this machine has its socket, in the order in which `pdo_mysql` would look for it.

    What PHP is set to comes first, then the usual places.
    """
    return tuple(dict.fromkeys([*_sockets_of_php(root), *map(Path, _USUAL_SOCKETS)]))


def in_time_zone(url: str, zone: str | None) -> str:
    """The URL with the session's time zone, where it is of MySQL and names none itself; None changes nothing.

    Raises:
        SettingsError: no name of a zone.
    """
    if not zone or not url.startswith(("mysql", "mariadb")) or re.search(r"[?&]time_zone=", url):
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'time_zone': _zone('FACE_DATABASE_TIMEZONE', zone)})}"


def _mysql_url(env: LaravelEnvironment, given: Mapping[str, Any], sockets: Sequence[Path]) -> str:
    found = {name: _value(env, given, name) for name in _VARIABLES}
    for name in ("database", "username"):
        if not found[name]:
            raise SettingsError(f"{_VARIABLES[name][0]}: found nothing, needed beside the other DB_* variables")
    if re.search(r"[?\0]", found["database"]):
        raise SettingsError(f"DB_DATABASE: found {found['database']!r}, needed a name without a question mark")
    host, port = _host_and_port(found["host"], found["port"])
    # MySQL's clients, PHP's too, take a server's socket for this name and for none, whatever DB_PORT is.
    local = found["host"].lower() in {"", "localhost"}
    options = {
        "unix_socket": "" if php_empty(found["unix_socket"]) else found["unix_socket"],
        "sockets": ":".join(map(str, sockets)) if local and php_empty(found["unix_socket"]) else "",
        "ssl_ca": _authority(env),
        **_charset(env, given, found),
        **_session(given),
    }
    query = urlencode({name: value for name, value in options.items() if value})
    password = f":{quote(found['password'], safe='')}" if found["password"] else ""
    login = quote(found["username"], safe="") + password
    address = f"[{host}]" if ":" in host else quote(host or "localhost")
    place = f"{address}:{port}/{found['database']}"
    return f"mysql+pymysql://{login}@{place}{'?' if query else ''}{query}"


def _value(env: LaravelEnvironment, given: Mapping[str, Any], name: str) -> str:
    return _text(name, given) if name in given else env.text_or(*_VARIABLES[name])


def _text(name: str, given: Mapping[str, Any]) -> str:
    try:
        return php_text(given.get(name))
    except TypeError as error:
        raise SettingsError(f"DB_URL: the option {name}: {error}") from None


def _host_and_port(host: str, port: str) -> tuple[str, int]:
    """The host without brackets, and its own port where it brings one: PHP takes that before DB_PORT."""
    together = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*))(?::([0-9]{1,5}))?", host)
    # As C reads numbers: what follows the digits is nothing, and so is an empty text.
    number = re.match(r"\s*\+?([0-9]{1,5})(?![0-9])|\s*$", port)
    if not number:
        raise SettingsError(f"DB_PORT: found {port!r}, needed a number")
    found = (together[3] if together else None) or number[1] or "0"
    return (together[1] or together[2]) if together else host, int(found) or 3306


def _authority(env: LaravelEnvironment) -> str | None:
    file = env.filled("MYSQL_ATTR_SSL_CA")
    if file and not Path(file).is_file():
        raise SettingsError(f"MYSQL_ATTR_SSL_CA: found no file {file}")
    return file


def _charset(env: LaravelEnvironment, given: Mapping[str, Any], found: Mapping[str, str]) -> dict[str, str]:
    """`SET NAMES … COLLATE …`, where the app has other than Laravel's own."""
    names = ("charset", "collation")
    if not any(name in given or _VARIABLES[name][0] in env.variables for name in names):
        return {}
    if found["charset"] not in _CHARSETS:
        where = "DB_URL, option charset" if "charset" in given else "DB_CHARSET"
        raise SettingsError(f"{where}: found {found['charset']!r}, needed utf8mb4 (or utf8), the letters of the rows")
    return {name: found[name] for name in names}


def _session(given: Mapping[str, Any]) -> dict[str, str]:
    """The time zone and `sql_mode` that a URL asks for."""
    session = {}
    if given.get("timezone") is not None:
        session["time_zone"] = _zone("DB_URL, option timezone", _text("timezone", given))
    modes, strict = given.get("modes"), given.get("strict")
    if modes is not None and not isinstance(modes, list):
        raise SettingsError("DB_URL: found the option modes without [], needed modes[]=…, a list")
    if modes is not None:
        session["sql_mode"] = ",".join(map(php_text, modes))
    elif strict is not None and php_empty(strict):
        session["sql_mode"] = _WEAK
    return session


def _zone(where: str, zone: str) -> str:
    if not _ZONE.fullmatch(zone):
        raise SettingsError(f"{where}: found {zone!r}, needed a time zone as MySQL names it: +03:00 or Europe/Berlin")
    return zone


def _check_options(given: Mapping[str, Any]) -> None:
    for name in _REFUSED:
        if not php_empty(given.get(name)):
            raise SettingsError(f"DB_URL: found the option {name}, which this program does not do; needed none")
    others = sorted(given.keys() - _DONE - {*_REFUSED})
    if others:
        _tell_once(", ".join(others))


@functools.cache
def _tell_once(options: str) -> None:
    """Log it once, and not again each time that the same settings are read."""
    _log.warning("DB_URL: the options %s change nothing here", options)


def _sqlite_file(env: LaravelEnvironment, given: Mapping[str, Any]) -> Path:
    named = _text("database", given) or env.filled("DB_DATABASE")
    file = Path(named) if named else (env.file.parent / "database/database.sqlite" if env.file else None)
    if file is None or not file.is_absolute():
        raise SettingsError(f"DB_DATABASE: found {named!r}, needed the absolute path of the SQLite file")
    return file


def _sockets_of_php(root: Path) -> Iterable[Path]:
    for pattern in _INI_FILES:
        for file in sorted(root.glob(pattern)):
            try:
                text = file.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            yield from (Path(name) for name in _DEFAULT_SOCKET.findall(text) if name.startswith("/"))
