"""What gunicorn's master keeps its signals in while it waits, in place of gunicorn's `queue.SimpleQueue`.

Up to Python 3.12 that waits without a limit when its limit passes before the wait begins: the process was stopped, or
got no core, in these microseconds. The master then did nothing, told systemd nothing, and was killed by the watchdog.
"""

from __future__ import annotations

import os
import queue
import select
from collections import deque


class SignalQueue:
    """Numbers of signals, the oldest first. The master's signal handlers put them, in the middle of a `get`, too."""

    def __init__(self) -> None:
        self._numbers: deque[int] = deque()
        # Readable while its counter is not 0. No lock: a handler would wait for what it interrupted.
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def put_nowait(self, number: int) -> None:
        """Add one, and end the wait."""
        self._numbers.append(number)
        os.eventfd_write(self._event, 1)

    def get(self, block: bool = True, timeout: float | None = None) -> int:
        """The oldest one, waited for so many seconds, without a limit if None.

        Raises:
            queue.Empty: there is none; also, rarely, before the time is over.
        """
        if block and not self._numbers and select.select([self._event], [], [], timeout)[0]:
            os.eventfd_read(self._event)
        return self.get_nowait()

    def get_nowait(self) -> int:
        """The oldest one.

        Raises:
            queue.Empty: there is none.
        """
        try:
            return self._numbers.popleft()
        except IndexError:
            raise queue.Empty from None
