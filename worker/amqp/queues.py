"""Which queues messages are taken from."""

from __future__ import annotations

from collections.abc import Collection, Sequence


class Queues:
    """In their order, the first one first; some may be left out for a while. Threads may share it."""

    def __init__(self, names: Sequence[str]) -> None:
        """All of them."""
        self.names = tuple(names)
        self._skipped: frozenset[str] = frozenset()

    def skip(self, names: Collection[str]) -> None:
        """Leave these out from now on, and no others."""
        self._skipped = frozenset(names)

    @property
    def open(self) -> tuple[str, ...]:
        """Those that are not left out now."""
        return tuple(name for name in self.names if name not in self._skipped)
