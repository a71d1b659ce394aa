"""Gunicorn's master as systemd wants to know it: ready when all processes serve, alive while its loop turns."""

from __future__ import annotations

import time
from typing import Any

from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.arbiter import Arbiter

from face_api.http.access import Keys
from faces.system.systemd_notify import SystemdNotifier

#: Seconds between two looks, for as long as processes start.
_START_ROUND = 0.1

#: Parts of systemd's patience after which it hears from us: one word may be lost.
_WORDS_IN_TIME = 3


class Api(WSGIApplication):  # type: ignore[misc]  # gunicorn has no types
    """The API as gunicorn runs it, under a master of our own."""

    def __init__(self, systemd: SystemdNotifier, **options: Any) -> None:
        """Gunicorn, which would say that it is ready before any process serves, must not find systemd itself."""
        self._systemd = systemd
        super().__init__(**options)

    def run(self) -> None:
        """Serve until a signal ends it."""
        Master(self, self._systemd).run()


class Master(Arbiter):  # type: ignore[misc]
    """The processes' parent. It tells from its own loop and no thread: none may run where processes are forked."""

    def __init__(self, app: Api, systemd: SystemdNotifier) -> None:
        """Loads the application, models and all."""
        self._systemd = systemd
        self._is_ready = False
        self._next_word = 0.0
        super().__init__(app)
        # Processes are forked from here, with the keys that were good last.
        self._keys: Keys = self.app.wsgi().state.service.access.keys

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """Its loop comes by here every second."""
        self._tell()
        self._keys.refresh()
        signals: list[int] = super().wait_for_signals(timeout if self._is_ready else _START_ROUND)
        return signals

    def reap_workers(self) -> None:
        """A stop and a reload wait for processes in loops of their own, which come by here."""
        super().reap_workers()
        self._tell()

    def _tell(self) -> None:
        if not self._is_ready and self._all_serve():
            self._is_ready = True
            self._systemd.notify("READY=1")
        if self._systemd.watchdog_seconds and time.monotonic() >= self._next_word:
            self._next_word = time.monotonic() + self._systemd.watchdog_seconds / _WORDS_IN_TIME
            self._systemd.notify("WATCHDOG=1")

    def _all_serve(self) -> bool:
        """Whether each process has touched its file since it began, which it does as soon as it listens."""
        # Gunicorn writes the time since the machine's start there; until then it says when the file was made.
        beats = [worker.tmp.last_update() for worker in self.WORKERS.values()]
        return len(beats) >= self.num_workers and all(beat <= time.monotonic() for beat in beats)
