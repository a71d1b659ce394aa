"""enrol and link on real databases: what a click does, and what is found by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from faces.errors import FileMissing, RequestError, SchemaError
from faces.people.linking import Linking
from faces.store.database import Store, Transaction
from faces.store.listing import list_faces
from tests.servers.fake_api import FakeApi
from tests.servers.people import PEOPLE, near
from tests.servers.rows import Rows
from worker.commands.enrol import enrol_face, enrol_photo
from worker.commands.link import Linked, Linker
from worker.jobs.faces import Tools, process_image

A, B, C = PEOPLE[:3]
T = TypeVar("T")


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    path = tmp_path / "ann.jpg"
    path.write_bytes(b"ann")
    return path


@pytest.fixture
def ours(tmp_path: Path, make_tools: Callable[..., Tools], url: str) -> Tools:
    tools = make_tools()
    if not tools.store.schema.ours:
        pytest.fail("asked for on the app's database")
    return tools


def link(store: Store, *, dry_run: bool = False, linking: Linking = Linking(0.6)) -> list[Linked]:  # noqa: B008
    linked: list[Linked] = []
    linker = Linker.of(store, linking, linked.append)
    for image in linker.images():
        linker.link_image(image, dry_run=dry_run)
    return linked


class TestOnOurOwnDatabase:
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        url = f"sqlite:///{tmp_path / 'own.db'}"
        Store.open(url, create=True).close()
        return url

    def test_a_portrait_becomes_a_master(self, ours: Tools, rows: Rows, api: FakeApi, portrait: Path) -> None:
        api.found = [A]
        enrolled = enrol_photo(ours, " Ann ", portrait, None)
        face = rows.one("SELECT * FROM faces")
        assert face["id"] == enrolled.face_id
        assert face["name"] == "Ann"
        assert face["status"] == "ok"
        image = rows.one("SELECT * FROM images")
        assert image["disk"] is None
        assert image["path"] == str(portrait.parent.resolve())
        assert image["filename"] == "ann.jpg"
        assert image["width"] == 640
        assert image["height"] == 480
        assert image["size"] == 3

    def test_enrolling_twice_changes_nothing(self, ours: Tools, rows: Rows, api: FakeApi, portrait: Path) -> None:
        api.found = [A]
        enrol_photo(ours, "Ann", portrait, None)
        before = rows.everything()
        enrol_photo(ours, "Ann", portrait, None)
        assert rows.everything() == before
        assert len(api.requests) == 1

    def test_no_face_is_refused(self, ours: Tools, portrait: Path) -> None:
        with pytest.raises(RequestError, match=r"found no face in .*ann\.jpg"):
            enrol_photo(ours, "Ann", portrait, None)

    def test_two_faces_are_refused_unless_one_is_chosen(
        self, ours: Tools, rows: Rows, api: FakeApi, portrait: Path
    ) -> None:
        api.found = [A, B]
        with pytest.raises(RequestError, match=r"found 2 faces .*--face N \(there are 0, 1;"):
            enrol_photo(ours, "Ann", portrait, None)
        assert {face["status"] for face in rows.read("SELECT * FROM faces")} == {"process"}
        with pytest.raises(RequestError, match="found no face 2"):
            enrol_photo(ours, "Ann", portrait, 2)
        assert enrol_photo(ours, "Ann", portrait, 1).face_index == 1
        assert [face["name"] for face in rows.read("SELECT * FROM faces ORDER BY id")] == [None, "Ann"]

    def test_a_linked_face_becomes_a_master_of_its_own(
        self, ours: Tools, rows: Rows, api: FakeApi, portrait: Path
    ) -> None:
        rows.master(near(A, 0.3), name="Somebody else")
        api.found = [A]
        enrol_photo(ours, "Ann", portrait, None)
        face = rows.one("SELECT * FROM faces WHERE name = 'Ann'")
        assert face["status"] == "ok"
        assert face["parent_id"] is None

    def test_a_photo_that_is_not_there_is_told(self, ours: Tools, tmp_path: Path) -> None:
        with pytest.raises(FileMissing, match="cannot read"):
            enrol_photo(ours, "Ann", tmp_path / "gone.jpg", None)

    @pytest.mark.parametrize("name", ["", "  ", "x" * 256])
    def test_a_name_has_to_fit(self, ours: Tools, portrait: Path, name: str) -> None:
        with pytest.raises(RequestError, match="needed 1 to 255"):
            enrol_photo(ours, name, portrait, None)

    @pytest.mark.parametrize("name", ["Ada\x1b[31m", "Ada\udcff"], ids=ascii)
    def test_a_name_has_to_be_text(self, ours: Tools, portrait: Path, name: str) -> None:
        with pytest.raises(RequestError, match=r"found the character U\+"):
            enrol_photo(ours, name, portrait, None)

    def test_a_name_is_kept_composed_and_with_single_blanks(
        self, ours: Tools, rows: Rows, api: FakeApi, portrait: Path
    ) -> None:
        api.found = [A]
        enrol_photo(ours, " Zoe\u0308  Ada\tB ", portrait, None)
        assert rows.one("SELECT name FROM faces")["name"] == "Zo\u00eb Ada B"

    def test_another_way_of_writing_a_name_is_no_other_name(
        self, ours: Tools, rows: Rows, api: FakeApi, portrait: Path
    ) -> None:
        api.found = [A]
        enrol_photo(ours, "Zo\u00eb", portrait, None)
        rows.run("UPDATE faces SET name = :name", name="Zoe\u0308")
        assert enrol_photo(ours, "ZO\u00cb", portrait, None).renamed_from is None
        assert rows.one("SELECT name FROM faces")["name"] == "ZO\u00cb"

    def test_what_is_told_of_a_portrait_has_its_quality_and_its_photo(
        self, ours: Tools, api: FakeApi, portrait: Path
    ) -> None:
        api.found = [A]
        enrolled = enrol_photo(ours, "Ann", portrait, None)
        assert enrolled.photo == str(portrait)
        assert enrolled.quality == 61.5

    def test_a_portraits_face_that_a_person_named_keeps_its_name(
        self, ours: Tools, rows: Rows, api: FakeApi, portrait: Path
    ) -> None:
        api.found = [A]
        bob = enrol_photo(ours, "Bob", portrait, None).face_id
        rows.face(rows.image(), near(A, 0.1), parent_id=bob)
        rows.face(rows.image(filename="b.jpg"), near(A, 0.1), parent_id=bob)
        before = rows.everything()
        sentence = r"ann\.jpg: found that a person named face 0 in it Bob, needed --rename to make it Eve; 2 faces"
        with pytest.raises(RequestError, match=sentence):
            enrol_photo(ours, "Eve", portrait, None)
        assert rows.everything() == before
        renamed = enrol_photo(ours, "Eve", portrait, None, rename=True)
        assert renamed.renamed_from == "Bob"
        assert renamed.relatives == 2
        assert {row["name"] for row in rows.read("SELECT name FROM faces")} == {"Eve"}

    def test_by_id_a_face_becomes_a_master_too(self, ours: Tools, rows: Rows) -> None:
        master = rows.master(A)
        face = rows.face(rows.image(), near(A, 0.1), parent_id=master)
        enrol_face(ours.store, "Ann", face)
        row = rows.one("SELECT * FROM faces WHERE id = :id", id=face)
        assert row["name"] == "Ann"
        assert row["status"] == "ok"
        assert row["parent_id"] is None


@pytest.mark.parametrize("url", ["mariadb v1", "mariadb v2", "mariadb all"], indirect=True)
def test_in_the_apps_database_portraits_are_refused(rows: Rows, tools: Tools, portrait: Path) -> None:
    with pytest.raises(RequestError, match="use `enrol NAME --id ID`"):
        enrol_photo(tools, "Ann", portrait, None)


def test_naming_a_face_names_its_untouched_relatives(rows: Rows, store: Store) -> None:
    face = rows.face(rows.image(), A, name="old")
    child = rows.face(rows.image(filename="b.jpg"), A, parent_id=face, name="old")
    touched = rows.face(rows.image(filename="c.jpg"), A, parent_id=face, status="unknown")
    removed = rows.face(rows.image(filename="d.jpg"), A, parent_id=face, deleted_at="2020-01-01 00:00:00")
    enrolled = enrol_face(store, "Ann", face)
    assert enrolled.relatives == 1
    names = {row["id"]: (row["name"], row["status"]) for row in rows.read("SELECT * FROM faces")}
    assert names == {
        face: ("Ann", "ok"),
        child: ("Ann", "process"),
        touched: (None, "unknown"),
        removed: (None, "process"),
    }


@pytest.mark.parametrize("url", ["mariadb v1", "mariadb v2", "mariadb all"], indirect=True)
def test_in_the_apps_database_a_linked_face_is_named_as_a_click_does_it(rows: Rows, store: Store) -> None:
    master = rows.master(A)
    face = rows.face(rows.image(), A, parent_id=master)
    sibling = rows.face(rows.image(filename="b.jpg"), A, parent_id=master)
    assert enrol_face(store, "Ann", face).parent_id == master
    rows_now = {row["id"]: row for row in rows.read("SELECT * FROM faces")}
    assert rows_now[face]["status"] == "ok"
    assert rows_now[face]["parent_id"] == master
    assert rows_now[sibling]["name"] == "Ann"
    assert rows_now[sibling]["status"] == "process"
    assert rows_now[master]["name"] is None


def test_a_face_that_a_person_named_is_only_renamed_where_that_is_said(rows: Rows, store: Store) -> None:
    face = rows.face(rows.image(), A, name="Bob", status="ok")
    rows.face(rows.image(filename="b.jpg"), A, parent_id=face)
    before = rows.everything()
    with pytest.raises(RequestError, match=r"2020/a\.jpg: .* named face 0 in it Bob, .* 1 faces linked to it will"):
        enrol_face(store, "Eve", face)
    assert rows.everything() == before
    assert enrol_face(store, "Eve", face, rename=True).renamed_from == "Bob"
    assert {row["name"] for row in rows.read("SELECT name FROM faces")} == {"Eve"}


def test_a_name_that_came_by_a_link_is_no_persons_word(rows: Rows, store: Store) -> None:
    face = rows.face(rows.image(), A, parent_id=rows.master(A, name="Bob"), name="Bob")
    assert enrol_face(store, "Eve", face).renamed_from is None


@pytest.mark.parametrize("url", ["mariadb v1", "mariadb v2", "mariadb all"], indirect=True)
def test_the_apps_rows_are_not_rewritten_for_another_way_of_writing(rows: Rows, store: Store) -> None:
    face = rows.face(rows.image(), A, name="Zoe\u0308", status="ok")
    rows.face(rows.image(filename="b.jpg"), A, parent_id=face, name="Zoe\u0308")
    before = rows.everything()
    assert enrol_face(store, "Zo\u00eb", face).name == "Zo\u00eb"
    assert rows.everything() == before


@pytest.mark.parametrize("values", [{"deleted_at": "2020-01-01 00:00:00"}, None])
def test_a_face_that_is_not_there_cannot_be_named(rows: Rows, store: Store, values: dict[str, str] | None) -> None:
    face = rows.face(rows.image(), A, **values) if values else 77
    with pytest.raises(RequestError, match=f"found no face {face}"):
        enrol_face(store, "Ann", face)


def test_naming_somebody_finds_the_old_photos(rows: Rows, store: Store, tools: Tools, api: FakeApi) -> None:
    old = [rows.image() for _ in range(3)]
    for image, found in zip(old, ([A, B], [near(A, 0.4)], [C]), strict=True):
        api.found = found
        process_image(tools, image)
    face = rows.faces(old[0])[0]["id"]
    enrol_face(store, "Ann", face)
    other = rows.faces(old[1])[0]["id"]
    expected = [(other, face)]
    before = rows.everything()
    assert [(one.face_id, one.parent_id) for one in link(store, dry_run=True)] == expected
    assert rows.everything() == before
    assert [(one.face_id, one.parent_id) for one in link(store)] == expected
    assert link(store) == []
    with store.reading() as transaction:
        names = {listed.id: listed.name for listed in list_faces(transaction)}
    assert names[other] == "Ann", "by way of its parent"


@pytest.mark.parametrize(
    "values",
    [
        {"status": "unknown"},
        {"status": "not_face"},
        {"status": "ok"},
        {"parent_id": 999},
        {"deleted_at": "2020-01-01 00:00:00"},
        {"encoding": None},
        {"encoding": "[1]"},
    ],
    ids=str,
)
def test_only_untouched_unlinked_faces_are_linked(rows: Rows, store: Store, values: dict[str, object]) -> None:
    rows.master(A)
    rows.face(rows.image(), near(A, 0.1), **values)
    before = rows.everything()
    assert link(store) == []
    assert rows.everything() == before


def test_somebodys_parent_is_not_linked(rows: Rows, store: Store) -> None:
    rows.master(A)
    parent = rows.face(rows.image(), near(A, 0.1))
    rows.face(rows.image(), near(A, 0.5), parent_id=parent)
    assert link(store) == []


def test_a_face_is_not_linked_to_a_master_in_its_own_photo(rows: Rows, store: Store) -> None:
    image = rows.image()
    master = rows.face(image, A, status="ok")
    face = rows.face(image, near(A, 0.1), face_index=1)
    assert link(store) == []
    assert [(one.face_id, one.parent_id) for one in link(store, linking=Linking(0.6, within_photo=True))] == [
        (face, master)
    ]


def test_a_click_between_looking_and_linking_counts(rows: Rows, store: Store) -> None:
    """The face is named by a person after it was matched and before it is locked."""
    rows.master(A)
    image = rows.image()
    face = rows.face(image, near(A, 0.1))
    linked: list[Linked] = []
    linker = Linker.of(_clicking_before_writing(store, rows, face), Linking(0.6), linked.append)
    linker.link_image(image, dry_run=False)
    assert linked == []
    assert rows.one("SELECT * FROM faces WHERE id = :id", id=face)["parent_id"] is None


def _clicking_before_writing(store: Store, rows: Rows, face: int) -> Store:
    class Clicking(Store):
        def write(self, work: Callable[[Transaction], T]) -> T:
            rows.run("UPDATE faces SET status = 'unknown' WHERE id = :id", id=face)
            return super().write(work)

    return Clicking(store._engine, store.name, store.schema)


@pytest.mark.parametrize("url", ["mariadb v4", "mariadb v5"], indirect=True)
def test_where_persons_have_the_names_no_face_is_named(rows: Rows, store: Store) -> None:
    face = rows.face(rows.image(), A)
    before = rows.everything()
    with pytest.raises(SchemaError, match=r"found a table `persons`.*`enrol`"):
        enrol_face(store, "Ann", face)
    assert rows.everything() == before
    rows.run("INSERT INTO persons (name) VALUES ('Ann')")
    rows.run("UPDATE faces SET person_id = 1")
    with store.reading() as transaction:
        assert [listed.name for listed in list_faces(transaction)] == ["Ann"]
