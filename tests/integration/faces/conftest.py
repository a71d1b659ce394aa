"""Libraries on real databases: a file of our own, and our tables beside an app's on MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from faces.store.database import Store
from tests.servers.app_schema import ALL, V1, V2, V2_NEW, V4, V5
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.rows import Rows
from tests.servers.settled_album import Album
from tests.servers.sidecar import create_tables

_VERSIONS = {"mariadb": ALL, "v1": V1, "v2": V2, "v3 made new": V2_NEW, "mariadb v4": V4, "mariadb v5": V5}


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    with running_mariadb() as server:
        yield server


@pytest.fixture(params=["sqlite", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database with the app's tables and ours in it."""
    if request.param == "sqlite":
        file = f"sqlite:///{tmp_path / 'faces.db'}"
        Store.open(file, create=True).close()
        return file
    server: MariaDB = request.getfixturevalue("mariadb")
    url = server.new_database(*_VERSIONS[request.param])
    create_tables(url)
    return url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def album(store: Store, url: str) -> Iterator[Album]:
    """A library without photos."""
    rows = Rows(url)
    yield Album(store, rows)
    rows.close()


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    """All that is asked of databases."""
    asked: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    yield asked
    sa.event.remove(sa.Engine, "before_cursor_execute", hear)
