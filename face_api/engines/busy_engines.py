"""How many engines of all processes have a photo in hand: an engine that works alone may use a second core."""

from __future__ import annotations

import mmap
import os

#: One byte a process, by its id. Two processes rarely share one; then an engine uses a core too many or too few.
_PLACES = 4096

_BUSY = 1


class BusyEngines:
    """Shared memory, made in the master before the fork. Each engine writes its own byte, so no lock is needed."""

    def __init__(self) -> None:
        self._places = mmap.mmap(-1, _PLACES)

    def begin(self) -> None:
        """This process's engine takes a photo."""
        self._places[os.getpid() % _PLACES] = _BUSY

    def end(self) -> None:
        """This process's engine is done with it."""
        self.forget(os.getpid())

    def forget(self, pid: int) -> None:
        """A process ended, perhaps with a photo in hand."""
        self._places[pid % _PLACES] = 0

    def count(self) -> int:
        """Engines at work, this process's own included."""
        return _PLACES - self._places[:].count(0)
