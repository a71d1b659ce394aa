"""A file of our own, and an API that finds Ada in every photo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from faces.client.face_client import FaceClient
from faces.laravel.disks import Disks
from faces.people.linking import Linking
from faces.store.database import Store
from faces.store.who import identities_of
from tests.servers.fake_api import FakeApi
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows
from tests.servers.scanning import Scan
from worker.jobs.faces import Tools


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/faces.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url, create=True)
    yield store
    store.close()


@pytest.fixture
def rows(url: str, store: Store) -> Iterator[Rows]:
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture
def scan(store: Store) -> Iterator[Scan]:
    api = FakeApi(found=[PEOPLE[0]])
    with httpx2.Client(transport=httpx2.MockTransport(api), base_url="http://api") as http:
        tools = Tools(store, FaceClient(http), Disks.of({}), Linking(0.6), identities_of(store.schema))
        yield Scan(tools, api)
