"""Gunicorn's own ASGI process, and what it lacks: it ends idle connections at a stop, and those that never ask."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable
from typing import Any

from gunicorn.workers.gasgi import ASGIWorker

from face_api.http.service import Service
from face_api.server import fork_signals, oom_score, open_files
from face_api.server.connections import Connection, Connections, Door
from faces.system.parent_process import end_with

#: Seconds between two looks at the connections.
_ROUND = 1.0


class Worker(ASGIWorker):  # type: ignore[misc]  # gunicorn has no types
    """One process of the API.

    Why this class: when the master is killed it leaves the port at once, and ends after its photos; uvicorn's stays
    behind and holds the port.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Runs in the master, before the fork: the application is there already."""
        super().__init__(*args, **kwargs)
        service: Service = self.app.wsgi().state.service
        self.process, self.metrics, self.keys = service.process, service.metrics, service.access.keys
        self.idle_seconds = service.settings.api_idle_seconds
        self.place = self.metrics.reserve()

    def init_process(self) -> None:
        """Runs in the new process, until its end."""
        oom_score.go_before_the_master()
        self.metrics.use(self.place)
        self.keys.be_quiet()
        self.process.on_leaving(self._leave)
        super().init_process()

    def init_signals(self) -> None:
        """Listen to signals, and hear what was said since the fork."""
        super().init_signals()
        end_with(self.ppid)
        fork_signals.hear_ends()

    def finish(self) -> None:
        """The end: wait for the engine, which may have a photo of another process in hand."""
        if os.getpid() != self.pid:
            return  # gunicorn calls this in the master, too, for a process that is gone
        seconds = 0.0 if self._quick_shutdown else float(self.cfg.graceful_timeout)
        if not self.process.join(seconds):
            # Python would pull the ground from under the engine's thread, and that would look like a crash.
            self.log.warning("The photo in hand is given up (pid: %s)", self.pid)
            os._exit(0)

    def handle_exit_signal(self) -> None:
        """SIGTERM: stop gracefully; nobody's crash."""
        super().handle_exit_signal()
        self.process.stopping(by_request=True)
        if self._is_orphan():
            # A new master wants the port. In an ordered stop it is left with the last look at the connections.
            for server in self.servers:
                server.close()

    def handle_quit_signal(self) -> None:
        """SIGQUIT and SIGINT: stop now; nobody's crash."""
        super().handle_quit_signal()
        self.process.stopping(by_request=True)

    def _is_orphan(self) -> bool:
        """True when the master is dead; gunicorn's loop then ends, too."""
        if os.getppid() == self.ppid:
            return False
        self.process.stopping(by_request=False)
        return True

    def _leave(self) -> None:
        self.alive = False

    def _setup_event_loop(self) -> None:
        self.connections = Connections(open_files.most_connections())
        self.loop = _Loop(self.connections, lambda: Connection(self, self.connections))
        asyncio.set_event_loop(self.loop)

    async def _serve(self) -> None:
        watch = asyncio.ensure_future(self._watch())
        try:
            await super()._serve()
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        """Look at the file of keys, and end connections that wait too long before a request, at a stop all such."""
        since: weakref.WeakKeyDictionary[Connection, float] = weakref.WeakKeyDictionary()
        while True:
            ending = not self.alive or self._is_orphan()
            await asyncio.sleep(_ROUND / 10 if ending else _ROUND)
            self.keys.refresh()
            now = self.loop.time()
            for connection in self.connections:
                if connection.has_request:
                    since.pop(connection, None)
                elif ending or now - since.setdefault(connection, now) > self.idle_seconds:
                    connection.close()


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose servers are doors."""

    def __init__(self, connections: Connections, new: Callable[[], Connection]) -> None:
        super().__init__()
        self._connections, self._new = connections, new

    async def create_server(self, protocol_factory: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
        """Gunicorn would have plain connections; else they are the same."""
        return Door(self, kwargs["sock"], self._connections, self._new)
