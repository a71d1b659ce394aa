"""Notices that the app's settings or tables have changed since the start: refused jobs may need a new worker."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from faces.errors import FacesError, SettingsError
from faces.laravel import app_settings
from faces.laravel.app_settings import LaravelSettings
from faces.laravel.environment import LaravelEnvironment
from faces.store import catalogue
from faces.store.catalogue import Definitions
from faces.store.database import Store

_log = logging.getLogger(__name__)

#: Seconds between two looks.
PAUSE_SECONDS = 60.0

#: Seconds for which a file stays as it is before it is read: it may be only half written.
_SETTLED_SECONDS = 2.0


class Changes:
    """What was there at the start, and what differs now. What cannot be read is no change.

    Asked by the main thread: by the loop, and while the worker waits at its start.
    """

    def __init__(
        self,
        laravel: LaravelSettings,
        environment: Mapping[str, str] | None = None,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        """Remember the settings, read a moment ago from this environment; looks are `pause` seconds apart.

        Raises:
            SettingsError: the app's file cannot be read any more.
        """
        self._environment = dict(os.environ if environment is None else environment)
        self._laravel, self._pause = laravel, pause
        self._variables = LaravelEnvironment.read(self._environment).variables
        self._store: Store | None = None
        self._columns: Definitions = {}
        self._tables: frozenset[str] = frozenset()
        self._look_at: float | None = None
        self._well_since: float | None = None

    def watch(self, store: Store, tables: Collection[str]) -> None:
        """Remember the columns of these tables, too, and of our own beside them.

        Raises:
            StoreUnavailable: the database is unavailable.
        """
        self._tables = frozenset(tables)
        self._columns = self._columns_of(store)
        self._store = store

    def reason_to_leave(self, refusing: bool) -> str | None:
        """What has changed since the start, in words without values; None while nothing has, or it is no time to look.

        Meant to be asked every second or so. It looks while something refuses: first when that has lasted for as long
        as two looks are apart, even with good moments in between.
        """
        if not self._is_time(refusing):
            return None
        reasons = [self._changed_settings(), self._changed_columns()]
        return "; ".join(reason for reason in reasons if reason) or None

    def _is_time(self, refusing: bool) -> bool:
        now = time.monotonic()
        if not refusing:
            self._well_since = self._well_since or now
            return False
        was_well = self._well_since is not None and now - self._well_since > self._pause
        if self._look_at is None or was_well:
            self._look_at = now + self._pause
        self._well_since = None
        if now < self._look_at:
            return False
        self._look_at = now + self._pause
        return True

    def _changed_settings(self) -> str | None:
        try:
            environment = LaravelEnvironment.read(self._environment)
            if environment.file and _is_being_written(environment.file):
                return None
            if app_settings.load(self._environment) == self._laravel:
                return None
        except (SettingsError, OSError) as error:
            _log.debug("the app's settings cannot be read now: %s", error)
            return None
        names = sorted(
            name
            for name in self._variables.keys() | environment.variables.keys()
            if self._variables.get(name) != environment.variables.get(name)
        )
        return f"the app's settings changed: {', '.join(names)}" if names else None

    def _changed_columns(self) -> str | None:
        if self._store is None:
            return None
        try:
            now = self._columns_of(self._store)
        except FacesError as error:
            _log.debug("the database's tables cannot be looked at now: %s", error)
            return None
        words = catalogue.differences(self._columns, now)
        return f"the database changed: {', '.join(words)}" if words else None

    def _columns_of(self, store: Store) -> Definitions:
        sidecar = store.schema.sidecar
        with store.reading() as transaction:
            apps = catalogue.definitions(transaction.connection, self._tables)
            if sidecar is None or store.schema.ours:
                return apps
            names = [table.name for table in sidecar.metadata.sorted_tables]
            return {**apps, **catalogue.definitions(transaction.connection, names, store.tables_database)}


def _is_being_written(file: Path) -> bool:
    """An empty file counts, too: a full disk leaves one, and it would send the worker to the defaults of everything."""
    status = file.stat()
    return status.st_size == 0 or abs(time.time() - status.st_mtime) < _SETTLED_SECONDS
