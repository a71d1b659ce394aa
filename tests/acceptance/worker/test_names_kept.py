"""Names that people gave outlive the app's own look for debug pictures, whatever the API may write and wherever."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from tests.acceptance.steps import delay_queue, depth, row_of, work
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.running_api import RunningApi


@pytest.fixture(scope="session")
def family(portrait: bytes) -> bytes:
    """A photo with four faces."""
    with Image.open(io.BytesIO(portrait)) as one:
        whole = Image.new("RGB", (2 * one.width, 2 * one.height))
        for place in range(4):
            whole.paste(one, (place % 2 * one.width, place // 2 * one.height))
    file = io.BytesIO()
    whole.save(file, "JPEG", quality=90)
    return file.getvalue()


def name_all(app: PhotoApp) -> None:
    """What the app's page does when a person names the faces."""
    app.rows.run("UPDATE faces SET status = 'ok', name = CONCAT('Person ', face_index)")


def look_for_pictures(app: PhotoApp) -> None:
    """What `php artisan images:faces:check` does: a photo that is done and has no debug picture is done anew."""
    for image in app.rows.read("SELECT * FROM images WHERE faces_checked = 1"):
        picture = app.disk / image["path"] / "debug" / (image["debug_filename"] or "")
        if not picture.is_file():
            app.rows.run("DELETE FROM faces WHERE image_id = :id", id=image["id"])
            app.rows.run("UPDATE images SET faces_checked = 0, debug_filename = NULL WHERE id = :id", id=image["id"])
            app.push(image["id"])


def names(app: PhotoApp) -> list[str]:
    return [row["name"] for row in app.rows.read("SELECT name FROM faces WHERE status = 'ok' ORDER BY face_index")]


FOUR = ["Person 0", "Person 1", "Person 2", "Person 3"]


@pytest.fixture
def without_disks(start_api: Callable[..., RunningApi], new_app: NewApp) -> PhotoApp:
    """An app whose API has no disks."""
    return new_app(api_url=start_api(FACE_API_PROCESSES="1").url)


def test_what_the_app_looks_for_is_there_and_the_names_stay(app: PhotoApp, family: bytes) -> None:
    app.push(app.image(family))
    work(app, 1)
    name_all(app)
    look_for_pictures(app)
    app.worker().run("run", "--stop-when-empty")
    assert names(app) == FOUR
    assert app.leftovers() == NOTHING_LEFT


def test_an_api_without_disks_makes_no_rows_and_the_job_waits_until_it_has_some(
    without_disks: PhotoApp, api: RunningApi, family: bytes
) -> None:
    app = without_disks
    image = app.image(family)
    app.push(image, maxTries=1)
    log = app.worker().run("run", "--stop-when-empty")[1]
    assert "FACE_DISK_ROOTS names no disk" in log
    assert "FACE_DISK_ROOTS names no disk" in row_of(app, image)["last_error"]
    assert row_of(app, image)["faces_checked"] == 0
    assert app.rows.faces(image) == []
    assert app.failed() == []
    assert depth(app, delay_queue(app.queue, 10)) == 1, "its one try is not spent"
    work(app, 1, FACE_API_URL=api.url)
    name_all(app)
    look_for_pictures(app)
    app.worker(FACE_API_URL=api.url).run("run", "--stop-when-empty")
    assert names(app) == FOUR
    assert row_of(app, image)["last_error"] is None
    assert app.leftovers() == NOTHING_LEFT


def test_photos_that_were_done_without_a_picture_get_one_and_keep_their_names(
    without_disks: PhotoApp, start_api: Callable[..., RunningApi], api: RunningApi, family: bytes
) -> None:
    app = without_disks
    lax = start_api(FACE_API_PROCESSES="1", FACE_DEBUG_PICTURES="best_effort")
    image = app.image(family)
    app.push(image)
    work(app, 1, FACE_API_URL=lax.url, FACE_DEBUG_PICTURES="best_effort")
    assert row_of(app, image)["debug_filename"] is None
    name_all(app)
    # As `images:reprocess --no-debug` queues it.
    app.push(image, dedup=False)
    work(app, 1, FACE_API_URL=api.url)
    look_for_pictures(app)
    assert names(app) == FOUR
    assert app.is_quiet()


def test_where_pictures_are_not_required_the_app_s_look_costs_the_names(
    start_api: Callable[..., RunningApi], new_app: NewApp, family: bytes
) -> None:
    lax = start_api(FACE_API_PROCESSES="1", FACE_DEBUG_PICTURES="off")
    app = new_app(api_url=lax.url)
    app.push(app.image(family))
    log = work(app, 1, FACE_DEBUG_PICTURES="off")
    assert "images:faces:check" in log
    name_all(app)
    assert names(app) == FOUR
    look_for_pictures(app)
    assert names(app) == []
