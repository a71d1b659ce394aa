"""What follows a job in the later versions of the app, and what a worker must be told of it."""

from __future__ import annotations

import pytest

from tests.acceptance.steps import name_of, take_all, work
from tests.servers.app_in_php import app_in_php
from tests.servers.app_schema import V4, V5
from tests.servers.photo_app import NewApp, PhotoApp
from tests.servers.scripted_api import ScriptedApi, says

#: What an image has whose other jobs are done, so that only its faces are missing.
SEEN = {"metadata": "{}", "thumbnail_filename": "t.jpg"}


@pytest.mark.parametrize("schema", [V4, V5], ids=["v4", "v5"])
def test_later_versions_want_to_be_told_what_follows(new_app: NewApp, schema: tuple[str, ...]) -> None:
    app = new_app(schema=schema)
    _, err = app.worker().run("run", code=2)
    assert "FACE_COMPLETION_EVENT" in err
    _, err = app.worker(FACE_COMPLETION_EVENT="C").run("run", code=2)
    assert "FACE_COMPLETION_EVENT" in err


def of_images(app: PhotoApp, ids: list[int]) -> list[int]:
    """The images of the jobs in the queue `images`, which all tests of this broker share."""
    commands = [message.payload["data"]["command"] for message in take_all(app, "images")]
    return sorted(one for one in ids for command in commands if f'"image_id";i:{one};' in command)


def test_event_a_asks_for_the_hashes_of_an_image_that_has_all_else(new_app: NewApp, api: ScriptedApi) -> None:
    """At least once: a job that comes again asks again, until the hashes are there."""
    app = new_app(schema=V5)
    app.rows.run("ALTER TABLE images AUTO_INCREMENT = 700")
    complete = app.image(b"", **SEEN)
    hashed = app.image(b"", **SEEN, hash=b"h" * 16)
    bare, failing = app.image(b"", metadata="{}"), app.image(b"", **SEEN)
    refused = app.image(b"", **SEEN, faces_checked=1)
    api.answer(name_of(app, failing), says(500, error="boom"))
    api.answer(name_of(app, refused), says(200, error="no GPU"))
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
