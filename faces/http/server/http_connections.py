"""HTTP connections of one process: as many as its open files allow; at the limit the longest idle ones are closed."""

from __future__ import annotations

import asyncio
import errno
import heapq
import logging
import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol

_log = logging.getLogger(__name__)

#: Connections accepted in one turn of the loop, so that requests of the others need not wait long.
_AT_ONCE = 16

#: This part of all connections is closed at a time: finding the longest idle ones means looking at all.
_CLOSED_PART = 16

#: Seconds without a byte after which a connection may be closed for another one. New clients send their request sooner.
_IDLE_BEFORE_REQUEST = 0.1

#: The same in the middle of a request.
_IDLE_IN_REQUEST = 1.0

#: Seconds until the next try, where no connection is idle.
_PAUSE = 0.05

#: Seconds between two log lines.
_LOG_PAUSE = 60.0

#: Errors of `accept` when this process, or the machine, has no room for a connection.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

#: The limit of open files where there is none; more connections than that would find no memory.
_UNLIMITED = 1_000_000

#: The part of the open files that is for connections; uploads, photos in hand and the engine need the rest.
_FILES_FOR_CONNECTIONS = 3 / 4

#: Connections at least, however few files may be open.
_FEWEST_CONNECTIONS = 8


def raise_limit_of_open_files() -> None:
    """Raise the soft limit to the hard one, which needs no right. Called in the master: forked processes inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # "unlimited" is more than some kernels take for files
        return


def most_connections() -> int:
    """How many connections this process may have at a time, besides what it has open already."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _UNLIMITED if soft == resource.RLIM_INFINITY else soft
    open_now = len(list(Path("/proc/self/fd").iterdir()))
    return max(_FEWEST_CONNECTIONS, int((most - open_now) * _FILES_FOR_CONNECTIONS))


class HttpConnection(ASGIProtocol):  # type: ignore[misc]  # gunicorn has no types
    """One connection, gunicorn's, which also knows how long it is idle. For the event loop only."""

    def __init__(self, worker: Any, connections: HttpConnections) -> None:
        super().__init__(worker)
        self._connections = connections
        self._idle_since = time.monotonic()

    def data_received(self, data: bytes) -> None:
        self._idle_since = time.monotonic()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._connections.forget(self)

    @property
    def has_request(self) -> bool:
        """True while a request is served, also one that is not complete yet."""
        return self._current_request is not None

    @property
    def idleness(self) -> tuple[bool, float]:
        """Sorts the longest idle connections first: those without a request, then those silent in the middle of one."""
        return self.has_request, self._idle_since

    def is_idle(self) -> bool:
        """True when it waits for its client, which has sent nothing for a while."""
        silent = time.monotonic() - self._idle_since
        if not self.has_request:
            return silent > _IDLE_BEFORE_REQUEST
        body = self._body_receiver
        waits = body is not None and not body._complete and not self._reading_paused
        return waits and silent > _IDLE_IN_REQUEST

    def close(self) -> None:
        """Close it, after the answer has been sent."""
        self._close_transport()

    def drop(self) -> None:
        """Close it now."""
        # As if its keep-alive time had run out: its task then ends at once.
        self._keepalive_timeout()
        self.transport.abort()

    def _arm_keepalive_timer(self) -> None:
        self._idle_since = time.monotonic()
        super()._arm_keepalive_timer()


class HttpConnections:
    """All connections of this process, which gunicorn's worker and the listeners share. For the event loop only."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: set[HttpConnection] = set()
        self._logged_at = float("-inf")

    def __iter__(self) -> Any:
        return iter(list(self._all))

    def add(self, connection: HttpConnection) -> None:
        self._all.add(connection)

    def forget(self, connection: HttpConnection) -> None:
        self._all.discard(connection)

    @property
    def are_full(self) -> bool:
        """True when one must end before another may be accepted."""
        return len(self._all) >= self._most

    def make_room(self, reason: str) -> bool:
        """Close the longest idle ones; their files are free in the loop's next turn. False when none is idle."""
        idle = [one for one in self._all if one.transport is not None and one.is_idle()]
        for connection in heapq.nsmallest(len(self._all) // _CLOSED_PART + 1, idle, key=lambda one: one.idleness):
            connection.drop()
        self._warn(reason)
        return bool(idle)

    def _warn(self, reason: str) -> None:
        if time.monotonic() - self._logged_at > _LOG_PAUSE:
            self._logged_at = time.monotonic()
            _log.warning(
                "%s: the longest idle ones are closed to make room; needed a higher hard limit of open files "
                "(LimitNOFILE, ulimit -Hn)",
                reason,
            )


class Listener:
    """A listening socket that accepts no more connections than there may be. For the event loop only.

    Gunicorn gets it in place of asyncio's server, which accepts until no file is left and then logs every try.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: socket.socket,
        connections: HttpConnections,
        new: Callable[[], Any],
    ) -> None:
        """Accept from now on; `new` makes a connection."""
        self._loop, self._socket, self._connections, self._new = loop, listening, connections, new
        self._accepting: set[asyncio.Task[Any]] = set()
        listening.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Accept no more connections. Doing it twice does nothing."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    async def wait_closed(self) -> None:
        """`close` is done at once."""

    def _resume(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if self._connections.are_full:
                self._make_room("as many connections are open as this process's open files allow")
                return
            try:
                accepted, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # another process accepted it, or the client disconnected
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._make_room(f"no further connection can be accepted ({error.strerror})")
                return
            self._connect(accepted)

    def _make_room(self, reason: str) -> None:
        """Accept again in the loop's next turn or, when no connection is idle, a little later."""
        if not self._connections.make_room(reason):
            self._loop.remove_reader(self._socket)
            self._loop.call_later(_PAUSE, self._resume)

    def _connect(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        connection = self._new()
        self._connections.add(connection)
        task = self._loop.create_task(self._loop.connect_accepted_socket(lambda: connection, accepted))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)
