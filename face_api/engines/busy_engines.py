"""How many engines of all processes have a photo in hand: one that works alone may use a second core."""

from __future__ import annotations

import mmap
import os

#: One byte a process, by its id: two processes that share one are seldom, and only cost or use a core.
_PLACES = 4096

_BUSY = 1


class BusyEngines:
    """Shared memory, made in the master before the fork."""

    def __init__(self) -> None:
        """Nobody is busy."""
        self._places = mmap.mmap(-1, _PLACES)

    def begin(self) -> None:
        """This process's engine takes a photo."""
        self._places[os.getpid() % _PLACES] = _BUSY

    def end(self) -> None:
        """It puts it down."""
        self.forget(os.getpid())

    def forget(self, pid: int) -> None:
        """A process ended, perhaps with a photo in hand."""
        self._places[pid % _PLACES] = 0

    def count(self) -> int:
        """Engines at work, this process's own included."""
        return _PLACES - self._places[:].count(0)
