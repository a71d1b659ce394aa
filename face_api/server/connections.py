"""The connections of one process: as many as it has files for; at the limit the longest idle ones make room."""

from __future__ import annotations

import asyncio
import errno
import heapq
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol

_log = logging.getLogger(__name__)

#: Connections accepted in one turn of the loop: the requests of the others must not wait longer.
_AT_ONCE = 16

#: Of all connections, so many are closed at a time: looking for the longest idle ones means looking at all.
_PART = 16

#: Seconds without a byte after which a connection may be closed for another one: a new client has asked by then.
_NEW = 0.1

#: The same in the middle of a request.
_SILENT = 1.0

#: Seconds until the next try, where no connection could make room.
_PAUSE = 0.05

#: Seconds between two log lines.
_QUIET = 60.0

#: What `accept` says when this process, or the machine, has no room.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Connection(ASGIProtocol):  # type: ignore[misc]  # gunicorn has no types
    """One connection, which knows how long it is idle."""

    def __init__(self, worker: Any, connections: Connections) -> None:
        """It is there, and idle from now on."""
        super().__init__(worker)
        self._connections = connections
        self._idle_since = time.monotonic()

    def data_received(self, data: bytes) -> None:
        """The client says something."""
        self._idle_since = time.monotonic()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        super().connection_lost(exc)
        self._connections.forget(self)

    @property
    def has_request(self) -> bool:
        """True while a request is in hand, be it only half there."""
        return self._current_request is not None

    @property
    def idleness(self) -> tuple[bool, float]:
        """The smaller, the longer idle: those without a request, then those that are silent in the midst of one."""
        return self.has_request, self._idle_since

    def is_idle(self) -> bool:
        """True when it waits for its client, who says nothing."""
        silent = time.monotonic() - self._idle_since
        if not self.has_request:
            return silent > _NEW
        body = self._body_receiver
        waits = body is not None and not body._complete and not self._reading_paused
        return waits and silent > _SILENT

    def close(self) -> None:
        """Close it, after what was answered has gone out."""
        self._close_transport()

    def drop(self) -> None:
        """Close it now."""
        # As if the time for keeping it had run out: its task then ends at once.
        self._keepalive_timeout()
        self.transport.abort()

    def _arm_keepalive_timer(self) -> None:
        self._idle_since = time.monotonic()
        super()._arm_keepalive_timer()


class Connections:
    """All of them. For the event loop only."""

    def __init__(self, most: int) -> None:
        """At most so many at a time."""
        self._most = most
        self._all: set[Connection] = set()
        self._told_at = float("-inf")

    def __iter__(self) -> Any:
        return iter(list(self._all))

    def add(self, connection: Connection) -> None:
        """One more."""
        self._all.add(connection)

    def forget(self, connection: Connection) -> None:
        """One less."""
        self._all.discard(connection)

    @property
    def are_full(self) -> bool:
        """True when none may come before another has ended."""
        return len(self._all) >= self._most

    def make_room(self, reason: str) -> bool:
        """Close the longest idle ones; they have ended in the loop's next turn. False when none is idle."""
        idle = [one for one in self._all if one.transport is not None and one.is_idle()]
        for connection in heapq.nsmallest(len(self._all) // _PART + 1, idle, key=lambda one: one.idleness):
            connection.drop()
        self._tell(reason)
        return bool(idle)

    def _tell(self, reason: str) -> None:
        if time.monotonic() - self._told_at > _QUIET:
            self._told_at = time.monotonic()
            _log.warning(
                "%s: the longest idle ones are closed to make room; needed a higher hard limit of open files "
                "(LimitNOFILE, ulimit -Hn)",
                reason,
            )


class Door:
    """A listening socket: what gunicorn wants of asyncio's servers, which accept until every file is taken."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: socket.socket,
        connections: Connections,
        new: Callable[[], Any],
    ) -> None:
        """Open it; `new` makes a connection."""
        self._loop, self._socket, self._connections, self._new = loop, listening, connections, new
        self._coming: set[asyncio.Task[Any]] = set()
        listening.setblocking(False)
        self._open()

    def close(self) -> None:
        """Take no more connections. Doing it twice does nothing."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    async def wait_closed(self) -> None:
        """It is closed at once."""

    def _open(self) -> None:
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
                return  # another process was quicker, or the client left
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._make_room(f"no further connection can be accepted ({error.strerror})")
                return
            self._let_in(accepted)

    def _make_room(self, reason: str) -> None:
        """Go on in the loop's next turn, or, when all connections have work, a little later."""
        if not self._connections.make_room(reason):
            self._loop.remove_reader(self._socket)
            self._loop.call_later(_PAUSE, self._open)

    def _let_in(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        connection = self._new()
        self._connections.add(connection)
        task = self._loop.create_task(self._loop.connect_accepted_socket(lambda: connection, accepted))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)
