"""What follows a job in the later versions of the app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.steps import name_of, row_of, take_all, work
from tests.servers.app_in_php import app_in_php
from tests.servers.app_schema import V1, V4, V5
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.scripted_api import ScriptedApi, says

Wait = Callable[..., None]

#: What an image has whose other jobs are done, so that only its faces are missing.
SEEN = {"metadata": "{}", "thumbnail_filename": "t.jpg"}


@pytest.mark.parametrize("schema", [V4, V5], ids=["v4", "v5"])
def test_later_versions_want_to_be_told_what_follows(new_app: NewApp, schema: tuple[str, ...]) -> None:
    app = new_app(schema=schema)
    _, err = app.worker().run("run", code=2)
    assert "FACE_COMPLETION_EVENT" in err
    _, err = app.worker(FACE_COMPLETION_EVENT="C").run("run", code=2)
    assert "FACE_COMPLETION_EVENT" in err


def test_the_first_versions_need_not_be_told(new_app: NewApp, api: ScriptedApi) -> None:
    app = new_app(schema=V1)
    image = app.image(b"", **SEEN)
    app.push(image)
    work(app, 1)
    assert row_of(app, image)["faces_checked"] == 1


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


def test_event_b_deletes_the_jpeg_beside_a_webp(new_app: NewApp, api: ScriptedApi) -> None:
    app = new_app(schema=V5)
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
