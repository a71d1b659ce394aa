"""Ctrl-C and SIGTERM where threads work together: noted at once, obeyed between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Hold KeyboardInterrupt back within the block, until the function that it yields is called, or the block ends.

    Raised anywhere, it could leave a lock taken that other threads wait for, and the program would never end. A second
    signal raises at once. In other threads than the main one there is nothing to hold back.
    """
    told = _Told()
    handlers: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.signal(number, told) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told.check
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    told.check()


class _Told:
    """The signals' handler: remembers the first, raises with the second."""

    def __init__(self) -> None:
        self._told = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        self._told, again = True, self._told
        if again:
            raise KeyboardInterrupt

    def check(self) -> None:
        if self._told:
            raise KeyboardInterrupt
