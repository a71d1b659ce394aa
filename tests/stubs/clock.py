"""The clock that a test turns: it runs as the real one does, and jumps ahead where the worker would have waited."""

from __future__ import annotations

import threading
import time

import pytest

#: The real ones, whatever a test puts in their place.
_monotonic, _unix, _sleep = time.monotonic, time.time, time.sleep


class Clock:
    """Never stands and never runs back. The database has its own, which is not turned."""

    def __init__(self) -> None:
        self.turned = 0.0
        """Seconds that were jumped over."""

    def turn(self, seconds: float) -> None:
        """Jump ahead."""
        self.turned += max(seconds, 0.0)

    def monotonic(self) -> float:
        return _monotonic() + self.turned

    def unix(self) -> float:
        return _unix() + self.turned

    def sleep(self, seconds: float) -> None:
        """The test's own thread jumps; other threads wait: the time is not theirs to turn."""
        if threading.current_thread() is threading.main_thread():
            self.turn(seconds)
        else:
            _sleep(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """In the place of Python's clock, the one service without a seam: everything that waits asks `time`."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    monkeypatch.setattr(time, "time", clock.unix)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock
