"""Empty databases with our tables, of each kind that links faces in its own way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faces.store.database import Store
from faces.store.sidecar.tables import PREFIX, sidecar_tables
from faces.store.sidecar.upgrades import NEWEST
from tests.servers.app_schema import SQLITE_V2, SQLITE_V4, SQLITE_V5, V1, V2_NEW, V3, V4, V5
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.rows import Rows

_VERSIONS = {"v1": V1, "v2 made new": V2_NEW, "v3": V3, "v4": V4, "v5": V5}


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    with running_mariadb() as server:
        yield server


@pytest.fixture
def server_url(request: pytest.FixtureRequest, mariadb: MariaDB) -> str:
    """An app's database of the version that the test's parameter says, with our tables beside."""
    url = mariadb.new_database(*_VERSIONS[request.param])
    rows, beside = Rows(url), sidecar_tables(PREFIX)
    beside.metadata.create_all(rows._engine)
    rows.run(f"INSERT INTO {beside.library.name} (id, version, match_rule) VALUES (1, {NEWEST}, 'nearest')")
    rows.close()
    return url


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An empty database of each kind."""
    folder = tmp_path_factory.mktemp("templates")
    Store.open(f"sqlite:///{folder / 'our own'}", create=True).close()
    for version, tables in {"v2": SQLITE_V2, "v4": SQLITE_V4, "v5": SQLITE_V5}.items():
        rows = Rows(f"sqlite:///{folder / version}")
        for statement in tables:
            rows.run(statement)
        beside = sidecar_tables(PREFIX)
        beside.metadata.create_all(rows._engine)
        rows.run(f"INSERT INTO {beside.library.name} (id, version, match_rule) VALUES (1, {NEWEST}, 'nearest')")
        rows.close()
    return {file.name: file for file in folder.iterdir() if "-" not in file.name}
