"""Tells systemd's watchdog that this worker lives, as long as each of its threads comes back when it should."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from faces.system.systemd_notify import SystemdNotifier

_log = logging.getLogger(__name__)

#: Parts of the watchdog's time: one for the pause between two messages, one for a thread's answer, one to spare.
_PARTS = 3

#: Seconds that everything else than a known wait may take before the main thread counts as hung. A database that is
#: reached and does not answer is waited for two minutes at each question, and a round asks several.
ROUND_SECONDS = 600.0

#: Whether a thread answers, asked with the seconds to wait for it.
Answers = Callable[[float], bool]


class Pulse:
    """Speaks for all threads of a worker, from a thread of its own.

    The main thread says how long it may be busy; others are asked whether they answer. A photo that takes long ends
    nothing.
    """

    def __init__(self, systemd: SystemdNotifier) -> None:
        """Nothing is told before `start`."""
        self._systemd = systemd
        self.back_after(0)
        self._others: tuple[Answers, ...] = ()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Say that the worker runs, whatever it may still wait for, and from now on that it lives."""
        self._systemd.notify("READY=1")
        if self._systemd.watchdog_seconds:
            pause = self._systemd.watchdog_seconds / _PARTS
            self._thread = threading.Thread(target=self._tell, args=(pause,), name="pulse", daemon=True)
            self._thread.start()

    def back_after(self, seconds: float) -> None:
        """The main thread begins a wait of so many seconds at most; it comes by here again soon after, or it hangs."""
        self._back_at = time.monotonic() + seconds + ROUND_SECONDS

    def ask_also(self, answers: Answers) -> None:
        """Another thread that must answer."""
        self._others += (answers,)

    def close(self) -> None:
        """The worker ends in order."""
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _tell(self, pause: float) -> None:
        said: str | None = None
        while not self._ended.wait(pause):
            silent = self._silent(pause)
            if silent is None:
                self._systemd.notify("WATCHDOG=1")
            elif silent != said:
                _log.error("%s hangs: systemd is told nothing any more, and ends this worker", silent)
            said = silent

    def _silent(self, seconds: float) -> str | None:
        """Which thread does not come back; None while all do."""
        if time.monotonic() > self._back_at:
            return "the main thread"
        if not all(answers(seconds) for answers in self._others):
            return "the thread of RabbitMQ's connection"
        return None
