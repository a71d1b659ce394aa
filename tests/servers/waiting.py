"""Waiting for what a test is about: for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(
    condition: Callable[[], object], seconds: float = 30, what: str = "the condition", pause: float = 0.02
) -> None:
    """Return when the condition holds; an AssertionError after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(pause)
