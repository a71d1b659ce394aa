"""Which faces are listed, in which order, page by page: the same on every database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from faces.errors import RequestError
from faces.store import face_pages
from faces.store.database import Store
from faces.store.face_names import spellings_of
from faces.store.face_pages import Choice, FaceOrder, page_of_faces, page_of_images
from faces.store.listing import list_faces, read_faces
from tests.servers.people import PEOPLE, near
from tests.servers.rows import Rows

A, B = PEOPLE[:2]

COMPOSED, DECOMPOSED = "Zo\u00eb", "Zoe\u0308"


@pytest.fixture
def library(rows: Rows) -> list[int]:
    """Seven faces on four images, in the order of places, which is not that of ids; one more is deleted."""
    late, early, empty, middle = (rows.image(filename=f"{name}.jpg") for name in "zabm")
    ids = {
        "z1": rows.face(late, A, face_index=1),
        "z0": rows.face(late, A, face_index=0),
        "a0": rows.face(early, A, face_index=0),
        "a2": rows.face(early, A, face_index=2),
        "a1": rows.face(early, A, face_index=1),
        "m0": rows.face(middle, A, face_index=0),
        "m1": rows.face(middle, A, face_index=1),
    }
    rows.face(empty, A, deleted_at="2020-01-01 00:00:00")
    return [ids[name] for name in ("a0", "a1", "a2", "m0", "m1", "z0", "z1")]


def pages(store: Store, order: FaceOrder, size: int, spellings: list[str] | None = None) -> Iterator[list[int]]:
    offset = 0
    while True:
        with store.reading() as transaction:
            page = page_of_faces(transaction, Choice(spellings, size, offset), order)
        if not page:
            return
        yield list(page)
        offset += size


def listed(store: Store, choice: Choice = Choice(), order: FaceOrder = FaceOrder.PLACES) -> list[int]:  # noqa: B008  a value
    with store.reading() as transaction:
        return list(page_of_faces(transaction, choice, order))


def spellings(store: Store, name: str) -> list[str]:
    with store.reading() as transaction:
        return spellings_of(transaction, name)


def test_faces_are_in_the_order_of_their_photos_places_and_numbers(store: Store, library: list[int]) -> None:
    assert listed(store) == library


def test_in_the_order_of_ids_they_are_as_they_are_listed_whole(store: Store, library: list[int]) -> None:
    with store.reading() as transaction:
        whole = [face.id for face in list_faces(transaction)]
    assert listed(store, order=FaceOrder.IDS) == whole
    assert sorted(whole) == sorted(library)


@pytest.mark.parametrize("order", FaceOrder)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_together_are_the_whole(store: Store, library: list[int], order: FaceOrder, size: int) -> None:
    found = list(pages(store, order, size))
    assert [face for page in found for face in page] == listed(store, order=order)
    assert all(len(page) == size for page in found[:-1])


@pytest.mark.parametrize("order", FaceOrder)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_behind_the_last_face_of_the_one_before_are_the_same(
    store: Store, library: list[int], order: FaceOrder, size: int
) -> None:
    whole = listed(store, order=order)
    found = whole[:1]
    while page := listed(store, Choice(limit=size, after=found[-1]), order):
        found += page
        assert len(page) <= size
    assert found == whole


def test_behind_a_face_come_its_folder_its_disk_and_the_other_disks(store: Store, rows: Rows) -> None:
    places = [
        {"disk": disk, "path": path, "filename": name}
        for disk in (None, "a", "b")
        for path in (None, "2020", "2021")
        for name in ("x.jpg", "y.jpg")
    ]
    faces = [rows.face(rows.image(**place)) for place in places + places]
    whole = [face for pair in zip(faces, faces[len(places) :], strict=False) for face in pair]
    assert listed(store) == whole
    for at, face in enumerate(whole):
        assert listed(store, Choice(after=face)) == whole[at + 1 :]
        assert listed(store, Choice(after=face, limit=3)) == whole[at + 1 : at + 4]


def test_behind_a_face_that_is_not_there_is_no_page(store: Store) -> None:
    with pytest.raises(RequestError, match="found no face f99, needed the id of one; `faces` lists them"):
        listed(store, Choice(after=99))


def test_more_images_than_are_asked_for_at_a_time(store: Store, rows: Rows) -> None:
    count = face_pages._CHUNK + 3
    images = [rows.image(filename=f"{count - number:05}.jpg") for number in range(count)]
    faces = [rows.face(image) for image in images]
    assert listed(store) == faces[::-1]
    assert listed(store, Choice(limit=2, offset=count - 2)) == faces[1::-1]


def test_faces_are_read_with_their_images_in_the_order_asked_for(store: Store, library: list[int]) -> None:
    with store.reading() as transaction:
        read = [(face.id, image.filename) for face, image in read_faces(transaction, library[::-1])]
    assert read == list(zip(library[::-1], ["z.jpg"] * 2 + ["m.jpg"] * 2 + ["a.jpg"] * 3, strict=True))


def test_what_is_removed_meanwhile_is_left_out(store: Store, library: list[int]) -> None:
    with store.reading() as transaction:
        assert [face.id for face, _ in read_faces(transaction, [library[0], 999])] == library[:1]


def test_every_spelling_of_a_name_is_found(store: Store, rows: Rows) -> None:
    for number, name in enumerate((COMPOSED, DECOMPOSED, "ZO\u00cb", "Zoe", "Zo\u00eb  ", "Eve")):
        rows.face(rows.image(filename=f"{number}.jpg"), A, name=name, status="ok")
    found = spellings(store, f" {COMPOSED} ")
    assert set(found) == {COMPOSED, DECOMPOSED, "ZO\u00cb", "Zo\u00eb  "}
    with store.reading() as transaction:
        faces = [
            face for face, _ in read_faces(transaction, page_of_faces(transaction, Choice(found), FaceOrder.PLACES))
        ]
    assert [face.name for face in faces] == [COMPOSED, COMPOSED, "ZO\u00cb", COMPOSED]


def test_nobody_of_that_name_is_no_spelling_and_no_face(store: Store, rows: Rows) -> None:
    rows.master(A, name="Ann")
    assert spellings(store, "Anna") == []
    assert listed(store, Choice([])) == []


def test_a_linked_face_is_found_by_its_masters_name_and_not_by_an_old_copy(store: Store, rows: Rows) -> None:
    master = rows.master(A, name="Ann")
    linked = rows.face(rows.image(filename="b.jpg"), near(A, 0.1), parent_id=master, name="Anna")
    said = rows.face(rows.image(filename="c.jpg"), near(A, 0.1), parent_id=master, name="Bob", status="ok")
    assert listed(store, Choice(["Ann"])) == [linked, master]
    assert listed(store, Choice(["Bob"])) == [said]
    assert listed(store, Choice(["Anna"])) == []


def test_photos_of_a_person_are_in_the_order_of_their_places(store: Store, rows: Rows) -> None:
    master = rows.master(A, name="Ann")
    photos = [rows.image(filename=f"{name}.jpg") for name in "cba"]
    for photo in photos:
        rows.face(photo, near(A, 0.1), parent_id=master)
        rows.face(photo, near(A, 0.1), parent_id=master, face_index=1)
    with store.reading() as transaction:
        assert list(page_of_images(transaction, Choice(["Ann"], 2, 1))) == photos[1::-1]
        assert len(page_of_images(transaction, Choice())) == 4


@pytest.mark.parametrize("url", ["mariadb v4", "mariadb v5", "sqlite v5"], indirect=True)
def test_where_persons_have_the_names_their_faces_are_found(store: Store, rows: Rows) -> None:
    person = rows.run("INSERT INTO persons (name) VALUES (:name)", name=DECOMPOSED)
    face = rows.face(rows.image(), A, person_id=person)
    rows.face(rows.image(filename="b.jpg"), B)
    assert spellings(store, COMPOSED) == [DECOMPOSED]
    assert listed(store, Choice([DECOMPOSED])) == [face]
    assert len(listed(store)) == 2


@pytest.mark.parametrize("choice", [Choice(limit=5), Choice(["Ann"], 5)], ids=["all", "of a person"])
@pytest.mark.parametrize("order", FaceOrder)
def test_in_a_file_of_our_own_a_page_is_found_without_reading_a_face(
    tmp_path: Path, choice: Choice, order: FaceOrder
) -> None:
    """Each row is the size of its encoding: 200,000 of them are 800 MB."""
    store = Store.open(f"sqlite:///{tmp_path}/faces.db", create=True)
    asked: list[tuple[str, Any]] = []
    with store.reading() as transaction:
        sa.event.listen(
            transaction.connection,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, parameters, *_: asked.append((statement, parameters)),
        )
        page_of_faces(transaction, choice, order)
        statement, parameters = asked[-1]
        plan = transaction.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        steps = [row[3] for row in plan]
    store.close()
    # Of few faces with a name each one's row is read, by its id.
    by_id = "SEARCH faces USING INTEGER PRIMARY KEY (rowid=?)" if choice.spellings else ""
    read = [step for step in steps if " faces " in step and "COVERING INDEX" not in step]
    assert set(read) <= {by_id}
