"""The same tests on every database: SQLite as `scan` makes it, and the app's schemas on a real MariaDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from faces.client.face_client import FaceClient
from faces.laravel.disks import Disks
from faces.people.linking import Linking
from faces.store.database import Store
from faces.store.who import identities_of
from tests.servers.app_schema import ALL, LARAVEL, SQLITE_V5, V1, V2, V4, V5, on_sqlite
from tests.servers.fake_api import FakeApi
from tests.servers.library_rows import LibraryRows
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows
from worker.jobs.faces import Tools

#: The app's databases; those of the versions 4 and 5 link faces to persons: only for tests that ask for them.
_VERSIONS = {"mariadb v1": V1, "mariadb v2": V2, "mariadb all": ALL, "mariadb v4": V4, "mariadb v5": V5}
_SQLITE = {"sqlite v5": SQLITE_V5, "sqlite with a queue": on_sqlite(*LARAVEL)}


@pytest.fixture(params=["sqlite", "mariadb v1", "mariadb v2", "mariadb all"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database with the tables in it."""
    if "sqlite" in request.param:
        return _on_sqlite(tmp_path / "faces.db", request.param)
    server: MariaDB = request.getfixturevalue("mariadb")
    return server.new_database(*_VERSIONS[request.param])


def _on_sqlite(file: Path, version: str) -> str:
    url = f"sqlite:///{file}"
    if version != "sqlite v5":
        Store.open(url, create=True).close()
    rows = Rows(url)
    for statement in _SQLITE.get(version, ()):
        rows.run(statement)
    rows.close()
    return url


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def library(url: str) -> Iterator[LibraryRows]:
    """Our own tables of people and groups; beside an app's tables they are made."""
    library = LibraryRows(url)
    yield library
    library.close()


@pytest.fixture
def library_store(url: str, library: LibraryRows) -> Iterator[Store]:
    """The store, opened after those tables were made."""
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The root of the disk `photos`, with the file of the image that `Rows.image` makes."""
    root = tmp_path / "disk"
    (root / "2020").mkdir(parents=True)
    (root / "2020/a.jpg").write_bytes(b"a photo")
    return root


MakeTools = Callable[..., Tools]


@pytest.fixture
def make_tools(store: Store, api: FakeApi, disk: Path) -> Iterator[MakeTools]:
    """What the job works with; `linking` and `store` may be others."""
    http = httpx2.Client(transport=httpx2.MockTransport(api), base_url="http://api")

    def make(linking: Linking = Linking(0.6), store: Store = store) -> Tools:  # noqa: B008  both are values
        return Tools(store, FaceClient(http), Disks.of({"photos": disk}), linking, identities_of(store.schema))

    yield make
    http.close()


@pytest.fixture
def tools(make_tools: MakeTools) -> Tools:
    return make_tools()
