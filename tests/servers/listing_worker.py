"""`python -m worker` that writes which modules are loaded: `before` its first job, and `after` its last."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from worker.__main__ import main


class _Lists(logging.Handler):
    """Gets the steps of jobs as the log does."""

    def __init__(self) -> None:
        super().__init__()
        self._seen = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._seen and record.getMessage() == "decoded":
            self._seen = True
            _write("before")


def _write(name: str) -> None:
    Path(name).write_text(json.dumps(sorted(sys.modules)), encoding="utf-8")


if __name__ == "__main__":
    steps = logging.getLogger("worker.job.steps")
    steps.setLevel(logging.DEBUG)
    steps.propagate = False
    steps.addHandler(_Lists())
    code = main()
    _write("after")
    sys.exit(code)
