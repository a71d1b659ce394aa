"""How the outside stops a worker and sees that it lives, from its first moment on: signals, and systemd's watchdog."""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TypeVar

from faces.errors import Unavailable
from faces.system.systemd_notify import SystemdNotifier
from worker.queue.changes import Changes
from worker.queue.status import Status
from worker.queue.status_file import waited_for

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: What tells a worker to stop.
_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)

#: Parts of the watchdog's time: one for the pause between two messages, one for a thread's answer, one to spare.
_PARTS = 3

#: Seconds that everything else than a known wait may take before the main thread counts as hung. A database that is
#: reached and does not answer is waited for two minutes at each question, and a round asks several.
ROUND_SECONDS = 600.0

#: Whether a thread answers, asked with the seconds to wait for it.
Answers = Callable[[float], bool]

#: Seconds between two attempts to open something.
_PAUSE = 2.0


class GivenUp(BaseException):
    """Told twice to stop: leave the job in hand, from wherever it is. No `except Exception` may hold it."""


class Stop:
    """A shutdown request that a signal handler may make at any moment; it ends every wait of the main thread.

    Not `threading.Event`: its `set` can block in a signal handler.
    """

    def __init__(self) -> None:
        self._ours, self._theirs = os.pipe()
        self._told = 0
        self._in_hand = False
        self._listens = self._closed = False

    def set(self) -> None:
        """Request the shutdown, once more where it was requested before."""
        self._told += 1
        if not self._closed:
            os.write(self._theirs, b"s")

    def is_set(self) -> bool:
        """Whether it was requested."""
        return self._told > 0

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it is requested; returns whether it was."""
        end = time.monotonic() + seconds
        while not self.is_set() and (left := end - time.monotonic()) > 0:
            select.select([self._ours], [], [], left)
        return self.is_set()

    @contextmanager
    def job_in_hand(self) -> Iterator[None]:
        """Within this, a second request by a signal raises `GivenUp`."""
        self._in_hand = True
        try:
            yield
        finally:
            self._in_hand = False

    def listen(self) -> None:
        """Take SIGTERM, SIGQUIT and SIGINT as requests; for the main thread."""
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        self._listens = True

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.set()
        if self._told > 1 and self._in_hand:
            self._in_hand = False
            raise GivenUp

    def close(self) -> None:
        """Close its pipe, and ignore signals where `listen` took them.

        Signals may still come when nothing waits for them. Ignored they stay so while Python ends, which would give all
        others back their default: a worker that is done would seem to have been killed.
        """
        self._closed = True
        for number in _SIGNALS if self._listens else ():
            signal.signal(number, signal.SIG_IGN)
        os.close(self._ours)
        os.close(self._theirs)


class Pulse:
    """Tells systemd's watchdog that this worker lives, for all its threads, from a thread of its own.

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


class NotOpened(Exception):
    """The worker is to stop before everything was there."""


@dataclass(frozen=True, slots=True)
class Supervision:
    """Four ways between a worker's main thread and the outside, handed together to whatever runs for long.

    `stop` is the shutdown request, `pulse` tells systemd that the worker lives, `status` says what it does and waits
    for, `changes` notices that the app's settings or tables are no longer those of the start.
    """

    stop: Stop
    pulse: Pulse
    status: Status
    changes: Changes

    def wait_for(self, what: str, opened: Callable[[], T]) -> T:
        """What `opened` gives, as soon as it does not raise Unavailable; says meanwhile what is waited for and why.

        Raises:
            NotOpened: told to stop before that, or the settings changed meanwhile.
            FacesError: all else that `opened` raises: waiting would not help.
        """
        said: str | None = None
        while not self.stop.is_set():
            self.pulse.back_after(0)
            try:
                found = opened()
            except Unavailable as error:
                if str(error) != said:
                    _log.warning("waiting for the %s: %s", what, error)
                said = str(error)
                self.status.waiting(f"the {what}: {error}", waited_for(error, "start"))
                if reason := self.changes.reason_to_leave(refusing=True):
                    _log.warning("leaving, to be started anew: %s", reason)
                    raise NotOpened from error
            else:
                self.status.starting()
                return found
            self.stop.wait(_PAUSE)
        raise NotOpened
