"""The app's later versions, where faces are suggested to be a person: process_image and link on a real MariaDB."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from faces.people.linking import Linking
from faces.store.database import Store, Transaction
from faces.store.listing import list_faces
from faces.store.persons import Persons
from tests.servers.fake_api import FakeApi
from tests.servers.people import PEOPLE, near
from tests.servers.rows import Rows
from worker.commands.link import Linked, Linker
from worker.jobs.faces import Tools, process_image

A, B, C = PEOPLE[:3]


pytestmark = pytest.mark.parametrize("url", ["mariadb v4", "mariadb v5", "sqlite v5"], indirect=True)


def person(rows: Rows, centroid: np.ndarray | None, name: str = "Ann", **values: Any) -> int:
    text = None if centroid is None else json.dumps(centroid.tolist())
    row = {"name": name, "centroid_embedding": text, "embeddings_count": 3} | values
    names = ", ".join(row)
    return rows.run(f"INSERT INTO persons ({names}) VALUES ({', '.join(':' + one for one in row)})", **row)


def persons(rows: Rows) -> list[dict[str, Any]]:
    return rows.read("SELECT * FROM persons ORDER BY id")


def links(rows: Rows, image: int) -> list[tuple[str, int | None]]:
    return [(face["status"], face["person_id"]) for face in rows.faces(image)]


def link(store: Store, *, dry_run: bool = False) -> list[Linked]:
    linked: list[Linked] = []
    linker = Linker.of(store, Linking(0.6), linked.append)
    for image in linker.images():
        linker.link_image(image, dry_run=dry_run)
    return linked


def test_faces_are_suggested_to_be_the_nearest_person(rows: Rows, tools: Tools, api: FakeApi) -> None:
    far, nearest = person(rows, near(A, 0.5)), person(rows, near(A, 0.3, seed=1))
    before = persons(rows)
    image = rows.image()
    api.found = [A, B]
    done = process_image(tools, image)
    assert far != nearest
    assert links(rows, image) == [("suggested", nearest), ("process", None)]
    assert done.linked == 1
    assert done.distances == pytest.approx((0.3,))
    face = rows.faces(image)[0]
    assert face["quality_score"] == 61.5
    assert face["is_reference"] == 0
    assert face["deleted_at"] is None
    assert face["created_at"] == face["updated_at"] is not None
    assert persons(rows) == before, "persons are never written"
    with tools.store.reading() as transaction:
        assert [listed.name for listed in list_faces(transaction)] == ["Ann", None]


def test_the_distance_is_strictly_below_the_threshold(
    rows: Rows, make_tools: Callable[..., Tools], api: FakeApi
) -> None:
    person(rows, np.array([0.5] + [0.0] * 127))
    image = rows.image()
    api.found = [np.zeros(128)]
    process_image(make_tools(Linking(0.5)), image)
    assert links(rows, image) == [("process", None)]
    process_image(make_tools(Linking(0.5000001)), image)
    assert links(rows, image) == [("suggested", 1)]


def test_of_equally_near_persons_the_first_is_suggested(rows: Rows, tools: Tools, api: FakeApi) -> None:
    first, _ = person(rows, near(A, 0.3)), person(rows, near(A, 0.3))
    image = rows.image()
    api.found = [A]
    process_image(tools, image)
    assert links(rows, image) == [("suggested", first)]


def test_faces_of_one_photo_may_be_the_same_person_and_the_images_own_count(
    rows: Rows, tools: Tools, api: FakeApi
) -> None:
    ann = person(rows, A)
    image = rows.image(faces_checked=1)
    rows.face(image, near(A, 0.1), status="ok", person_id=ann)
    api.found = [near(A, 0.1), near(A, 0.4, seed=1)]
    process_image(tools, image)
    assert links(rows, image) == [("ok", ann), ("suggested", ann)]


@pytest.mark.parametrize(
    "values",
    [
        {"centroid_embedding": None},
        {"embeddings_count": 0},
        {"centroid_embedding": '{"a": 1}'},
        {"centroid_embedding": '"text"'},
        {"centroid_embedding": '["x"]'},
        {"centroid_embedding": "[true]"},
        {"centroid_embedding": "[1e400]"},
        {"centroid_embedding": f"[1{'0' * 400}]"},
    ],
    ids=str,
)
def test_only_persons_with_a_readable_centroid_of_something_are_candidates(
    rows: Rows, tools: Tools, api: FakeApi, values: dict[str, Any]
) -> None:
    person(rows, np.zeros(128), **values)
    image = rows.image()
    api.found = [near(np.zeros(128), 0.7)]
    process_image(tools, image)
    assert links(rows, image) == [("process", None)]


@pytest.mark.parametrize(
    "centroid",
    [
        json.dumps([0.25]),
        f"[0.25{', 0' * 127}, 99.0, 99.0]",
        json.dumps([0.25, None, 0]),
        json.dumps({"0": 0.25, "5": 0}),
    ],
    ids=["short", "long", "null", "gaps"],
)
def test_of_a_centroid_the_first_128_components_count_and_a_missing_one_is_0(
    rows: Rows, tools: Tools, api: FakeApi, centroid: str
) -> None:
    ann = person(rows, None, centroid_embedding=centroid)
    image = rows.image()
    api.found = [np.array([0.25] + [0.0] * 127)]
    assert process_image(tools, image).distances == (0.0,)
    assert links(rows, image) == [("suggested", ann)]


@pytest.mark.parametrize(
    ("status", "other", "becomes"),
    [
        ("process", None, ("suggested", 1)),
        ("process", 2, ("process", 2)),
        ("suggested", 2, ("suggested", 2)),
        ("suggested", None, ("suggested", None)),
        ("ok", 2, ("ok", 2)),
        ("ok", None, ("ok", None)),
        ("unknown", None, ("unknown", None)),
        ("not_face", None, ("not_face", None)),
    ],
)
def test_only_rows_in_process_without_a_person_become_suggested(
    rows: Rows, tools: Tools, api: FakeApi, status: str, other: int | None, becomes: tuple[str, int | None]
) -> None:
    person(rows, A)
    person(rows, C, "Ben")
    image = rows.image(faces_checked=1)
    rows.face(image, A, status=status, person_id=other)
    api.found = [A]
    process_image(tools, image)
    assert links(rows, image) == [becomes]


def test_a_reference_face_is_left_alone(rows: Rows, tools: Tools, api: FakeApi) -> None:
    person(rows, A)
    image = rows.image(faces_checked=1)
    rows.face(image, A, is_reference=1)
    api.found = [A]
    process_image(tools, image)
    assert links(rows, image) == [("process", None)]


def test_a_person_beside_process_was_somebodys_word_and_stays(rows: Rows, tools: Tools, api: FakeApi) -> None:
    """Rows of a first run that match nothing are removed, but not one that was given a person."""
    ann = person(rows, C)
    image = rows.image()
    kept, _ = rows.face(image, B, person_id=ann), rows.face(image, C, status="suggested", person_id=ann)
    api.found = [A]
    process_image(tools, image)
    assert [face["id"] for face in rows.faces(image)][1:] == [kept]


def test_doing_it_twice_changes_nothing(rows: Rows, tools: Tools, api: FakeApi) -> None:
    person(rows, near(A, 0.3))
    image = rows.image()
    api.found = [A, B]
    process_image(tools, image)
    rows.run("UPDATE faces SET updated_at = '2020-01-01 00:00:00'")
    before = rows.everything()
    process_image(tools, image)
    assert rows.everything() == before


class Between(Persons):
    """Somebody changes persons after they were read, once."""

    def __init__(self, change: Callable[[], object]) -> None:
        super().__init__()
        self._change: list[Callable[[], object]] = [change]

    def read(self, transaction: Transaction) -> Any:
        candidates = super().read(transaction)
        if self._change:
            transaction.connection.rollback()
            self._change.pop()()
        return candidates


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM persons WHERE id = 2",
        "UPDATE persons SET embeddings_count = 0 WHERE id = 2",
        "UPDATE persons SET centroid_embedding = NULL WHERE id = 2",
        "UPDATE persons SET centroid_embedding = '[9]' WHERE id = 2",
    ],
)
def test_a_chosen_person_is_read_again_under_a_lock(rows: Rows, tools: Tools, api: FakeApi, change: str) -> None:
    other, _ = person(rows, near(A, 0.5)), person(rows, near(A, 0.3, seed=1))
    image = rows.image()
    api.found = [A]
    reader = Between(lambda: rows.run(change))
    process_image(Tools(tools.store, tools.client, tools.disks, tools.linking, reader), image)
    assert links(rows, image) == [("suggested", other)]


def test_a_centroid_that_comes_nearer_meanwhile_is_matched_as_it_is_now(rows: Rows, tools: Tools, api: FakeApi) -> None:
    person(rows, near(A, 0.5))
    image = rows.image()
    api.found = [A]
    nearer = json.dumps(near(A, 0.1).tolist())
    reader = Between(lambda: rows.run("UPDATE persons SET centroid_embedding = :nearer", nearer=nearer))
    done = process_image(Tools(tools.store, tools.client, tools.disks, tools.linking, reader), image)
    assert done.distances == pytest.approx((0.1,))


def test_persons_are_read_once_until_one_of_them_changes(rows: Rows, store: Store, url: str) -> None:
    """Two changes within a second have the same `updated_at`: it is the centroid's bytes that count.

    SQLite has no sum of bytes, and is always read.
    """
    person(rows, A, updated_at="2020-01-01 00:00:00")
    person(rows, B, updated_at="2020-01-01 00:00:00")
    reader = Persons()
    with store.reading() as transaction:
        first = reader.read(transaction)
        assert (reader.read(transaction) is first) == url.startswith("mysql")
    rows.run("UPDATE persons SET centroid_embedding = :text WHERE id = 1", text=json.dumps(C.tolist()))
    with store.reading() as transaction:
        assert reader.read(transaction).encodings.tolist() == [C.tolist(), B.tolist()]
    rows.run("DELETE FROM persons WHERE id = 1")
    with store.reading() as transaction:
        assert reader.read(transaction).ids.tolist() == [2]


def test_link_suggests_persons_for_faces_found_before(rows: Rows, store: Store) -> None:
    image = rows.image(faces_checked=1)
    face = rows.face(image, near(A, 0.3))
    rows.face(image, B, face_index=1)
    ann = person(rows, A)
    expected = [(face, None, ann)]
    before = rows.everything()
    assert [(one.face_id, one.parent_id, one.person_id) for one in link(store, dry_run=True)] == expected
    assert rows.everything() == before
    assert [(one.face_id, one.parent_id, one.person_id) for one in link(store)] == expected
    assert links(rows, image) == [("suggested", ann), ("process", None)]
    assert link(store) == []


@pytest.mark.parametrize(
    "values",
    [
        {"status": "unknown"},
        {"status": "ok"},
        {"status": "suggested"},
        {"person_id": 2},
        {"is_reference": 1},
        {"deleted_at": "2020-01-01 00:00:00"},
        {"encoding": None},
    ],
    ids=str,
)
def test_link_leaves_everything_else_alone(rows: Rows, store: Store, values: dict[str, object]) -> None:
    person(rows, A)
    person(rows, C, "Ben")
    rows.face(rows.image(), near(A, 0.1), **values)
    before = rows.everything()
    assert link(store) == []
    assert rows.everything() == before
