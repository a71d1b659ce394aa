"""The shutdown request: told once, the worker finishes the job in hand; told twice, it gives it back."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class GivenUp(BaseException):
    """Told twice to stop: leave the job in hand, from wherever it is. No `except Exception` may hold it."""


#: What tells a worker to stop.
_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


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
