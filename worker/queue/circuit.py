"""The circuit: while the face API, the database or the cache is unavailable, jobs wait instead of failing."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faces.client.face_client import FaceClient
from faces.errors import (
    CacheUnavailable,
    FaceApiUnavailable,
    FacesError,
    SchemaError,
    StoreUnavailable,
)
from faces.store import statement_trial
from faces.store.database import Store
from worker.laravel.app_cache import Values
from worker.queue.status_file import waited_for
from worker.queue.supervision import Stop

_log = logging.getLogger(__name__)

#: Seconds until the servers are looked at again: the first pause, doubled with each failure, and the longest.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0

_dice = random.SystemRandom()

#: The cache's entry that is put and forgotten, and the seconds after which it expires by itself.
_KEY = "face-sidecar-probe"
_KEPT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Probe:
    """How one server is looked at. `errors` are the classes by which a job's error is known to be this server's."""

    errors: tuple[type[FacesError], ...]
    look: Callable[[], None]
    """Raises our error while the server is unavailable; never with a photo."""
    drop_idle: Callable[[], None]
    """Close what is connected and unused: the server that answers there may not be the one any more. Never raises."""


def probes_of(client: FaceClient, store: Store, values: Values) -> tuple[Probe, ...]:
    """The looks at each server that jobs need: asked, and where jobs write, written to and taken back."""

    def look_at_store() -> None:
        store.ping()
        # A database that has the cache in it is written to by the look at the cache.
        if values.transactional is None:
            statement_trial.require_writes(store)

    def look_at_cache() -> None:
        values.put(_KEY, b"b:1;", _KEPT_SECONDS)
        values.forget(_KEY)

    return (
        Probe((FaceApiUnavailable,), client.require_ready, client.drop_idle),
        Probe((StoreUnavailable, SchemaError), look_at_store, store.drop_idle),
        Probe((CacheUnavailable,), look_at_cache, values.drop_idle),
    )


class Circuit:
    """Open while a server is unavailable. Asked by the loop and by the handling of deliveries, in the main thread.

    When the probes say that all is there, one job may try; only a job that ends closes the circuit, because with a
    wrong key, too, the API says that it is ready. Until then each failure makes the next pause longer, and drops the
    idle connections of the server that refused: the next look asks its name anew.
    """

    def __init__(self, probes: Sequence[Probe], stop: Stop) -> None:
        """Look at the servers by these probes; `stop` ends every waiting."""
        self._probes, self._stop = probes, stop
        self._failures, self._next_look, self._opened_at = 0, 0.0, 0.0
        self._may_try = True
        self.reason: str | None = None
        self.waits_for = "other"
        """What is unavailable, as `status` names it."""

    @property
    def blocks(self) -> bool:
        """Whether no job may be taken now."""
        return not self._may_try

    def open(self, error: FacesError) -> None:
        """A server refused a job; said once for all jobs. What it asked for (Retry-After) is waited out."""
        if self.reason is None:
            self._opened_at = time.monotonic()
            _log.warning("no further job is taken until this is over: %s", error)
        self._failed(error, error.retry_after if isinstance(error, FaceApiUnavailable) else None)

    def close(self) -> None:
        """A job has ended: the servers are available."""
        if self.reason is not None:
            _log.info("jobs are taken again, after %.0f s", time.monotonic() - self._opened_at)
        self._failures, self._may_try, self.reason = 0, True, None

    def wait(self, seconds: float) -> bool:
        """Wait until a job may try again, at most so long; False where none may yet, or the worker is to stop."""
        end = time.monotonic() + seconds
        while self._next_look <= end:
            if self._stop.wait(self._next_look - time.monotonic()):
                return False
            if self._servers_answer():
                return True
        self._stop.wait(end - time.monotonic())
        return False

    def _servers_answer(self) -> bool:
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
