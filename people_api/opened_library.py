"""The database and the library in it, opened by each process for itself, when it is first needed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock

from faces.answers.giving import Answers
from faces.errors import FacesError, SchemaError
from faces.laravel.app_settings import database_in_force
from faces.library.arrivals import Arrivals
from faces.library.opening import cohort_in_force, open_library, rule_in_force
from faces.library.search.exact_search import ExactSearch
from faces.library.search.face_finder import FaceFinder
from faces.settings import Settings
from faces.store.database import Store, Transaction
from faces.store.sidecar import library_row

_log = logging.getLogger(__name__)

#: Seconds for which a database that could not be used is not tried again: every request would wait for it.
_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Opened:
    """The database, and people and groups as this process knows them. Threads may share it."""

    store: Store
    arrivals: Arrivals
    """Follows what others have written."""
    answers: Answers
    finder: FaceFinder
    """Searches among all faces."""


@dataclass(slots=True)
class OpenedLibrary:
    """Threads may share it. Where the database is unavailable or has no tables of ours, a later request looks again."""

    settings: Settings
    _opened: Opened | None = field(default=None, init=False)
    _failed: tuple[float, FacesError] | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _looking: ThreadPoolExecutor | None = field(default=None, init=False)
    _is_asked: bool = field(default=False, init=False)
    _is_closing: Event = field(default_factory=Event, init=False)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Statements that only read.

        Raises:
            SettingsError: there is no such database.
            SchemaError: it has no tables of people and groups.
            StoreUnavailable: it does not answer.
        """
        with self.opened().store.reading() as transaction:
            yield transaction

    def opened(self) -> Opened:
        """All of it; raises as `reading` does."""
        with self._lock:
            if self._opened is None:
                if self._failed and time.monotonic() - self._failed[0] < _PAUSE:
                    raise self._failed[1].with_traceback(None)
                try:
                    self._opened = _open(self.settings)
                except FacesError as error:
                    self._failed = time.monotonic(), error
                    raise
            return self._opened

    def look_again(self) -> None:
        """Have a thread ask about everything unnamed near whoever has changed; of many wishes at once one is enough.

        Whoever has given an answer does not wait for that.
        """
        with self._lock:
            if self._is_asked or self._opened is None:
                return
            # Made here: a thread made before the fork would not be in this process.
            self._looking = self._looking or ThreadPoolExecutor(1, "look-again")
            self._is_asked = True
            self._looking.submit(self._look, self._opened.answers)

    def _look(self, answers: Answers) -> None:
        with self._lock:
            self._is_asked = False
        try:
            answers.look_again(self._is_closing.is_set)
        except FacesError as error:
            _log.warning("groups are asked about again by the next answer, or by a worker: %s", error)

    def why_not_ready(self) -> str | None:
        """What is missing for an answer about people; None where nothing is."""
        try:
            with self.reading() as transaction:
                library_row.read(transaction)
        except FacesError as error:
            return str(error)
        return None

    def close(self) -> None:
        """Give the connections back; what is being asked about is left to the next process after the step in hand."""
        self._is_closing.set()
        if self._looking is not None:
            self._looking.shutdown()
        with self._lock:
            if self._opened is not None:
                self._opened.store.close()
                self._opened = None


def _open(settings: Settings) -> Opened:
    store = Store.open(database_in_force(settings), tables_database=settings.tables_database)
    if store.schema.sidecar is None:
        store.close()
        raise SchemaError(
            f"the database {store.name} has no tables of people and groups, needed are these: `worker tables --create` "
            "makes them"
        )
    try:
        calibrated = rule_in_force(store, settings.match) == "calibrated"
        cohort = partial(cohort_in_force, settings.cohort)
        library = open_library(store, calibrated=calibrated, cohort=cohort, folder=settings.state_dir)
    except FacesError:
        store.close()
        raise
    if library.arrivals is None:
        raise AssertionError("found tables of ours and nothing that keeps them, needed both")
    finder = FaceFinder(store, ExactSearch(store, settings.state_dir), library.arrivals.library)
    return Opened(store, library.arrivals, Answers(library.arrivals, library.settling), finder)
