"""`python -m worker` as installed: from any folder, with its own database, against a real API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from faces.store.database import Store
from tests.servers.app_schema import V1
from tests.servers.mariadb import MariaDB
from tests.servers.worker_process import Worker


class HasUrl(Protocol):
    """An API that runs."""

    url: str


@pytest.fixture
def worker(tmp_path: Path, api: HasUrl) -> Iterator[Worker]:
    """A worker with the shared API."""
    worker = Worker(tmp_path / "home", {"FACE_API_URL": api.url})
    yield worker
    worker.end()


@pytest.fixture(params=["sqlite", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database: a file of our own, and an app's first version."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/faces.db"
        Store.open(url, create=True).close()
        return url
    server: MariaDB = request.getfixturevalue("mariadb")
    return server.new_database(*V1)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """An empty folder for photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder
