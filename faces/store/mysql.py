"""A connection to MySQL or MariaDB: PyMySQL's, but a dead one is noticed in seconds, and all errors are PyMySQL's."""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pymysql import connections, err
from pymysql.constants import CR

from faces.system import keepalive

#: Seconds to reach a server, for each of its answers while it greets us, and for the answer to a ping. One that was
#: forgotten on the way, and whose server is not reached anew, so costs less than 10 s; statements may take far longer.
CONNECT_SECONDS = 3
_GREETING_SECONDS = 4
_PING_SECONDS = 3

#: Seconds after its last answer for which a connection is taken for alive unasked: nothing on the way forgets one so
#: soon, and one that the server closed tells us so by itself.
FRESH_SECONDS = 1.0

#: Where the server repeats what was to be written: a duplicate key, a wrong value, a statement that it does not read.
_CONTENTS = re.compile(
    r"(?<=entry ').*(?=' for key )|(?<=value: ').*(?=' for (?:column|function) |'$)|(?<=near ').*(?=' at line )",
    re.DOTALL,
)


class Connection(connections.Connection):
    """For one thread at a time, as PyMySQL's."""

    _sock: socket.socket | None
    _read_timeout: float | None
    _force_close: Callable[[], None]
    _answered_at = float("-inf")

    def connect(self, sock: socket.socket | None = None) -> None:
        """Connect and log in."""
        with self._answers_within(_GREETING_SECONDS), self._guarded():
            super().connect(sock)
            if self._sock:
                keepalive.watch(self._sock)

    def ping(self, reconnect: bool | None = False) -> None:
        """See that the server is there, and soon: a connection that does not answer is replaced.

        One that answered a moment ago, and on which nothing came since, is not asked: what a server sends unasked is
        its farewell.
        """
        if self._is_fresh():
            return
        with self._answers_within(_PING_SECONDS), self._guarded():
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

    def _is_fresh(self) -> bool:
        if self._sock is None or time.monotonic() - self._answered_at >= FRESH_SECONDS:
            return False
        unasked = select.poll()
        unasked.register(self._sock, select.POLLIN)
        return not unasked.poll(0)

    @contextmanager
    def _answers_within(self, seconds: float) -> Iterator[None]:
        """Another patience than that for statements."""
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
