"""`python -m worker`, but it dies by SIGKILL at a named step of a job: DIE_AT=step, or step:n for its n-th time."""

from __future__ import annotations

import logging
import os
import signal
import sys

from worker.__main__ import main


class _Death(logging.Handler):
    """Hears the steps as the log does."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self._step, _, times = step.partition(":")
        self._times = int(times or 1)

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == self._step:
            self._times -= 1
            if self._times == 0:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    steps = logging.getLogger("worker.steps")
    steps.setLevel(logging.DEBUG)
    steps.propagate = False
    steps.addHandler(_Death(os.environ["DIE_AT"]))
    sys.exit(main())
