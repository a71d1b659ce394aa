"""The photo app without servers: its tables in a SQLite file, its queue in memory, its workers in this process."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.servers.app_schema import SQLITE_V4, SQLITE_V5, V4, V5, on_sqlite
from tests.servers.photo_app import PhotoApp
from tests.servers.rows import Rows
from tests.stubs.api import StubApi
from tests.stubs.clock import Clock
from tests.stubs.faults import Faults
from tests.stubs.rabbitmq import StubRabbitMQ
from tests.stubs.worker import StubWorker

_WHOLE = {V4: SQLITE_V4, V5: SQLITE_V5}


class SqliteFiles:
    """In the place of a database server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_database(self, *statements: str) -> str:
        """A file with the app's tables; returns its URL."""
        file = self._folder / "app.db"
        with contextlib.closing(sqlite3.connect(file)) as connection:
            # As the worker's own connections set it, which would have to wait for each other to do so.
            connection.execute("PRAGMA journal_mode = WAL").close()
            connection.executescript(";".join(("BEGIN", *in_sqlite(statements), "COMMIT")))
        return f"sqlite:///{file}"


class SqliteRows(Rows):
    """Understands what the tests of both databases say in MySQL's words."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        sa.event.listen(self._engine, "connect", _teach)

    def run(self, statement: str, **values: Any) -> int:
        return super().run(statement.replace("INSERT IGNORE", "INSERT OR IGNORE"), **values)


@dataclass
class StubApp(PhotoApp):
    """As `PhotoApp`, and `api` and `clock` are what its workers meet."""

    api: StubApi = field(kw_only=True)
    clock: Clock = field(kw_only=True)
    faults: Faults = field(kw_only=True)

    def __post_init__(self) -> None:
        self.variables = {"DB_CONNECTION": "sqlite"} | self.variables
        super().__post_init__()
        self.rows.close()
        self.rows = SqliteRows(self.url)

    @property
    def server(self) -> StubRabbitMQ:
        """Its broker, with what only the stub can do."""
        assert isinstance(self.rabbitmq, StubRabbitMQ)
        return self.rabbitmq

    def worker(self, **settings: str) -> StubWorker:  # type: ignore[override]
        """A worker that runs in this process when it is told to `run`."""
        usual = {
            "LARAVEL_ENV_FILE": str(self.env_file),
            "FACE_API_URL": self.api.url,
            "FACE_DISK_ROOTS": f"photos={self.disk}",
            "FACE_STATE_DIR": str(self.folder / "state"),
            "FACE_WORKER_BACKOFF": "0",
        }
        return StubWorker(self, usual | settings)

    def end(self) -> None:
        super().end()
        assert self.server.complaints == []


def new_stub_app(folder: Path, clock: Clock, api: StubApi, faults: Faults, **options: Any) -> StubApp:
    """One with the newest tables that its tests do not choose otherwise; `folder` is not there yet."""
    server = options.pop("rabbitmq", None) or StubRabbitMQ(clock)
    files: Any = SqliteFiles(folder)
    return StubApp(files, server, folder, api.url, api=api, clock=clock, faults=faults, **options)


def in_sqlite(statements: tuple[str, ...]) -> Iterator[str]:
    """The app's migrations in SQLite's words, one change at a time; of the later versions what they come to."""
    if statements in _WHOLE:
        yield from _WHOLE[statements]
        return
    for statement in on_sqlite(*statements):
        altered = re.match(r"\s*ALTER TABLE (\w+)\s+(.*)", statement, re.DOTALL)
        if altered is None:
            yield statement
            continue
        for change in re.split(r",(?![^(]*\))", altered[2]):
            if re.match(r"\s*(ADD|DROP) COLUMN", change):
                yield f"ALTER TABLE {altered[1]} {change.strip()}"


def _teach(connection: sqlite3.Connection, _record: object) -> None:
    connection.create_function("UNIX_TIMESTAMP", 0, lambda: int(time.time()))
