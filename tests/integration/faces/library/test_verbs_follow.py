"""Verbs that change faces' rows, and our tables after them: scan, copies, enrol, link, what is forgotten."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
import sqlalchemy as sa

from faces.client.face_client import FaceClient
from faces.laravel.disks import Disks
from faces.library.opening import OpenLibrary, open_library
from faces.people.linking import Linking
from faces.sources import missing_files
from faces.store.database import Store
from faces.store.sidecar.tables import PREFIX
from faces.store.who import identities_of
from tests.servers.app_schema import V1, V5
from tests.servers.fake_api import FakeApi
from tests.servers.library_verdict import wrong
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows
from tests.servers.scanning import Scan, names
from tests.servers.sidecar import create_tables
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of
from worker.commands.enrol import enrol_face, enrol_photo
from worker.commands.link import Linked, Linker
from worker.jobs.faces import Tools, process_image

COHORT = made_cohort()
PEOPLE = made_people(20)
ADA, BOB = PEOPLE[0], PEOPLE[1]


def opened(store: Store, *, calibrated: bool = False) -> OpenLibrary:
    return open_library(store, calibrated=calibrated, cohort=lambda: COHORT)


@pytest.fixture
def library(store: Store) -> OpenLibrary:
    return opened(store)


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture
def http() -> Iterator[tuple[FakeApi, httpx2.Client]]:
    api = FakeApi(found=[ADA])
    with httpx2.Client(transport=httpx2.MockTransport(api), base_url="http://api") as client:
        yield api, client


def without_times(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in ("created_at", "updated_at")}


def tools_of(store: Store, http: httpx2.Client, library: OpenLibrary, folder: Path | None = None) -> Tools:
    disks = Disks.of({"photos": folder} if folder else {})
    arrivals = library.arrivals
    return Tools(
        store, FaceClient(http), disks, Linking(0.6), library.identities, debug_pictures=False, arrivals=arrivals
    )


class TestOfAFolder:
    """In a file of our own."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        file = f"sqlite:///{tmp_path / 'faces.db'}"
        Store.open(file, create=True).close()
        return file

    @pytest.fixture
    def scan(self, store: Store, http: tuple[FakeApi, httpx2.Client], library: OpenLibrary) -> Scan:
        api, client = http
        return Scan(tools_of(store, client, library), api)

    @pytest.fixture
    def photos(self, tmp_path: Path) -> Path:
        folder = tmp_path / "photos"
        folder.mkdir()
        return folder

    def test_what_a_scan_finds_moves_and_copies_is_followed(self, scan: Scan, photos: Path, store: Store) -> None:
        (photos / "a.jpg").write_bytes(b"a photo")
        scan(photos)
        assert wrong(store, COHORT) == []
        (photos / "a.jpg").rename(photos / "b.jpg")
        (photos / "copy.jpg").write_bytes(b"a photo")
        scan(photos)
        assert [scan.outcomes[name].value for name in ("b.jpg", "copy.jpg")] == ["moved", "copied"]
        assert wrong(store, COHORT) == []

    def test_a_copy_that_a_scan_finds_while_it_sends_photos_is_followed(
        self, scan: Scan, photos: Path, store: Store
    ) -> None:
        (photos / "a.jpg").write_bytes(b"a photo")
        (photos / "b.jpg").write_bytes(b"a photo")
        scan(photos)
        assert wrong(store, COHORT) == []

    def test_an_enrolled_portrait_is_a_person_and_what_is_linked_to_it_too(
        self, scan: Scan, photos: Path, store: Store, rows: Rows
    ) -> None:
        (photos / "a.jpg").write_bytes(b"a photo")
        (photos / "b.jpg").write_bytes(b"another photo")
        scan(photos)
        enrol_photo(scan.tools, "Ada", photos / "a.jpg", None)
        assert wrong(store, COHORT) == []
        (photos / "c.jpg").write_bytes(b"a third photo")
        scan(photos / "c.jpg")
        assert rows.one("SELECT name, confirmed, linked FROM people") == {"name": "Ada", "confirmed": 1, "linked": 1}
        enrol_photo(scan.tools, "Ada", photos / "c.jpg", None)
        assert rows.one("SELECT name, confirmed, linked FROM people") == {"name": "Ada", "confirmed": 2, "linked": 0}
        assert wrong(store, COHORT) == []

    def test_a_renamed_master_takes_the_faces_linked_to_it_along(
        self, scan: Scan, photos: Path, store: Store, rows: Rows
    ) -> None:
        (photos / "a.jpg").write_bytes(b"a photo")
        enrol_photo(scan.tools, "Ada", photos / "a.jpg", None)
        (photos / "b.jpg").write_bytes(b"another photo")
        scan(photos)
        enrol_photo(scan.tools, "Eve", photos / "a.jpg", None, rename=True)
        assert rows.one("SELECT linked FROM people WHERE name = 'Eve'") == {"linked": 1}
        assert wrong(store, COHORT) == []

    def test_forgotten_photos_leave_nothing_and_a_copy_takes_the_name_over(
        self, scan: Scan, photos: Path, store: Store, rows: Rows, library: OpenLibrary
    ) -> None:
        (photos / "a.jpg").write_bytes(b"a photo")
        enrol_photo(scan.tools, "Ada", photos / "a.jpg", None)
        (photos / "b.jpg").write_bytes(b"a photo")
        (photos / "c.jpg").write_bytes(b"another photo")
        scan(photos)
        (photos / "a.jpg").unlink()
        scan(photos)
        assert missing_files.forget(store, scan.found.tops, library.arrivals).images == 1
        assert set(names(store).values()) == {"Ada", None} or set(names(store).values()) == {"Ada"}
        assert wrong(store, COHORT) == []
        assert rows.one("SELECT confirmed FROM people") == {"confirmed": 1}


class TestOfAnApp:
    """On each database: our own file, and the app's with our tables beside."""

    def test_a_click_by_id_is_followed_with_the_faces_that_get_the_name(
        self, store: Store, rows: Rows, library: OpenLibrary
    ) -> None:
        master = rows.master(ADA, name="Ada")
        children = [rows.face(rows.image(faces_checked=1), ADA, parent_id=master, name="Ada") for _ in range(2)]
        assert library.arrivals
        library.arrivals.update_images(row["id"] for row in rows.read("SELECT id FROM images"))
        enrol_face(store, "Eve", master, rename=True, library=library)
        assert [rows.one("SELECT name FROM faces WHERE id = :id", id=child)["name"] for child in children] == [
            "Eve"
        ] * 2
        assert wrong(store, COHORT) == []

    def test_link_by_distance_is_followed_and_told_in_the_ledger(
        self, store: Store, rows: Rows, library: OpenLibrary
    ) -> None:
        face = rows.face(rows.image(faces_checked=1), photos_of(ADA, 1)[0])
        master = rows.master(ADA, name="Ada")
        assert library.arrivals
        library.arrivals.update_images(row["id"] for row in rows.read("SELECT id FROM images"))
        linked: list[Linked] = []
        linker = Linker.of(store, Linking(0.6), linked.append, library)
        for image in linker.images():
            linker.link_image(image, dry_run=False)
        assert [(one.face_id, one.parent_id) for one in linked] == [(face, master)]
        assert wrong(store, COHORT) == []
        table = "ledger" if store.schema.ours else f"{PREFIX}ledger"
        assert rows.one(f"SELECT kind, p, rule FROM {table}") == {"kind": "linked", "p": None, "rule": "nearest"}

    def test_by_probability_a_face_is_not_linked_to_who_is_in_its_photo_already(
        self, store: Store, rows: Rows, http: tuple[FakeApi, httpx2.Client], tmp_path: Path
    ) -> None:
        api, client = http
        by_probability = opened(store, calibrated=True)
        assert by_probability.arrivals
        for number, person in enumerate(PEOPLE[:12]):
            rows.master(person, name=f"Person {number}")
        image = rows.image()
        there = rows.face(image, ADA, name="Person 0", status="ok", face_index=7)
        by_probability.arrivals.update_images(row["id"] for row in rows.read("SELECT id FROM images"))
        api.found = [photos_of(ADA, 1)[0] + 0.03, photos_of(BOB, 1)[0]]
        (tmp_path / "2020").mkdir()
        (tmp_path / "2020/a.jpg").write_bytes(b"a photo")
        assert process_image(tools_of(store, client, by_probability, tmp_path), image).linked == 1
        linked = rows.read("SELECT parent_id FROM faces WHERE image_id = :id AND parent_id IS NOT NULL", id=image)
        assert [
            rows.one("SELECT name FROM faces WHERE id = :id", **{"id": one["parent_id"]})["name"] for one in linked
        ] == ["Person 1"]
        assert rows.one("SELECT status FROM faces WHERE id = :id", id=there) == {"status": "ok"}
        assert wrong(store, COHORT) == []


