"""`process_image` on an image that has rows already: what is kept, filled, cleaned up and left out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.servers.fake_api import FakeApi
from tests.servers.people import PEOPLE, near
from tests.servers.rows import Rows
from worker.jobs.faces import Tools, process_image

A, B, C = PEOPLE[:3]
MakeTools = Callable[..., Tools]


def test_a_kept_row_keeps_everything_that_a_person_gave_it(rows: Rows, tools: Tools, api: FakeApi) -> None:
    master = rows.master(B)
    image = rows.image(faces_checked=1)
    old = near(A, 0.2)
    face = rows.face(image, old, status="unknown", name="Ann", parent_id=master, face_index=4)
    api.found = [B, A]
    process_image(tools, image)
    row = rows.one("SELECT * FROM faces WHERE id = :id", id=face)
    assert row["status"] == "unknown"
    assert row["name"] == "Ann"
    assert row["parent_id"] == master
    assert json.loads(row["encoding"]) == old.tolist()
    assert row["face_index"] == 1, "its number on the debug picture"


def test_an_untouched_row_without_a_parent_gets_one(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image(faces_checked=1)
    rows.face(image, A)
    rows.face(image, B, status="ok", face_index=1)
    master, _ = rows.master(near(A, 0.3)), rows.master(near(B, 0.3))
    api.found = [A, B]
    assert process_image(tools, image).linked == 1
    assert [face["parent_id"] for face in rows.faces(image)] == [master, None]


@pytest.mark.parametrize("url", ["sqlite", "mariadb v2", "mariadb all"], indirect=True)
def test_empty_quality_columns_are_filled(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image(faces_checked=1)
    rows.face(image, A)
    rows.face(image, B, face_index=1, quality_score=1.5, quality_details='{"size": 1}')
    api.found = [A, B]
    process_image(tools, image)
    assert [face["quality_score"] for face in rows.faces(image)] == [61.5, 1.5]
    assert json.loads(rows.faces(image)[1]["quality_details"]) == {"size": 1}


@pytest.mark.parametrize("encoding", [None, "[1, 2]"])
def test_a_row_without_a_readable_encoding_gets_that_of_its_place(
    rows: Rows, tools: Tools, api: FakeApi, encoding: str | None
) -> None:
    image = rows.image(faces_checked=1)
    face = rows.face(image, face_index=1, status="ok", name="Ann", encoding=encoding)
    api.found = [A, B]
    process_image(tools, image)
    row = rows.one("SELECT * FROM faces WHERE id = :id", id=face)
    assert json.loads(row["encoding"]) == B.tolist()
    assert row["name"] == "Ann"


def test_doubles_of_a_php_worker_that_died_are_cleaned_up(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    first = rows.face(image, A)
    rows.face(image, B, face_index=1)
    rows.face(image, A)
    named = rows.face(image, B, face_index=1, status="ok", name="Ann")
    api.found = [A, B]
    process_image(tools, image)
    assert [face["id"] for face in rows.faces(image)] == [first, named]
    deleted = rows.read("SELECT * FROM faces WHERE deleted_at IS NOT NULL")
    assert len(deleted) == 2
    assert all(row["deleted_at"] == row["updated_at"] for row in deleted)


def test_somebodys_parent_is_touched(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image, other = rows.image(), rows.image(filename="other.jpg")
    parent = rows.face(image, B)
    rows.face(other, near(B, 0.1), parent_id=parent)
    api.found = [A]
    process_image(tools, image)
    assert [face["id"] for face in rows.faces(image)][1:] == [parent]


def test_a_removed_child_makes_nobody_a_parent(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    face = rows.face(image, B)
    rows.face(rows.image(filename="other.jpg"), B, parent_id=face, deleted_at="2020-01-01 00:00:00")
    process_image(tools, image)
    assert rows.faces(image) == []


def test_what_somebody_removed_does_not_come_back(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image(faces_checked=1)
    rows.face(image, A, deleted_at="2020-01-01 00:00:00")
    api.found = [A]
    process_image(tools, image)
    assert rows.faces(image) == []
