"""process_image on real databases: what becomes of rows, in the order of the job's rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from faces.errors import (
    EngineError,
    FaceApiUnavailable,
    FileMissing,
    ImageMissing,
    OutsideDisks,
    UnsupportedFormat,
)
from faces.linking import Linking
from tests.servers.fake_api import FakeApi
from tests.servers.people import PEOPLE, near
from tests.servers.rows import Rows
from worker.process import Tools, process_image

A, B, C = PEOPLE[:3]
MakeTools = Callable[..., Tools]


def test_a_new_image_gets_its_faces(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.found = [A, B]
    done = process_image(tools, image)
    assert (done.found, done.inserted, done.removed, done.linked) == (2, 2, 0, 0)
    faces = rows.faces(image)
    assert [face["face_index"] for face in faces] == [0, 1]
    assert [json.loads(face["encoding"]) for face in faces] == [A.tolist(), B.tolist()]
    for face in faces:
        assert (face["status"], face["name"], face["parent_id"], face["deleted_at"]) == ("process", None, None, None)
        assert face["created_at"] == face["updated_at"] is not None
    row = rows.one("SELECT * FROM images")
    assert (row["faces_checked"], row["debug_filename"], row["last_error"]) == (1, "debug_a.jpg", None)
    assert row["updated_at"] == faces[0]["updated_at"]
    assert row["status"] == "process"


def test_the_api_is_told_where_the_original_lies(rows: Rows, tools: Tools, api: FakeApi, disk: Path) -> None:
    process_image(tools, rows.image())
    assert f"{disk}/2020/a.jpg".encode() in api.requests[0]


@pytest.mark.parametrize("path", [None, ""])
def test_an_image_without_a_path_lies_in_the_disks_root(
    rows: Rows, tools: Tools, api: FakeApi, disk: Path, path: str | None
) -> None:
    (disk / "b.jpg").write_bytes(b"b")
    process_image(tools, rows.image(path=path, filename="b.jpg"))
    assert f"{disk}/b.jpg".encode() in api.requests[0]


def test_a_photo_without_faces_is_done(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image(last_error="an old one", debug_filename="old")
    api.more = {"debug_image_path": None}
    process_image(tools, image)
    row = rows.one("SELECT * FROM images")
    assert (row["faces_checked"], row["debug_filename"], row["last_error"]) == (1, None, None)


def test_encodings_are_the_bytes_that_php_would_write(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.found = [np.array([0.0, 1.0, -0.0, 1e-5, 0.1 + 0.2] + [0.5] * 123)]
    process_image(tools, image)
    assert rows.faces(image)[0]["encoding"].startswith("[0,1,-0,1.0e-5,0.30000000000000004,0.5,")


def test_quality_and_box_go_into_the_columns_that_exist(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.found = [A]
    process_image(tools, image)
    face = rows.faces(image)[0]
    columns = tools.store.schema.face_columns
    if "quality_score" in columns:
        assert face["quality_score"] == 61.5
        assert face["quality_details"] == '{"size":7,"sharpness":20.5,"brightness":18,"contrast":16}'
    if "box" in columns:
        assert json.loads(face["box"]) == {"top": 0.25, "right": 0.5, "bottom": 0.75, "left": 0.0}


def test_doing_it_twice_changes_nothing(rows: Rows, tools: Tools, api: FakeApi) -> None:
    rows.master(near(A, 0.3))
    image = rows.image()
    api.found = [A, B]
    process_image(tools, image)
    rows.run("UPDATE faces SET updated_at = '2020-01-01 00:00:00'")
    rows.run("UPDATE images SET updated_at = '2020-01-01 00:00:00'")
    before = rows.everything()
    done = process_image(tools, image)
    assert (done.inserted, done.removed, done.linked) == (0, 0, 0)
    assert rows.everything() == before, "not even updated_at"


def test_faces_are_linked_to_the_nearest_master(rows: Rows, tools: Tools, api: FakeApi) -> None:
    far, nearest = rows.master(near(A, 0.5)), rows.master(near(A, 0.3, seed=1))
    image = rows.image()
    api.found = [A, B]
    done = process_image(tools, image)
    assert far != nearest
    assert [face["parent_id"] for face in rows.faces(image)] == [nearest, None]
    assert done.linked == 1


def test_of_equally_near_masters_the_smallest_id_is_the_parent(rows: Rows, tools: Tools, api: FakeApi) -> None:
    first, _ = rows.master(near(A, 0.3)), rows.master(near(A, 0.3))
    image = rows.image()
    api.found = [A]
    process_image(tools, image)
    assert rows.faces(image)[0]["parent_id"] == first


@pytest.mark.parametrize(
    "values",
    [
        {"status": "process"},
        {"status": "unknown"},
        {"status": "not_face"},
        {"status": "ok", "parent_id": 1},
        {"status": "ok", "deleted_at": "2020-01-01 00:00:00"},
        {"status": "ok", "encoding": None},
        {"status": "ok", "encoding": "[0.1, 0.2]"},
        {"status": "ok", "encoding": '{"a": 1}'},
        {"status": "ok", "encoding": json.dumps(["a"] * 128)},
    ],
    ids=str,
)
def test_only_verified_roots_with_a_readable_encoding_are_candidates(
    rows: Rows, tools: Tools, api: FakeApi, values: dict[str, Any]
) -> None:
    rows.face(rows.image(filename="other.jpg"), A, **values)
    image = rows.image()
    api.found = [A]
    process_image(tools, image)
    assert rows.faces(image)[0]["parent_id"] is None


def test_the_images_own_faces_are_no_candidates(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image(faces_checked=1)
    rows.face(image, A, status="ok", name="Ann")
    api.found = [A, near(A, 0.4)]
    process_image(tools, image)
    assert [face["parent_id"] for face in rows.faces(image)] == [None, None]


def test_faces_of_one_photo_are_linked_to_their_root_where_that_is_set(
    rows: Rows, make_tools: MakeTools, api: FakeApi
) -> None:
    image = rows.image()
    api.found = [A, near(A, 0.3), B, near(A, 0.2, seed=1)]
    tools = make_tools(Linking(0.6, within_photo=True))
    process_image(tools, image)
    first, second, third, fourth = rows.faces(image)
    assert [face["parent_id"] for face in (first, second, third, fourth)] == [None, first["id"], None, first["id"]]
    before = rows.everything()
    process_image(tools, image)
    assert rows.everything() == before


def test_within_a_photo_a_confirmed_face_is_a_candidate_too(rows: Rows, make_tools: MakeTools, api: FakeApi) -> None:
    image = rows.image(faces_checked=1)
    confirmed = rows.face(image, A, status="ok", face_index=1)
    api.found = [near(A, 0.4), A]
    process_image(make_tools(Linking(0.6, within_photo=True)), image)
    assert [face["parent_id"] for face in rows.faces(image)] == [confirmed, None]


def test_a_kept_row_keeps_everything_that_a_person_gave_it(rows: Rows, tools: Tools, api: FakeApi) -> None:
    master = rows.master(B)
    image = rows.image(faces_checked=1)
    old = near(A, 0.2)
    face = rows.face(image, old, status="unknown", name="Ann", parent_id=master, face_index=4)
    api.found = [B, A]
    process_image(tools, image)
    row = rows.one("SELECT * FROM faces WHERE id = :id", id=face)
    assert (row["status"], row["name"], row["parent_id"]) == ("unknown", "Ann", master)
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


def test_a_missing_image_is_told(tools: Tools) -> None:
    with pytest.raises(ImageMissing, match="found no image 77"):
        process_image(tools, 77)


def test_an_image_that_goes_while_its_photo_is_read_leaves_nothing(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.found = [A]
    api.before = lambda: rows.run("DELETE FROM images") and None
    with pytest.raises(ImageMissing, match="was removed"):
        process_image(tools, image)
    assert rows.everything() == []


def test_what_was_clicked_while_the_photo_was_read_counts(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    rows.face(image, B, face_index=7)
    api.found = [A]
    api.before = lambda: rows.run("UPDATE faces SET status = 'ok', name = 'Ann'") and None
    process_image(tools, image)
    assert [face["name"] for face in rows.faces(image)] == [None, "Ann"]


def test_no_transaction_is_open_while_a_photo_is_read(rows: Rows, tools: Tools, api: FakeApi) -> None:
    """Another program writes the same row meanwhile, and neither waits."""
    image = rows.image()
    api.before = lambda: rows.run("UPDATE images SET metadata = '{}'") and None
    process_image(tools, image)
    assert rows.one("SELECT * FROM images")["metadata"] == "{}"


def test_a_refused_photo_is_noted_and_nothing_else_changes(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    rows.face(image, A)
    api.answer = httpx2.Response(415, json={"error": "no picture", "code": "unsupported_format"})
    before = rows.read("SELECT * FROM faces")
    with pytest.raises(UnsupportedFormat, match="no picture"):
        process_image(tools, image)
    row = rows.one("SELECT * FROM images")
    assert row["last_error"] == 'HTTP 415: {"error":"no picture","code":"unsupported_format"}'
    assert (row["faces_checked"], row["debug_filename"]) == (0, None)
    assert row["updated_at"] is not None
    assert rows.read("SELECT * FROM faces") == before


@pytest.mark.parametrize("text", ["日" * 5000, "😀" * 5000, "x" * 5000])
def test_a_long_refusal_fits_the_column(rows: Rows, tools: Tools, api: FakeApi, text: str) -> None:
    image = rows.image()
    api.answer = httpx2.Response(500, text=text)
    with pytest.raises(EngineError):
        process_image(tools, image)
    assert rows.one("SELECT * FROM images")["last_error"].startswith(f"HTTP 500: {text[:100]}")


def test_an_api_that_is_away_is_noted(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.answer = httpx2.Response(503, json={"error": "busy", "code": "busy"}, headers={"Retry-After": "2"})
    with pytest.raises(FaceApiUnavailable) as caught:
        process_image(tools, image)
    assert caught.value.retry_after == 2
    assert rows.one("SELECT * FROM images")["last_error"].startswith("HTTP 503")


def test_a_missing_file_is_noted(rows: Rows, tools: Tools, disk: Path) -> None:
    image = rows.image(filename="gone.jpg")
    with pytest.raises(FileMissing):
        process_image(tools, image)
    assert "gone.jpg" in rows.one("SELECT * FROM images")["last_error"]


def test_a_file_outside_the_disks_is_noted_and_not_read(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image(path="../..", filename="secret.jpg")
    with pytest.raises(OutsideDisks):
        process_image(tools, image)
    assert api.requests == []
    assert rows.one("SELECT * FROM images")["last_error"] is not None


def test_other_jobs_columns_are_left_alone(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image(width=1, height=2, size=3, status="ok", thumbnail_filename="t.jpg", faces_checked=1)
    api.found = [A]
    process_image(tools, image)
    row = rows.one("SELECT * FROM images")
    assert (row["width"], row["height"], row["size"], row["status"], row["thumbnail_filename"]) == (
        *(1, 2, 3),
        "ok",
        "t.jpg",
    )


def test_sixty_faces_and_more_than_an_image_can_have(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.found = list(PEOPLE[:260])
    done = process_image(tools, image)
    assert [face["face_index"] for face in rows.faces(image)] == list(range(256))
    assert done.warnings == ("4 of 260 found faces have no row: an image can have 256",)
