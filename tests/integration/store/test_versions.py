"""What is special in one of the app's versions: faces without an image in v1, persons beside linked faces in v2."""

from __future__ import annotations

import json

import pytest

from faces.errors import SchemaError
from faces.people.linking import Linking
from faces.store.database import Store
from faces.store.listing import list_faces
from tests.servers.app_schema import V1, V2, V2_NEW
from tests.servers.fake_api import FakeApi
from tests.servers.mariadb import MariaDB
from tests.servers.people import PEOPLE, near
from tests.servers.rows import Rows
from worker.commands.enrol import enrol_face
from worker.commands.link import Linked, Linker
from worker.jobs.faces import Tools, process_image

A, B = PEOPLE[:2]


class TestInTheFirstVersion:
    @pytest.fixture
    def url(self, mariadb: MariaDB) -> str:
        return mariadb.new_database(*V1)

    @pytest.fixture
    def orphan(self, rows: Rows) -> int:
        """A master whose image is NULL."""
        face = rows.master(A)
        rows.run("UPDATE faces SET image_id = NULL")
        return face

    def test_a_face_without_an_image_is_a_candidate(self, tools: Tools, rows: Rows, api: FakeApi, orphan: int) -> None:
        api.found = [near(A, 0.3)]
        image = rows.image()
        process_image(tools, image)
        assert [face["parent_id"] for face in rows.faces(image)] == [orphan]

    def test_a_face_without_an_image_is_not_linked_and_not_listed(self, store: Store, rows: Rows, orphan: int) -> None:
        rows.run("UPDATE faces SET status = 'process'")
        linked: list[Linked] = []
        assert Linker.of(store, Linking(0.6), linked.append).images() == []
        with store.reading() as transaction:
            assert list_faces(transaction) == []


class TestWherePersonsAreKeptAndFacesLinkedToFaces:
    """v2 and v3, migrated from v1 and made new: without `faces.name`."""

    @pytest.fixture(params=[V2, V2_NEW], ids=["migrated", "new"])
    def url(self, request: pytest.FixtureRequest, mariadb: MariaDB) -> str:
        return mariadb.new_database(*request.param)

    @pytest.fixture
    def ann(self, rows: Rows) -> int:
        """A person with a centroid that v2's job does not look at."""
        return rows.run(
            "INSERT INTO persons (name, centroid_embedding, embeddings_count) VALUES ('Ann', :centroid, 5)",
            centroid=json.dumps(B.tolist()),
        )

    def test_a_new_face_is_linked_to_the_nearest_master_and_to_no_person(
        self, tools: Tools, rows: Rows, api: FakeApi, ann: int
    ) -> None:
        api.found = [near(A, 0.3), near(B, 0.3)]
        master, image = rows.master(A, person_id=ann), rows.image()
        process_image(tools, image)
        first, second = rows.faces(image)
        assert first["parent_id"] == master
        assert first["person_id"] is None
        assert first["status"] == "process"
        assert second["parent_id"] is None
        assert second["person_id"] is None
        assert second["status"] == "process"

    def test_faces_are_listed_with_the_name_of_their_masters_person(self, store: Store, rows: Rows, ann: int) -> None:
        master = rows.master(A, person_id=ann)
        rows.face(rows.image(), near(A, 0.3), parent_id=master)
        rows.face(rows.image(), near(B, 0.3))
        with store.reading() as transaction:
            assert [face.name for face in list_faces(transaction)] == ["Ann", "Ann", None]

    def test_faces_found_before_are_linked(self, store: Store, rows: Rows, ann: int) -> None:
        face, other = rows.face(rows.image(), near(A, 0.3)), rows.face(rows.image(), near(A, 0.3), person_id=ann)
        master = rows.master(A)
        linked: list[Linked] = []
        linker = Linker.of(store, Linking(0.6), linked.append)
        for image in linker.images():
            linker.link_image(image, dry_run=False)
        assert [(one.face_id, one.parent_id) for one in linked] == [(face, master)]
        assert rows.one("SELECT parent_id FROM faces WHERE id = :id", id=other)["parent_id"] is None


def test_where_only_persons_have_names_a_face_cannot_be_named(mariadb: MariaDB) -> None:
    url = mariadb.new_database(*V2_NEW)
    store, rows = Store.open(url), Rows(url)
    face = rows.master(A)
    with pytest.raises(SchemaError, match=r"found no column faces\.name"):
        enrol_face(store, "Ann", face)
    rows.close()
    store.close()
