"""One process of an HTTP door, as gunicorn starts it: its own ASGI worker, and what that lacks."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from gunicorn.workers.gasgi import ASGIWorker

from faces.http.accepted_keys import AcceptedKeys
from faces.http.figures import Figures
from faces.http.server.http_connections import HttpConnection, HttpConnections, Listener, most_connections
from faces.http.server.master import accept_shutdown_requests
from faces.system.parent_process import end_with

#: Seconds between two looks at the connections.
_LOOK_EVERY = 1.0

#: Thousandths of the memory (the service's limit, or the machine's) by which the kernel's out-of-memory killer takes a
#: process for larger than it is; and the largest value that it accepts.
_OOM_MORE = 300
_OOM_MOST = 1000


class ServedParts(Protocol):
    """What an application has in `state.service` for the processes that serve it, whatever else is there."""

    @property
    def figures(self) -> Figures:
        """What is counted."""

    @property
    def keys(self) -> AcceptedKeys:
        """The accepted keys."""

    @property
    def idle_seconds(self) -> float:
        """How long a client may be silent before its request."""


class Worker(ASGIWorker):  # type: ignore[misc]  # gunicorn has no types
    """One process of a door.

    Added to gunicorn's class: idle connections end at a stop, and those that never send a request end in time.
    Why not uvicorn's class: when the master is killed, this one leaves the port at once and ends after its requests;
    uvicorn's stays and holds the port.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Runs in the master, before the fork: the application is loaded already."""
        super().__init__(*args, **kwargs)
        service: ServedParts = self.app.wsgi().state.service
        self.figures, self.keys, self.idle_seconds = service.figures, service.keys, service.idle_seconds
        self.slot = self.figures.reserve()

    def init_process(self) -> None:
        """Runs in the new process, until its end."""
        _prefer_for_oom_killer()
        self.figures.use(self.slot)
        self.keys.stop_logging()
        super().init_process()

    def init_signals(self) -> None:
        """Install the handlers, then accept the shutdown requests held since the fork."""
        super().init_signals()
        end_with(self.ppid)
        accept_shutdown_requests()

    def handle_exit_signal(self) -> None:
        """SIGTERM: stop gracefully."""
        super().handle_exit_signal()
        if self.is_orphan():
            # A new master needs the port. In an ordinary stop `_watch` closes it with the last idle connections.
            for server in self.servers:
                server.close()

    def is_orphan(self) -> bool:
        """True when the master is dead; gunicorn's loop then ends, too."""
        return bool(os.getppid() != self.ppid)

    def end_gracefully(self) -> None:
        """Take no more requests, and end when those in hand are answered."""
        self.alive = False

    def _setup_event_loop(self) -> None:
        self.connections = HttpConnections(most_connections())
        self.loop = _ListenerLoop(self.connections, lambda: HttpConnection(self, self.connections))
        asyncio.set_event_loop(self.loop)

    async def _serve(self) -> None:
        watch = asyncio.ensure_future(self._watch())
        try:
            await super()._serve()
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        """Refresh the keys; close connections that wait too long before a request, and at a stop all without one."""
        since: weakref.WeakKeyDictionary[HttpConnection, float] = weakref.WeakKeyDictionary()
        while True:
            ending = not self.alive or self.is_orphan()
            await asyncio.sleep(_LOOK_EVERY / 10 if ending else _LOOK_EVERY)
            self.keys.refresh()
            now = self.loop.time()
            for connection in self.connections:
                if connection.has_request:
                    since.pop(connection, None)
                elif ending or now - since.setdefault(connection, now) > self.idle_seconds:
                    connection.close()


class _ListenerLoop(asyncio.SelectorEventLoop):
    """An event loop whose servers are `Listener`s."""

    def __init__(self, connections: HttpConnections, new: Callable[[], HttpConnection]) -> None:
        super().__init__()
        self._connections, self._new = connections, new

    async def create_server(self, protocol_factory: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
        """Gunicorn's `protocol_factory` would make connections that do not know how long they are idle."""
        return Listener(self, kwargs["sock"], self._connections, self._new)


def _prefer_for_oom_killer() -> None:
    """Let the kernel kill this process before its master when memory is short: the master replaces it.

    The master has all that was loaded before the fork in sight: without this it counts as larger than a process that
    has just begun a photo, and with it all requests in hand would be lost. Every process may raise its own score; where
    it cannot, it stays.
    """
    score = Path("/proc/self/oom_score_adj")
    try:
        score.write_text(str(min(_OOM_MOST, int(score.read_text(encoding="ascii")) + _OOM_MORE)), encoding="ascii")
    except OSError:
        return
