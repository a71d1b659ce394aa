"""run as a person starts it, with the real face API: messages in, faces out, in each version of the app's tables."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.steps import name_of, row_of, work
from tests.servers.app_schema import V1, V2, V4, V5
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp


def test_a_queued_image_gets_its_faces_and_nothing_is_left_behind(
    app: PhotoApp, portrait: bytes, small_photo: bytes
) -> None:
    with_face, without = app.image(portrait), app.image(small_photo)
    app.push(with_face)
    app.push(without)
    _, err = app.worker().run("run", "--stop-when-empty")
    (face,) = app.rows.faces(with_face)
    assert face["face_index"] == 0
    assert face["status"] == "process"
    assert face["parent_id"] is None
    assert app.rows.faces(without) == []
    assert (
        app.rows.read("SELECT faces_checked, last_error FROM images") == [{"faces_checked": 1, "last_error": None}] * 2
    )
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []
    assert app.rabbitmq.depth(app.queue) == 0
    assert f"started (queue={app.queue}" in err
    assert "faces=1" in err


@pytest.mark.parametrize("schema", [V1, V2], ids=["v1", "v2 and v3"])
def test_faces_are_linked_to_verified_ones(new_app: NewApp, portrait: bytes, schema: tuple[str, ...]) -> None:
    app = new_app(schema=schema)
    first, second = app.image(portrait), app.image(portrait)
    app.push(first)
    work(app, 1)
    (master,) = app.rows.faces(first)
    assert len(json.loads(master["encoding"])) == 128
    app.rows.run("UPDATE faces SET status = 'ok', name = 'Barack Obama'")
    app.push(second)
    work(app, 1)
    (face,) = app.rows.faces(second)
    assert face["parent_id"] == master["id"]
    assert face["status"] == "process"
    assert face["name"] is None
    assert (face.get("quality_score", 1.0) or 0) > 0
    assert row_of(app, second)["debug_filename"] == f"debug_{name_of(app, second)}"
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []


@pytest.mark.parametrize("schema", [V4, V5], ids=["v4", "v5"])
def test_faces_are_suggested_to_persons(new_app: NewApp, portrait: bytes, schema: tuple[str, ...]) -> None:
    app = new_app(schema=schema)
    first, second = app.image(portrait), app.image(portrait)
    app.push(first)
    work(app, 1, FACE_COMPLETION_EVENT="none")
    (found,) = app.rows.faces(first)
    assert found["person_id"] is None
    assert found["status"] == "process"
    insert = "INSERT INTO persons (name, centroid_embedding, embeddings_count) VALUES (:name, :centroid, :count)"
    app.rows.run(insert, name="Nobody yet", centroid=found["encoding"], count=0)
    somebody = app.rows.run(insert, name="Barack Obama", centroid=found["encoding"], count=1)
    before = app.rows.read("SELECT * FROM persons")
    app.push(second)
    work(app, 1, FACE_COMPLETION_EVENT="none")
    (face,) = app.rows.faces(second)
    assert face["person_id"] == somebody
    assert face["status"] == "suggested"
    assert face["is_reference"] == 0
    assert app.rows.read("SELECT * FROM persons") == before
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []
