"""When photos were taken and where they come from, as our tables have it: of an app's rows, and of scanned files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from faces.client.face_client import FaceClient
from faces.laravel.disks import Disks
from faces.library.arrivals import Arrivals
from faces.library.library import Library
from faces.library.upkeep.refresh import Refresh
from faces.people.linking import Linking
from faces.store.database import Store, Transaction
from faces.store.sidecar import photo_rows
from faces.store.sidecar.photo_rows import PhotoFacts
from faces.store.who import identities_of
from tests.integration.faces.library.upkeep.changing_app import COHORT, ENCODINGS
from tests.pictures.drawn import file_of, noise
from tests.servers.fake_api import FakeApi
from tests.servers.rows import Rows
from tests.servers.scanning import Scan
from worker.jobs.faces import Tools

FILE_TIME = datetime(2019, 1, 1, 12, 0, 0)


@pytest.fixture
def store(server_url: str) -> Iterator[Store]:
    store = Store.open(server_url)
    yield store
    store.close()


def facts_of(store: Store, image_id: int) -> PhotoFacts:
    return store.write(lambda transaction: photo_rows.of_image(transaction, image_id))


@pytest.mark.parametrize("server_url", ["v1"], indirect=True)
@pytest.mark.parametrize(
    ("metadata", "taken"),
    [
        ('{"EXIF": {"DateTimeOriginal": "2020:05:17 14:03:21"}}', datetime(2020, 5, 17, 14, 3, 21)),
        ('{"DateTimeOriginal": "0000:00:00 00:00:00"}', FILE_TIME),
        (None, FILE_TIME),
    ],
)
def test_an_apps_photo_is_of_the_time_in_its_metadata_else_of_its_file(
    store: Store, server_url: str, metadata: str | None, taken: datetime
) -> None:
    rows = Rows(server_url)
    image = rows.image(metadata=metadata, created_at_file=FILE_TIME)
    rows.close()
    assert facts_of(store, image).taken_at == taken


@pytest.mark.parametrize("server_url", ["v5"], indirect=True)
def test_metadata_that_comes_later_is_taken_over_when_the_image_is_brought_up_to_date(
    store: Store, server_url: str
) -> None:
    rows = Rows(server_url)
    image = rows.image(created_at_file=FILE_TIME)
    rows.face(image, ENCODINGS[0])
    arrivals = Arrivals(store, Library(COHORT))
    arrivals.update_images([image])
    rows.run("UPDATE images SET metadata = :text", text='{"DateTimeOriginal": "2020:05:17 14:03:21"}')
    told = Refresh(arrivals).run()
    assert told.faces
    assert rows.one("SELECT taken_at FROM face_sidecar_face_index")["taken_at"] == datetime(2020, 5, 17, 14, 3, 21)
    rows.close()


@pytest.mark.parametrize("server_url", ["v1"], indirect=True)
def test_two_transactions_that_add_the_same_source_at_once_have_one(store: Store, server_url: str) -> None:
    rows = Rows(server_url)
    ours, theirs = rows.image(disk="new"), rows.image(disk="new")
    added, found = threading.Event(), list[PhotoFacts]()

    def first(transaction: Transaction) -> PhotoFacts:
        facts = photo_rows.of_image(transaction, ours)
        if not added.is_set():
            added.set()
            second.join(0.3)
        return facts

    second = threading.Thread(target=lambda: added.wait() and found.append(facts_of(store, theirs)))
    second.start()
    facts = store.write(first)
    second.join()
    assert [one.source_id for one in found] == [facts.source_id]
    assert rows.read("SELECT name FROM face_sidecar_sources") == [{"name": "new"}]
    rows.close()


@pytest.fixture
def scan(tmp_path: Path) -> Iterator[Scan]:
    """Of a folder, into a file of our own."""
    with httpx2.Client(
        transport=httpx2.MockTransport(api := FakeApi(found=[ENCODINGS[0]])), base_url="http://api"
    ) as http:
        store = Store.open(f"sqlite:///{tmp_path / 'faces.db'}", create=True)
        tools = Tools(
            store,
            FaceClient(http),
            Disks.of({}),
            Linking(0.6),
            identities_of(store.schema),
            debug_pictures=False,
            arrivals=Arrivals(store, Library(COHORT)),
        )
        yield Scan(tools, api)
        store.close()


def taken_photo(path: Path, taken: str | None, turn: int = 1, size: int = 64) -> None:
    block = Image.Exif()
    block[0x0112] = turn
    if taken:
        block.get_ifd(0x8769)[0x9003] = taken
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file_of(noise(size, size), "JPEG", exif=block.tobytes()))
    os.utime(path, (1546344000, 1546344000))


def test_a_scanned_photo_is_of_the_time_in_its_file_else_of_the_file(scan: Scan, tmp_path: Path) -> None:
    taken_photo(tmp_path / "photos/2020/a.jpg", "2020:05:17 14:03:21", turn=6)
    taken_photo(tmp_path / "photos/b.jpg", None, size=48)
    scan(tmp_path / "photos")
    rows = Rows(f"sqlite:///{tmp_path / 'faces.db'}")
    indexed = rows.read(
        "SELECT filename, face_index.taken_at, turn, name, length(sha256) AS bytes FROM face_index "
        "JOIN photos USING (image_id) JOIN images ON images.id = image_id "
        "JOIN sources ON sources.id = photos.source_id ORDER BY filename"
    )
    top = str((tmp_path / "photos").resolve())
    assert [tuple(row.values()) for row in indexed] == [
        ("a.jpg", "2020-05-17 14:03:21", 6, top, 32),
        ("b.jpg", "2019-01-01 12:00:00", 1, top, 32),
    ]
    rows.close()


def test_a_photo_that_is_another_now_is_of_its_own_time(scan: Scan, tmp_path: Path) -> None:
    taken_photo(tmp_path / "photos/a.jpg", "2020:05:17 14:03:21")
    scan(tmp_path / "photos")
    taken_photo(tmp_path / "photos/a.jpg", "2021:05:17 14:03:21", size=80)
    scan(tmp_path / "photos")
    rows = Rows(f"sqlite:///{tmp_path / 'faces.db'}")
    assert rows.one("SELECT taken_at FROM face_index")["taken_at"] == "2021-05-17 14:03:21"
    rows.close()
