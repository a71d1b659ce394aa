"""`python -m worker`, but at a named step of a job it dies by SIGKILL (DIE_AT), or waits for a test (HOLD_AT).

A step is `encoded`, or `encoded:2` for its second time. A worker that waits leaves a file `held` in its home, and goes
on when that is removed.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from worker.__main__ import main

_HELD = Path("held")


class _AtStep(logging.Handler):
    """Gets the steps as the log does."""

    def __init__(self, step: str, act: Callable[[], None]) -> None:
        super().__init__()
        self._step, _, times = step.partition(":")
        self._times = int(times or 1)
        self._act = act

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == self._step:
            self._times -= 1
            if self._times == 0:
                self._act()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hold() -> None:
    _HELD.touch()
    while _HELD.exists():
        time.sleep(0.01)


if __name__ == "__main__":
    steps = logging.getLogger("worker.job.steps")
    steps.setLevel(logging.DEBUG)
    steps.propagate = False
    for name, act in (("DIE_AT", _die), ("HOLD_AT", _hold)):
        if step := os.environ.get(name):
            steps.addHandler(_AtStep(step, act))
    sys.exit(main())
