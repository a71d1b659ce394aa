"""process_image on real databases: what becomes of rows, in the order of the job's rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.errors import NoDiskForPicture
from faces.people.linking import Linking
from tests.servers.fake_api import FakeApi
from tests.servers.people import PEOPLE, near
from tests.servers.rows import Rows
from worker.jobs.faces import Tools, process_image

A, B, C = PEOPLE[:3]
MakeTools = Callable[..., Tools]


def test_a_new_image_gets_its_faces(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.found = [A, B]
    done = process_image(tools, image)
    assert done.found == 2
    assert done.inserted == 2
    assert done.removed == 0
    assert done.linked == 0
    faces = rows.faces(image)
    assert [face["face_index"] for face in faces] == [0, 1]
    assert [json.loads(face["encoding"]) for face in faces] == [A.tolist(), B.tolist()]
    for face in faces:
        assert face["status"] == "process"
        assert face["name"] is None
        assert face["parent_id"] is None
        assert face["deleted_at"] is None
        assert face["created_at"] == face["updated_at"] is not None
    row = rows.one("SELECT * FROM images")
    assert row["faces_checked"] == 1
    assert row["debug_filename"] == "debug_a.jpg"
    assert row["last_error"] is None
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
    process_image(tools, image)
    row = rows.one("SELECT * FROM images")
    assert row["faces_checked"] == 1
    assert row["debug_filename"] == "debug_a.jpg"
    assert row["last_error"] is None


def test_a_reply_without_its_picture_changes_nothing_but_last_error(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.found = [A]
    api.more = {"debug_image_path": None, "warnings": ["no debug picture: a reason"]}
    with pytest.raises(NoDiskForPicture, match="a reason"):
        process_image(tools, image)
    row = rows.one("SELECT * FROM images")
    assert row["faces_checked"] == 0
    assert row["debug_filename"] is None
    assert row["last_error"].startswith(
        "the face API at http://api wrote no debug picture (no debug picture: a reason)"
    )
    assert rows.faces(image) == []
    process_image(replace(tools, pictures_required=False), image)
    assert rows.one("SELECT faces_checked FROM images")["faces_checked"] == 1
    assert len(rows.faces(image)) == 1


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
    assert done.inserted == 0
    assert done.removed == 0
    assert done.linked == 0
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


def test_other_jobs_columns_are_left_alone(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image(width=1, height=2, size=3, status="ok", thumbnail_filename="t.jpg", faces_checked=1)
    api.found = [A]
    process_image(tools, image)
    row = rows.one("SELECT * FROM images")
    assert row["width"] == 1
    assert row["height"] == 2
    assert row["size"] == 3
    assert row["status"] == "ok"
    assert row["thumbnail_filename"] == "t.jpg"


def test_sixty_faces_and_more_than_an_image_can_have(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.found = list(PEOPLE[:260])
    done = process_image(tools, image)
    assert [face["face_index"] for face in rows.faces(image)] == list(range(256))
    assert done.warnings == ("4 of 260 found faces have no row: an image can have 256",)
