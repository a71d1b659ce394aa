"""One engine process, as gunicorn starts it: a door's process that also has an engine to end."""

from __future__ import annotations

import os
from typing import Any

from face_api.http.service import FaceService
from faces.http.server.gunicorn_worker import Worker


class EngineWorker(Worker):
    """One process of the API: the engine's process is told of shutdown requests, and is waited for at the end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Runs in the master, before the fork: the application is loaded already."""
        super().__init__(*args, **kwargs)
        service: FaceService = self.app.wsgi().state.service
        self.process = service.process

    def init_process(self) -> None:
        """Runs in the new process, until its end."""
        self.process.on_replacement(self.end_gracefully)
        super().init_process()

    def finish(self) -> None:
        """At the end, wait for the engine, which may have a photo of another process in hand."""
        if os.getpid() != self.pid:
            return  # gunicorn calls this in the master, too, for a process that has ended
        seconds = 0.0 if self._quick_shutdown else float(self.cfg.graceful_timeout)
        if not self.process.join(seconds):
            # Python would free the modules under the engine's thread, and that would look like a crash.
            self.log.warning("The photo in hand is given up (pid: %s)", self.pid)
            os._exit(0)

    def handle_exit_signal(self) -> None:
        """SIGTERM: stop gracefully."""
        super().handle_exit_signal()
        self.process.mark_stopping(by_request=True)

    def handle_quit_signal(self) -> None:
        """SIGQUIT and SIGINT: stop now."""
        super().handle_quit_signal()
        self.process.mark_stopping(by_request=True)

    def is_orphan(self) -> bool:
        """True when the master is dead."""
        if not super().is_orphan():
            return False
        self.process.mark_stopping(by_request=False)
        return True
