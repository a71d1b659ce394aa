"""MySQL and MariaDB: what a URL asks of PyMySQL, and a connection that notices within seconds that it is dead."""

from __future__ import annotations

import inspect
import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import sqlalchemy as sa
from pymysql import connections, err
from pymysql.constants import CR

from faces.errors import SettingsError
from faces.system import keepalive

#: Seconds to reach a server, for each of its answers in the handshake, and for the answer to a ping. So one that a
#: firewall dropped, and whose server is not reached anew, costs less than 10 s; statements may take far longer.
CONNECT_SECONDS = 3
_GREETING_SECONDS = 4
_PING_SECONDS = 3

#: Seconds after its last answer for which a connection is used without a ping: no firewall drops one so soon, and
#: one that the server closed shows that by itself.
FRESH_SECONDS = 1.0

#: Where the server repeats what was to be written: a duplicate key, a wrong value, a statement that it does not read.
_CONTENTS = re.compile(
    r"(?<=entry ').*(?=' for key )|(?<=value: ').*(?=' for (?:column|function) |'$)|(?<=near ').*(?=' at line )",
    re.DOTALL,
)

#: Options of ours besides the driver's: sockets that may be there, separated by colons, and the session's time zone.
_SOCKETS, _ZONE = "sockets", "time_zone"
#: What SQLAlchemy makes of the driver's `ssl`.
_TLS = {"ssl_ca", "ssl_key", "ssl_cert", "ssl_capath", "ssl_cipher", "ssl_check_hostname"}

#: Too long is an error and never cut, as in Laravel's sessions, also where the server is not strict by itself.
_STRICT = "CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')"


class MySQLConnection(connections.Connection):
    """PyMySQL's connection, made by the pool of `faces.store.connect`, for one thread at a time.

    A dead one is noticed in seconds; whatever fails leaves it as an error of PyMySQL's, without contents of rows.
    """

    _sock: socket.socket | None
    _read_timeout: float | None
    _force_close: Callable[[], None]
    _answered_at = float("-inf")

    def connect(self, sock: socket.socket | None = None) -> None:
        """Connect and log in."""
        with self.answers_within(_GREETING_SECONDS), self._guarded():
            super().connect(sock)
            if self._sock:
                keepalive.watch(self._sock)

    def ping(self, reconnect: bool | None = False) -> None:
        """See that the server is there, and soon: a connection that does not answer is replaced.

        One that answered a moment ago, and on which nothing came since, is not asked: a server sends
        something unasked only when it closes the connection.
        """
        if self._is_fresh():
            return
        with self.answers_within(_PING_SECONDS), self._guarded():
            super().ping()

    def query(self, sql: str | bytes, unbuffered: bool = False) -> int:
        """Run a statement."""
        try:
            encoded = sql.encode(self.encoding) if isinstance(sql, str) else sql
        except UnicodeEncodeError as error:
            raise err.DataError(f"a text has something in it that is no text: {error.reason}") from None
        with self._guarded():
            return super().query(encoded, unbuffered)

    def commit(self) -> None:
        """Commit."""
        with self._guarded():
            super().commit()

    def rollback(self) -> None:
        """Roll back."""
        with self._guarded():
            super().rollback()

    def autocommit(self, value: Any) -> None:
        """Whether each statement commits itself."""
        with self._guarded():
            super().autocommit(value)

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        """TLS by PyMySQL's options; where there are none, with whatever server offers it, and nobody is verified.

        For that PyMySQL reads the certificates of all authorities, too: 20 ms of CPU for each connection.
        """
        context: ssl.SSLContext
        if sslp:
            context = super()._create_ssl_ctx(sslp)  # type: ignore[misc]  # its types leave it out
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _is_fresh(self) -> bool:
        if self._sock is None or time.monotonic() - self._answered_at >= FRESH_SECONDS:
            return False
        unasked = select.poll()
        unasked.register(self._sock, select.POLLIN)
        return not unasked.poll(0)

    @contextmanager
    def answers_within(self, seconds: float) -> Iterator[None]:
        """Within the block, wait so long for an answer; statements have a longer limit."""
        usual, self._read_timeout = self._read_timeout, seconds
        try:
            yield
        finally:
            self._read_timeout = usual

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Only PyMySQL's errors leave, without the contents of rows; on a dead socket it raises whatever comes."""
        try:
            yield
            self._answered_at = time.monotonic()
        except err.Error as error:
            error.args = tuple(_CONTENTS.sub("…", part) if isinstance(part, str) else part for part in error.args)
            raise
        except Exception as error:
            # Half an answer, or a socket that was closed meanwhile, ends PyMySQL's reader anywhere.
            self._force_close()
            text = f"Lost connection to the server in the middle of its answer ({type(error).__name__})"
            raise err.OperationalError(CR.CR_SERVER_LOST, text) from error


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
