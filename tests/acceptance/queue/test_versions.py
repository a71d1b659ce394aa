"""Each version of the app's tables, with the real face API: faces, whom they are linked to, and what follows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.queue.steps import name_of, row_of, take_all
from tests.servers.app_in_php import app_in_php
from tests.servers.app_schema import V1, V2, V4, V5
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.scripted_api import ScriptedApi, running_scripted_api, says

Wait = Callable[..., None]

#: What an image has whose other jobs are done, so that only its faces are missing.
SEEN = {"metadata": "{}", "thumbnail_filename": "t.jpg"}


@pytest.fixture
def scripted() -> Iterator[ScriptedApi]:
    """An API that finds nobody."""
    with running_scripted_api() as server:
        yield server


def work(app: PhotoApp, jobs: int, **settings: str) -> str:
    return app.worker(**settings).run("run", "--max-jobs", jobs)[1]


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
    assert (face["parent_id"], face["status"], face["name"]) == (master["id"], "process", None)
    assert (face.get("quality_score", 1.0) or 0) > 0
    assert row_of(app, second)["debug_filename"] == f"debug_{name_of(app, second)}"
    assert (app.leftovers(), app.failed()) == (NOTHING_LEFT, [])


@pytest.mark.parametrize("schema", [V4, V5], ids=["v4", "v5"])
def test_faces_are_suggested_to_persons(new_app: NewApp, portrait: bytes, schema: tuple[str, ...]) -> None:
    app = new_app(schema=schema)
    first, second = app.image(portrait), app.image(portrait)
    app.push(first)
    work(app, 1, FACE_COMPLETION_EVENT="none")
    (found,) = app.rows.faces(first)
    assert (found["person_id"], found["status"]) == (None, "process")
    insert = "INSERT INTO persons (name, centroid_embedding, embeddings_count) VALUES (:name, :centroid, :count)"
    app.rows.run(insert, name="Nobody yet", centroid=found["encoding"], count=0)
    somebody = app.rows.run(insert, name="Barack Obama", centroid=found["encoding"], count=1)
    before = app.rows.read("SELECT * FROM persons")
    app.push(second)
    work(app, 1, FACE_COMPLETION_EVENT="none")
    (face,) = app.rows.faces(second)
    assert (face["person_id"], face["status"], face["is_reference"]) == (somebody, "suggested", 0)
    assert app.rows.read("SELECT * FROM persons") == before
    assert (app.leftovers(), app.failed()) == (NOTHING_LEFT, [])


@pytest.mark.parametrize("schema", [V4, V5], ids=["v4", "v5"])
def test_later_versions_want_to_be_told_what_follows(new_app: NewApp, schema: tuple[str, ...]) -> None:
    app = new_app(schema=schema)
    _, err = app.worker().run("run", code=2)
    assert "FACE_COMPLETION_EVENT" in err
    _, err = app.worker(FACE_COMPLETION_EVENT="C").run("run", code=2)
    assert "FACE_COMPLETION_EVENT" in err


def test_the_first_versions_need_not_be_told(new_app: NewApp, scripted: ScriptedApi) -> None:
    app = new_app(schema=V1, api_url=scripted.url)
    image = app.image(b"", **SEEN)
    app.push(image)
    work(app, 1)
    assert row_of(app, image)["faces_checked"] == 1


def of_images(app: PhotoApp, ids: list[int]) -> list[int]:
    """The images of the jobs in the queue `images`, which all tests of this broker share."""
    commands = [message.payload["data"]["command"] for message in take_all(app, "images")]
    return sorted(one for one in ids for command in commands if f'"image_id";i:{one};' in command)


def test_event_a_asks_for_the_hashes_of_an_image_that_has_all_else(new_app: NewApp, scripted: ScriptedApi) -> None:
    """At least once: a job that comes again asks again, until the hashes are there."""
    app = new_app(schema=V5, api_url=scripted.url)
    app.rows.run("ALTER TABLE images AUTO_INCREMENT = 700")
    complete = app.image(b"", **SEEN)
    hashed = app.image(b"", **SEEN, hash=b"h" * 16)
    bare, failing = app.image(b"", metadata="{}"), app.image(b"", **SEEN)
    refused = app.image(b"", **SEEN, faces_checked=1)
    scripted.answer(name_of(app, failing), says(500, error="boom"))
    scripted.answer(name_of(app, refused), says(200, error="no GPU"))
    ids = [complete, hashed, bare, failing, refused]
    for image in [*ids, complete]:
        app.push(image, maxTries=1)
    work(app, 6, FACE_COMPLETION_EVENT="A")
    assert of_images(app, ids) == [complete, complete, refused]
    assert len(app.failed()) == 1
    app.push(complete)
    work(app, 1, FACE_COMPLETION_EVENT="A")
    with app_in_php(app) as php:
        assert php.work("images") == {"class": "App\\Jobs\\ImageProcessJob", "data": {"image_id": complete}}
        assert php.work("images") is None


def test_event_b_deletes_the_jpeg_beside_a_webp(new_app: NewApp, scripted: ScriptedApi) -> None:
    app = new_app(schema=V5, api_url=scripted.url)
    folder = app.disk / "2020"

    def webp(name: str, **values: Any) -> int:
        for ending in ("webp", "jpg"):
            (folder / f"{name}.{ending}").write_bytes(b"")
        return app.rows.image(filename=f"{name}.webp", **values)

    images = [webp("whole", **SEEN), webp("bare"), app.image(b"", **SEEN)]
    for image in [*images, images[0]]:
        app.push(image)
    work(app, 4, FACE_COMPLETION_EVENT="B")
    assert {file.name for file in folder.iterdir()} == {"whole.webp", "bare.webp", "bare.jpg", name_of(app, images[2])}
    assert (app.failed(), app.leftovers()) == ([], NOTHING_LEFT)
