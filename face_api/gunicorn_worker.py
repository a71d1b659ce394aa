"""Gunicorn's own ASGI process, and what it lacks: ends idle connections at a stop and those that never ask."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers.gasgi import ASGIWorker

from face_api import fork_signals, oom_score
from face_api.service import Service
from faces.parent import end_with

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
        self.process = service.process
        self.idle_seconds = service.settings.api_idle_seconds

    def init_process(self) -> None:
        """Runs in the new process, until its end."""
        oom_score.go_before_the_master()
        self.process.on_too_large(self._leave)
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
        self.loop = _WatchfulLoop()
        asyncio.set_event_loop(self.loop)

    async def _serve(self) -> None:
        watch = asyncio.ensure_future(self._end_silent_connections())
        try:
            await super()._serve()
        finally:
            watch.cancel()

    async def _end_silent_connections(self) -> None:
        """End connections that wait too long before a first request, and at a stop all that have none in hand."""
        since: weakref.WeakKeyDictionary[ASGIProtocol, float] = weakref.WeakKeyDictionary()
        while True:
            ending = not self.alive or self._is_orphan()
            await asyncio.sleep(_ROUND / 10 if ending else _ROUND)
            now = self.loop.time()
            for connection in list(self.loop.connections):
                if connection._current_request is not None:
                    since.pop(connection, None)
                elif ending or now - since.setdefault(connection, now) > self.idle_seconds:
                    connection._close_transport()


class _WatchfulLoop(asyncio.SelectorEventLoop):
    """An event loop that knows the connections of its servers."""

    def __init__(self) -> None:
        super().__init__()
        self.connections: weakref.WeakSet[ASGIProtocol] = weakref.WeakSet()

    async def create_server(self, protocol_factory: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
        def remembered() -> Any:
            connection = protocol_factory()
            self.connections.add(connection)
            return connection

        return await super().create_server(remembered, *args, **kwargs)
