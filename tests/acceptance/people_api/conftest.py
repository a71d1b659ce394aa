"""The people API over real databases: SQLite as `scan` makes it, and an app's on MariaDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faces.store.database import Store
from tests.servers.app_schema import V2
from tests.servers.library_rows import LibraryRows
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows
from tests.servers.running_people import RunningPeople


@pytest.fixture(params=["sqlite", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database; beside an app's tables ours are not made yet."""
    if request.param == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        return server.new_database(*V2)
    url = f"sqlite:///{tmp_path / 'faces.db'}"
    Store.open(url, create=True).close()
    return url


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture
def library(url: str) -> Iterator[LibraryRows]:
    """Our own tables; beside an app's they are made."""
    library = LibraryRows(url)
    yield library
    library.close()


StartPeople = Callable[..., RunningPeople]


@pytest.fixture
def start_people(url: str, tmp_path: Path) -> Iterator[StartPeople]:
    """Start the API with settings of its own; it ends with the test."""
    running: list[RunningPeople] = []

    def start(database_url: str = url, **settings: str) -> RunningPeople:
        people = RunningPeople(tmp_path / f"people{len(running)}", database_url, settings)
        running.append(people)
        people.wait_until_alive()
        return people

    yield start
    for people in running:
        people.stop()


@pytest.fixture
def people(library: LibraryRows, start_people: StartPeople) -> RunningPeople:
    """Running, over a database with our tables."""
    return start_people()
