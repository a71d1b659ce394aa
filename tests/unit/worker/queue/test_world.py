"""The world's faults: a job waits until they are over, and no try is spent on them."""

from __future__ import annotations

from tests.acceptance.steps import depth, name_of, row_of, scripted, work
from tests.servers.photo_app import NOTHING_LEFT
from tests.servers.scripted_api import finds, says
from tests.stubs.api import StubApi
from tests.stubs.app import StubApp

#: Answers that say nothing of the photo.
WORLD = (401, 403, 404, 405, 408, 429, 502, 503, 504)


def test_the_world_s_faults_are_waited_out_and_cost_no_try(app: StubApp, api: StubApi) -> None:
    """Each job has one try left, and needs two."""
    images = {status: scripted(app, api, says(status, error="away"), finds()) for status in WORLD}
    for image in images.values():
        app.push(image, attempts=2)
    log = work(app, len(images))
    assert app.rows.read("SELECT DISTINCT faces_checked, last_error FROM images") == [
        {"faces_checked": 1, "last_error": None}
    ]
    assert [len(api.times(name_of(app, image))) for image in images.values()] == [2] * len(WORLD)
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []
    assert depth(app) == 0
    assert log.count("no further job is taken until this is over") == 1
    assert "is FACE_API_KEY right?" in log


def test_retry_after_is_waited_out(app: StubApp, api: StubApi) -> None:
    image = scripted(app, api, says(503, {"Retry-After": "4"}, error="busy"), finds())
    app.push(image, attempts=2)
    work(app, 1)
    first, second = api.times(name_of(app, image))
    assert second - first >= 4
    assert row_of(app, image)["faces_checked"] == 1
    assert app.failed() == []