class TestWithPersons:
    """In the app's fifth version, whose job suggests persons."""

    @pytest.fixture
    def url(self, mariadb: MariaDB) -> str:
        url = mariadb.new_database(*V5)
        create_tables(url)
        return url

    def test_by_probability_whoever_is_offered_is_suggested_and_keeps_the_probability(
        self, store: Store, rows: Rows, http: tuple[FakeApi, httpx2.Client], tmp_path: Path
    ) -> None:
        api, client = http
        library = opened(store, calibrated=True)
        assert library.arrivals
        for number, person in enumerate(PEOPLE[:12], 1):
            rows.run("INSERT INTO persons (id, name) VALUES (:id, :name)", id=number, name=f"Person {number}")
            rows.face(rows.image(faces_checked=1), person, status="ok", person_id=number)
        library.arrivals.update_images(row["id"] for row in rows.read("SELECT id FROM images"))
        unsure = ADA + 0.65 * (PEOPLE[15] - ADA)
        api.found = [photos_of(BOB, 1)[0], unsure]
        (tmp_path / "2020").mkdir()
        (tmp_path / "2020/a.jpg").write_bytes(b"a photo")
        image = rows.image()
        tools = tools_of(store, client, library, tmp_path)
        process_image(tools, image)
        suggested = rows.read(
            "SELECT id, status, person_id FROM faces WHERE image_id = :id ORDER BY face_index", id=image
        )
        assert [(one["status"], one["person_id"]) for one in suggested] == [("suggested", 2), ("suggested", 1)]
        query = f"SELECT probability FROM {PREFIX}face_index WHERE image_id = :id ORDER BY face_id"
        probabilities = [row["probability"] for row in rows.read(query, id=image)]
        assert probabilities[0] >= 0.95
        assert 0.2 <= probabilities[1] < 0.95
        process_image(tools, image)
        assert [row["probability"] for row in rows.read(query, id=image)] == probabilities
        assert wrong(store, COHORT) == []


class TestWithoutOurTables:
    """Beside an app that has none."""

    @pytest.fixture
    def url(self, mariadb: MariaDB) -> str:
        return mariadb.new_database(*V1)

    def test_a_job_and_link_ask_not_one_query_more(
        self, store: Store, rows: Rows, http: tuple[FakeApi, httpx2.Client], tmp_path: Path
    ) -> None:
        api, client = http
        api.found = [ADA, BOB]
        (tmp_path / "2020").mkdir()
        (tmp_path / "2020/a.jpg").write_bytes(b"a photo")
        rows.master(ADA, name="Ada")
        before = OpenLibrary(identities_of(store.schema), None, None, is_calibrated=False)
        told = [self._statements(store, client, library, rows, tmp_path) for library in (before, opened(store))]
        assert told[0] == told[1]
        assert not [one for one in told[1] if PREFIX in one]

    def test_by_distance_the_apps_rows_are_the_same_with_our_tables_as_without(
        self, mariadb: MariaDB, http: tuple[FakeApi, httpx2.Client], tmp_path: Path
    ) -> None:
        api, client = http
        (tmp_path / "2020").mkdir()
        (tmp_path / "2020/a.jpg").write_bytes(b"a photo")
        found = []
        for with_tables in (False, True):
            url = mariadb.new_database(*V1)
            if with_tables:
                create_tables(url)
            store, rows = Store.open(url), Rows(url)
            for number, person in enumerate(PEOPLE[:12]):
                rows.master(person, name=f"Person {number}")
            tools = tools_of(store, client, opened(store), tmp_path)
            for photo in range(6):
                api.found = [photos_of(PEOPLE[2 * photo], 1, seed=photo)[0], PEOPLE[13 + photo]]
                process_image(tools, rows.image())
            found.append([without_times(row) for row in rows.everything()])
            rows.close()
            store.close()
        assert sum(row.get("parent_id") is not None for row in found[0]) == 6
        assert found[0] == found[1]

    def test_nothing_of_people_and_groups_is_loaded_at_a_workers_start(self) -> None:
        loaded = "[name for name in sys.modules if name.startswith(('faces.library.', 'faces.people.'))]"
        program = f"import sys, worker.commands.run; print(*sorted({loaded}))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert "faces.library.arrivals" not in done.stdout
        assert "faces.people.identify" not in done.stdout

    def _statements(
        self, store: Store, http: httpx2.Client, library: OpenLibrary, rows: Rows, folder: Path
    ) -> list[str]:
        image, statements = rows.image(), list[str]()

        def note(_connection: object, _cursor: object, statement: str, *_of_the_event: object) -> None:
            statements.append(statement)

        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        try:
            process_image(tools_of(store, http, library, folder), image)
            linker = Linker.of(store, Linking(0.6), lambda _linked: None, library)
            for each in linker.images():
                linker.link_image(each, dry_run=False)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)
        rows.run("UPDATE faces SET deleted_at = '2020-01-01' WHERE image_id = :id", id=image)
        return statements


def test_people_here_are_far_enough_apart() -> None:
    assert np.linalg.norm(ADA - BOB) > 0.6
