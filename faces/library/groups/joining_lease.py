"""The right to join a library's groups: one process has it at a time, and loses it when it does not renew it."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from faces.store.database import Store
from faces.store.sidecar import library_row

_log = logging.getLogger(__name__)

#: Seconds after which another process may take it, and between two renewals: a process that was killed holds nothing
#: up for longer, and one that waits for a lock of the database for 50 s keeps it.
SECONDS, _RENEWED = 90, 20.0

#: Seconds between two attempts to take it.
_PAUSE = 0.5

#: Seconds of waiting that are worth a line. Two scans at once are normal, and a worker that joins groups between two
#: jobs makes way after 5 s and the step in hand: what holds it for longer is a large library, or was killed.
WORTH_A_LINE = 10.0


class LeaseLost(Exception):
    """Another process has it by now: what was begun is left to that one."""


@dataclass(slots=True)
class JoiningLease:
    """A process's, or one of several in it. One thread at a time."""

    store: Store
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _renewed: float = 0.0
    _joined_at: int | None = None

    def take(self) -> bool:
        """Take or keep it; False while another has it.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        self._renewed = self.clock()
        return self.store.write(lambda transaction: library_row.take_joining(transaction, self.name, SECONDS))

    def keep(self) -> None:
        """Renew it where that is due: called between the steps of long work.

        Raises:
            LeaseLost: another has it.
            StoreUnavailable: the database cannot be used.
        """
        if self.clock() - self._renewed > _RENEWED and not self.take():
            raise LeaseLost

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold it within the block, as soon as no other process does; one line tells of a wait that is long.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        self._wait()
        try:
            yield
        finally:
            self.give_back()

    def _wait(self) -> None:
        begin, is_told = self.clock(), False
        while not self.take():
            if not is_told and self.clock() - begin >= WORTH_A_LINE:
                _log.warning(
                    "still waiting, since another process is joining groups; if that one was killed, this one goes on "
                    "within %d s",
                    SECONDS,
                )
                is_told = True
            self.sleep(_PAUSE)

    def joined_at(self, faces: int) -> None:
        """Note for when it is given back that groups have been joined, at so many faces in them."""
        self._joined_at = faces

    def give_back(self) -> None:
        """Give it back.

        Raises:
            StoreUnavailable: the database cannot be used; it runs out then.
        """
        faces, self._joined_at = self._joined_at, None
        self.store.write(lambda transaction: library_row.give_up_joining(transaction, self.name, faces))
