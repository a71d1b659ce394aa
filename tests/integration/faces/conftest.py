"""Libraries on real databases: a file of our own, and our tables beside an app's on MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from faces.store.database import Store
from faces.store.sidecar.tables import PREFIX, sidecar_tables
from faces.store.sidecar.upgrades import NEWEST
from tests.servers.app_schema import ALL, SQLITE_V2, SQLITE_V4, SQLITE_V5, V1, V2, V2_NEW, V3, V4, V5
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows
from tests.servers.settled_album import Album
from tests.servers.sidecar import create_tables

_VERSIONS = {"mariadb": ALL, "v1": V1, "v2": V2, "v3 made new": V2_NEW, "mariadb v4": V4, "mariadb v5": V5}

#: Of databases that an app changes; none has what a later version adds.
_OF_APPS = {"v1": V1, "v2": V2, "v2 made new": V2_NEW, "v3": V3, "v4": V4, "v5": V5}


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
def server_url(request: pytest.FixtureRequest, mariadb: MariaDB) -> str:
    """An app's database of the version that the test's parameter says, with our tables beside."""
    url = mariadb.new_database(*_OF_APPS[request.param])
    _add_tables(url)
    return url


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An empty database of each kind that links faces in its own way, in a file."""
    folder = tmp_path_factory.mktemp("templates")
    Store.open(f"sqlite:///{folder / 'our own'}", create=True).close()
    for version, tables in {"v2": SQLITE_V2, "v4": SQLITE_V4, "v5": SQLITE_V5}.items():
        with closing(Rows(f"sqlite:///{folder / version}")) as rows:
            for statement in tables:
                rows.run(statement)
        _add_tables(f"sqlite:///{folder / version}")
    return {file.name: file for file in folder.iterdir() if "-" not in file.name}


def _add_tables(url: str) -> None:
    """Where faces are linked to the nearest."""
    with closing(Rows(url)) as rows:
        beside = sidecar_tables(PREFIX)
        beside.metadata.create_all(rows._engine)
        rows.run(f"INSERT INTO {beside.library.name} (id, version, match_rule) VALUES (1, {NEWEST}, 'nearest')")


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
