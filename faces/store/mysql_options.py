"""What a MySQL URL's options, and the rules of the house, make of the driver's arguments."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pymysql
import sqlalchemy as sa

from faces.errors import SettingsError

#: Options of ours beside the driver's: sockets that may be there, separated by colons, and the session's time zone.
_SOCKETS, _ZONE = "sockets", "time_zone"
#: What SQLAlchemy makes of the driver's `ssl`.
_TLS = {"ssl_ca", "ssl_key", "ssl_cert", "ssl_capath", "ssl_cipher", "ssl_check_hostname"}

#: Too long is an error and never cut, as in Laravel's sessions, also where the server is not strict by itself.
_STRICT = "CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')"


def driver_url(url: sa.URL) -> sa.URL:
    """The URL with what the driver takes of its options.

    Raises:
        SettingsError: an option that it does not know.
    """
    known = _TLS | set(inspect.signature(pymysql.connect).parameters) - {"passwd", "db", "conv", "cursorclass", "ssl"}
    unknown = sorted(url.query.keys() - known - {_SOCKETS, _ZONE})
    if unknown:
        raise SettingsError(f"FACE_DATABASE_URL: found the options {', '.join(unknown)}, needed PyMySQL's")
    if _ZONE in url.query and "init_command" in url.query:
        raise SettingsError("FACE_DATABASE_TIMEZONE: found an init_command in the database URL, needed one of them")
    ours = url.difference_update_query((_SOCKETS, _ZONE, "sql_mode"))
    return ours if "charset" in ours.query else ours.update_query_dict({"charset": "utf8mb4"})


def driver_arguments(url: sa.URL) -> dict[str, Any]:
    """What cannot be said in the URL: a password's bytes, and the session's variables in one statement."""
    arguments: dict[str, Any] = {}
    if url.password:
        # The driver itself would take it for Latin 1; MySQL's own clients send what they were given.
        arguments["password"] = url.password.encode()
    if "init_command" not in url.query:
        modes = url.query.get("sql_mode")
        variables = [f"SESSION sql_mode = {_quoted(modes) if modes is not None else _STRICT}"]
        variables += [f"time_zone = {_quoted(url.query[_ZONE])}"] if _ZONE in url.query else []
        arguments["init_command"] = f"SET {', '.join(variables)}"
    return arguments


def sockets_of(url: sa.URL) -> tuple[Path, ...]:
    """Where the server's socket may be; the first that is there at a connect is taken, else the host."""
    named = url.query.get(_SOCKETS, "")
    return tuple(Path(name) for name in named.split(":") if name) if isinstance(named, str) else ()


def take_sockets(engine: sa.Engine, sockets: tuple[Path, ...]) -> None:
    """Have each new connection of the engine look for them: a server that starts after us makes its socket then."""

    def choose(_dialect: Any, _record: Any, _arguments: Any, named: dict[str, Any]) -> None:
        found = next((socket for socket in sockets if socket.is_socket()), None)
        if found:
            named["unix_socket"] = str(found)

    if sockets:
        sa.event.listen(engine, "do_connect", choose)


def _quoted(value: str | tuple[str, ...]) -> str:
    text = value if isinstance(value, str) else value[-1]
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
