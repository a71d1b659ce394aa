"""Empty databases with our tables, of each kind that links faces in its own way."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.store.database import Store
from faces.store.sidecar.tables import PREFIX, sidecar_tables
from tests.servers.app_schema import SQLITE_V2, SQLITE_V4, SQLITE_V5
from tests.servers.rows import Rows


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
        rows.run(f"INSERT INTO {beside.library.name} (id, version, match_rule) VALUES (1, 1, 'nearest')")
        rows.close()
    return {file.name: file for file in folder.iterdir() if "-" not in file.name}
