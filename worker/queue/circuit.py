"""The circuit: when the face API, the database or the cache is away, jobs wait instead of being burned."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faces.errors import FaceApiUnavailable, FacesError
from worker.queue.stop import Stop
from worker.queue.waits import waited_for

_log = logging.getLogger(__name__)

#: Seconds until the world is looked at again: the first pause, doubled with each failure, and the longest.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0

_dice = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Probe:
    """How one server is looked at. `errors` are the classes by which a job's error is known to be this server's."""

    errors: tuple[type[FacesError], ...]
    look: Callable[[], None]
    """Raises our error while the server is away; never with a photo."""
    drop_idle: Callable[[], None]
    """Close what is connected and unused: the server that answers there may not be the one any more. Never raises."""


class Circuit:
    """Open while something is away.

    When the probes say that all is there, one job may try; only a job that ends closes the circuit, because with a
    wrong key, too, the API says that it is ready. Until then each failure makes the next pause longer, and drops the
    idle connections of the server that refused: the next look asks its name anew.
    """

    def __init__(self, probes: Sequence[Probe], stop: Stop) -> None:
        """Look at the world by these probes; `stop` ends every waiting."""
        self._probes, self._stop = probes, stop
        self._failures, self._next_look, self._opened_at = 0, 0.0, 0.0
        self._may_try = True
        self.reason: str | None = None
        self.waits_for = "other"
        """What is away, as `status` calls it."""

    @property
    def blocks(self) -> bool:
        """Whether no job may be taken now."""
        return not self._may_try

    def open(self, error: FacesError) -> None:
        """Something is away; said once, however many jobs meet it. What it asked for (Retry-After) is waited out."""
        if self.reason is None:
            self._opened_at = time.monotonic()
            _log.warning("no further job is taken until this is over: %s", error)
        self._failed(error, error.retry_after if isinstance(error, FaceApiUnavailable) else None)

    def close(self) -> None:
        """A job has ended: the world is there."""
        if self.reason is not None:
            _log.info("jobs are taken again, after %.0f s", time.monotonic() - self._opened_at)
        self._failures, self._may_try, self.reason = 0, True, None

    def wait(self, seconds: float) -> bool:
        """Wait until a job may try again, at most so long; False where none may yet, or the worker is to stop."""
        end = time.monotonic() + seconds
        while self._next_look <= end:
            if self._stop.wait(self._next_look - time.monotonic()):
                return False
            if self._world_answers():
                return True
        self._stop.wait(end - time.monotonic())
        return False

    def _world_answers(self) -> bool:
        try:
            for probe in self._probes:
                probe.look()
        except FacesError as error:
            self._failed(error)
            return False
        self._may_try = True
        return True

    def _failed(self, error: FacesError, asked: float | None = None) -> None:
        for probe in self._probes:
            if isinstance(error, probe.errors):
                probe.drop_idle()
        pause = min(_FIRST_PAUSE * 2.0**self._failures, _LONGEST_PAUSE) * _dice.uniform(0.8, 1.2)
        self._failures = min(self._failures + 1, 30)
        self._next_look = time.monotonic() + max(asked or 0.0, pause)
        self._may_try, self.reason = False, str(error)
        self.waits_for = waited_for(error)
