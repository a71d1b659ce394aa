"""Gunicorn's master, the parent of a door's processes, with what systemd, the keys and a fork need of it.

Systemd is told READY=1 when all processes serve, and WATCHDOG=1 while the master's loop runs.
"""

from __future__ import annotations

import signal
import time
from typing import Any

from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.arbiter import Arbiter

from faces.http.accepted_keys import AcceptedKeys
from faces.http.server.signal_queue import SignalQueue
from faces.system.systemd_notify import SystemdNotifier

#: Seconds between two looks, while processes start.
_LOOK_WHILE_STARTING = 0.1

#: WATCHDOG=1 is sent so many times in systemd's limit: one datagram may be lost.
_SENT_IN_LIMIT = 3

#: Shutdown requests.
_SHUTDOWN = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


def hold_shutdown_requests() -> None:
    """Before a fork: shutdown requests wait until `accept_shutdown_requests`.

    A new process starts with the master's signal handlers. They would take a request of these milliseconds for the
    master's and lose it, and the master does not repeat it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SHUTDOWN)


def accept_shutdown_requests() -> None:
    """After the fork, in the master at once, in the new process when it has its own handlers. Held ones arrive now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SHUTDOWN)


class GunicornApplication(WSGIApplication):  # type: ignore[misc]  # gunicorn has no types
    """A door as gunicorn runs it, under a master of our own."""

    def __init__(self, systemd: SystemdNotifier, **options: Any) -> None:
        """`systemd` was taken from the environment: gunicorn itself would report ready before any process serves."""
        self._systemd = systemd
        super().__init__(**options)

    def run(self) -> None:
        """Serve until a signal ends it."""
        Master(self, self._systemd).run()


class Master(Arbiter):  # type: ignore[misc]
    """The parent process. It reports from its own loop, never from a thread: a fork would lose the thread."""

    def __init__(self, app: GunicornApplication, systemd: SystemdNotifier) -> None:
        """Loads the application, and whatever that loads before the fork."""
        self._systemd = systemd
        self._is_ready = False
        self._next_watchdog = 0.0
        super().__init__(app)
        self.SIG_QUEUE = SignalQueue()
        # Processes are forked from here, with the keys that were valid last.
        self._keys: AcceptedKeys = self.app.wsgi().state.service.keys

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """The master's loop calls this every second."""
        self._report()
        self._keys.refresh()
        signals: list[int] = super().wait_for_signals(timeout if self._is_ready else _LOOK_WHILE_STARTING)
        return signals

    def reap_workers(self) -> None:
        """A stop and a reload wait for processes in loops of their own, which call this."""
        super().reap_workers()
        self._report()

    def _report(self) -> None:
        if not self._is_ready and self._all_serve():
            self._is_ready = True
            self._systemd.notify("READY=1")
        if self._systemd.watchdog_seconds and time.monotonic() >= self._next_watchdog:
            self._next_watchdog = time.monotonic() + self._systemd.watchdog_seconds / _SENT_IN_LIMIT
            self._systemd.notify("WATCHDOG=1")

    def _all_serve(self) -> bool:
        """Whether each process has touched its file since it began, which it does as soon as it listens."""
        # Gunicorn writes the time since the machine's start there; until then it is when the file was made.
        touched = [worker.tmp.last_update() for worker in self.WORKERS.values()]
        return len(touched) >= self.num_workers and all(at <= time.monotonic() for at in touched)
