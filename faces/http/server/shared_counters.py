"""Counters and gauges by name, in memory that all processes share from the fork on: what lies beneath /metrics.

Each process writes into a slot of its own, so none ever waits for another, not even for one that was paused. The
master gives the slots out, and adds the counters of an ended process to its own. No disk can fill it.
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

#: Bytes of a slot. A process has some 400 counters of 100 bytes; only what is written takes memory.
_SLOT = 128 * 1024

#: The master's own slot, which also has the counters of ended processes.
MASTER = 0

#: At the start of the memory, a version: odd while the master moves counters from one slot to another.
_VERSION = struct.Struct("=Q")

#: Behind it: not 0 when some process found no room.
_LOSSY = _VERSION.size

#: How many bytes of a slot are used.
_USED = struct.Struct("=Q")

_LENGTH = struct.Struct("=Q")
_NUMBER = struct.Struct("=d")

#: Seconds for which a reader waits for the master to finish such a move.
_PATIENCE = 1.0


class SharedCounters:
    """Counters, which only grow, and gauges, which end with their process. Made in the master before the fork.

    Any thread of a process may count. `reserve` and `end` are the master's. `Metrics` gives the numbers their names.
    """

    def __init__(self, slots: int, gauges: Sequence[str]) -> None:
        """For `slots` processes at a time, the master among them; `gauges` are the names that `set` knows.

        Raises:
            OSError: the machine has no memory for it.
        """
        self._gauges = {name: number * _NUMBER.size for number, name in enumerate(gauges)}
        self._memory = mmap.mmap(-1, _SLOT * (slots + 1))
        self._free = list(range(slots - 1, MASTER, -1))
        self._lock = threading.Lock()
        self.use(MASTER)

    def reserve(self) -> int | None:
        """A slot for a process that is to be forked; None when all are taken. For the master."""
        return self._free.pop() if self._free else None

    def use(self, slot: int | None) -> None:
        """From now on this process counts there; nowhere, if None."""
        self._start = None if slot is None else _start_of(slot)
        self._known: dict[str, tuple[int, float]] = {}
        self._used = self._head
        if self._start is not None:
            self._write(self._start, _USED.pack(self._used))

    def add(self, name: str, amount: float = 1.0) -> None:
        """Let a counter grow."""
        with self._lock:
            if (known := self._known.get(name) or self._begin(name)) is not None:
                at, value = known
                self._known[name] = at, value + amount
                self._write(at, _NUMBER.pack(value + amount))

    def set(self, name: str, value: float) -> None:
        """Set one of this process's gauges."""
        if self._start is None:
            self._lose()
        else:
            self._write(self._start + _USED.size + self._gauges[name], _NUMBER.pack(value))

    def counters(self) -> dict[str, float]:
        """The sums over all processes, ended ones included."""
        end = time.monotonic() + _PATIENCE
        while True:
            version = self._version
            sums: dict[str, float] = {}
            for name, value in chain.from_iterable(map(self._counters_in, self._slots())):
                sums[name] = sums.get(name, 0.0) + value
            if (version == self._version and version % 2 == 0) or time.monotonic() > end:
                return sums
            time.sleep(0.001)

    def gauges(self) -> list[dict[str, float]]:
        """The gauges of each living process, and of the master."""
        return [
            {name: self._number(_start_of(slot) + _USED.size + at) for name, at in self._gauges.items()}
            for slot in self._slots()
        ]

    def end(self, slot: int | None) -> None:
        """The process there ended: its gauges end, its counters stay. For the master."""
        if slot is None:
            return
        self._write(0, _VERSION.pack(self._version + 1))
        for name, value in self._counters_in(slot):
            self.add(name, value)
        self._write(_start_of(slot), bytes(self._head))
        self._write(0, _VERSION.pack(self._version + 1))
        self._free.append(slot)

    @property
    def is_complete(self) -> bool:
        """False once a number found no room, in any process."""
        return self._memory[_LOSSY] == 0

    @property
    def _head(self) -> int:
        """Bytes before a slot's first counter."""
        return _USED.size + len(self._gauges) * _NUMBER.size

    @property
    def _version(self) -> int:
        version: int = _VERSION.unpack_from(self._memory)[0]
        return version

    def _slots(self) -> range:
        return range(len(self._memory) // _SLOT - 1)

    def _begin(self, name: str) -> tuple[int, float] | None:
        """Where a new counter lies. It becomes visible to readers only when it is complete."""
        text = name.encode()
        text += b" " * (-len(text) % _NUMBER.size)
        entry = _LENGTH.pack(len(text)) + text + _NUMBER.pack(0.0)
        if self._start is None or self._used + len(entry) > _SLOT:
            self._lose()
            return None
        at = self._start + self._used
        self._write(at, entry)
        self._used += len(entry)
        self._write(self._start, _USED.pack(self._used))
        return at + len(entry) - _NUMBER.size, 0.0

    def _counters_in(self, slot: int) -> Iterator[tuple[str, float]]:
        start = _start_of(slot)
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


def _start_of(slot: int) -> int:
    """Where a slot begins: behind the version, which has a slot's room to itself."""
    return (slot + 1) * _SLOT
