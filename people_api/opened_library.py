"""The database and the library in it, opened by each process for itself, when it is first needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from faces.errors import FacesError, SchemaError
from faces.laravel.app_settings import database_in_force
from faces.settings import Settings
from faces.store.database import Store, Transaction
from faces.store.sidecar import library_row

#: Seconds for which a database that could not be used is not tried again: every request would wait for it.
_PAUSE = 1.0


@dataclass(slots=True)
class OpenedLibrary:
    """Threads may share it. Where the database is away or has no tables of ours, a later request looks again."""

    settings: Settings
    _store: Store | None = field(default=None, init=False)
    _failed: tuple[float, FacesError] | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Statements that only read.

        Raises:
            SettingsError: there is no such database.
            SchemaError: it has no tables of people and groups.
            StoreUnavailable: it does not answer.
        """
        with self.store().reading() as transaction:
            yield transaction

    def store(self) -> Store:
        """The database; raises as `reading` does."""
        with self._lock:
            if self._store is None:
                if self._failed and time.monotonic() - self._failed[0] < _PAUSE:
                    raise self._failed[1].with_traceback(None)
                try:
                    self._store = _open(self.settings)
                except FacesError as error:
                    self._failed = time.monotonic(), error
                    raise
            return self._store

    def why_not_ready(self) -> str | None:
        """What is missing for an answer about people; None where nothing is."""
        try:
            with self.reading() as transaction:
                library_row.read(transaction)
        except FacesError as error:
            return str(error)
        return None

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None


def _open(settings: Settings) -> Store:
    store = Store.open(database_in_force(settings), tables_database=settings.tables_database)
    if store.schema.sidecar is None:
        store.close()
        raise SchemaError(
            f"the database {store.name} has no tables of people and groups, needed are these: `worker tables --create` "
            "makes them"
        )
    return store
