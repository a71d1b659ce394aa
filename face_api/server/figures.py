"""Numbers by name that all processes count into: in memory that they share from the fork on, which no disk can fill.

Each process writes into a place of its own, so none ever waits for another, not even for one that was paused. The
master gives the places out, and adds the counts of a dead process to its own.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import chain

_log = logging.getLogger(__name__)

#: Bytes of a place. A process has some 400 counts of 100 bytes; only what is written takes memory.
_PLACE = 128 * 1024

#: The master's own place, in which the counts of the dead are, too.
MASTER = 0

#: At the very start of the memory: odd while the master moves counts from one place to another.
_TURN = struct.Struct("=Q")

#: Behind it: not 0 when some process found no room.
_LOSSY = _TURN.size

#: How far a place is used, from its start on.
_USED = struct.Struct("=Q")

_LENGTH = struct.Struct("=Q")
_NUMBER = struct.Struct("=d")

#: Seconds for which a reader waits for the master to finish.
_PATIENCE = 1.0


class Figures:
    """Counts, which only grow, and levels, which are a living process's own. Made in the master before the fork."""

    def __init__(self, places: int, levels: Sequence[str]) -> None:
        """So many processes at a time, the master among them; `levels` are the names that `set` knows.

        Raises:
            OSError: the machine has no memory for them.
        """
        self._levels = {name: number * _NUMBER.size for number, name in enumerate(levels)}
        self._memory = mmap.mmap(-1, _PLACE * (places + 1))
        self._free = list(range(places - 1, MASTER, -1))
        self._lock = threading.Lock()
        self.use(MASTER)

    def reserve(self) -> int | None:
        """A place for a process that is to be forked; None when all are taken. For the master."""
        return self._free.pop() if self._free else None

    def use(self, place: int | None) -> None:
        """From now on this process counts there; nowhere, if None."""
        self._start = None if place is None else _start_of(place)
        self._counts: dict[str, tuple[int, float]] = {}
        self._used = self._head
        if self._start is not None:
            self._write(self._start, _USED.pack(self._used))

    def add(self, name: str, amount: float = 1.0) -> None:
        """Let a count grow."""
        with self._lock:
            if (known := self._counts.get(name) or self._begin(name)) is not None:
                at, value = known
                self._counts[name] = at, value + amount
                self._write(at, _NUMBER.pack(value + amount))

    def set(self, name: str, value: float) -> None:
        """Set one of this process's levels."""
        if self._start is None:
            self._lose()
        else:
            self._write(self._start + _USED.size + self._levels[name], _NUMBER.pack(value))

    def counts(self) -> dict[str, float]:
        """The sums over all processes, dead ones included."""
        end = time.monotonic() + _PATIENCE
        while True:
            turn = self._turn
            sums: dict[str, float] = {}
            for name, value in chain.from_iterable(map(self._counts_in, self._places())):
                sums[name] = sums.get(name, 0.0) + value
            if (turn == self._turn and turn % 2 == 0) or time.monotonic() > end:
                return sums
            time.sleep(0.001)

    def levels(self) -> list[dict[str, float]]:
        """The levels of each living process, and of the master."""
        return [
            {name: self._number(_start_of(place) + _USED.size + at) for name, at in self._levels.items()}
            for place in self._places()
        ]

    def end(self, place: int | None) -> None:
        """The process there ended: its levels end, its counts stay. For the master."""
        if place is None:
            return
        self._write(0, _TURN.pack(self._turn + 1))
        for name, value in self._counts_in(place):
            self.add(name, value)
        self._write(_start_of(place), bytes(self._head))
        self._write(0, _TURN.pack(self._turn + 1))
        self._free.append(place)

    @property
    def is_complete(self) -> bool:
        """False once a figure found no room, in any process."""
        return self._memory[_LOSSY] == 0

    @property
    def _head(self) -> int:
        """Bytes before a place's first count."""
        return _USED.size + len(self._levels) * _NUMBER.size

    @property
    def _turn(self) -> int:
        turn: int = _TURN.unpack_from(self._memory)[0]
        return turn

    def _places(self) -> range:
        return range(len(self._memory) // _PLACE - 1)

    def _begin(self, name: str) -> tuple[int, float] | None:
        """Where a new count lies; it is there for readers only when it is whole."""
        text = name.encode()
        text += b" " * (-len(text) % _NUMBER.size)
        entry = _LENGTH.pack(len(text)) + text + _NUMBER.pack(0.0)
        if self._start is None or self._used + len(entry) > _PLACE:
            self._lose()
            return None
        at = self._start + self._used
        self._write(at, entry)
        self._used += len(entry)
        self._write(self._start, _USED.pack(self._used))
        return at + len(entry) - _NUMBER.size, 0.0

    def _counts_in(self, place: int) -> Iterator[tuple[str, float]]:
        start = _start_of(place)
        used, at = _USED.unpack_from(self._memory, start)[0], self._head
        while at < used:
            length = _LENGTH.unpack_from(self._memory, start + at)[0]
            at += _LENGTH.size
            name = self._memory[start + at : start + at + length].decode().rstrip(" ")
            yield name, self._number(start + at + length)
            at += length + _NUMBER.size

    def _number(self, at: int) -> float:
        value: float = _NUMBER.unpack_from(self._memory, at)[0]
        return value

    def _write(self, at: int, data: bytes) -> None:
        # Not pack_into, which writes zeros first: another process may read between the two.
        self._memory[at : at + len(data)] = data

    def _lose(self) -> None:
        if self.is_complete:
            self._memory[_LOSSY] = 1
            _log.warning("there is no room for some figures of process %d: /metrics lacks them", os.getpid())


def _start_of(place: int) -> int:
    """Where a place begins: behind the turn, which has room for one to itself."""
    return (place + 1) * _PLACE
