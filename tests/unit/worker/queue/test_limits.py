"""How often a job is tried, when, and for how long: what its message says, and our settings where it says nothing."""

from __future__ import annotations

import time

from tests.acceptance.steps import delay_queue, depth, name_of, row_of, scripted, take_all, work
from tests.servers.photo_app import NOTHING_LEFT
from tests.servers.scripted_api import finds, says
from tests.stubs.api import StubApi
from tests.stubs.app import StubApp

#: An answer that is the job's own fault, and not the API's over all photos.
BOOM = says(409, error="boom")


def released(app: StubApp, image: int, seconds: int, attempts: int) -> bool:
    """Whether just this image's job waits for so long, with that header."""
    (message,) = take_all(app, delay_queue(app.queue, seconds))
    return f'"image_id";i:{image};' in message.payload["data"]["command"] and message.attempts == attempts


def test_three_tries_are_made_where_the_job_says_nothing(app: StubApp, api: StubApi) -> None:
    usual, five, one = (scripted(app, api, BOOM) for _ in range(3))
    app.push(usual)
    app.push(five, maxTries=5)
    app.push(one, maxTries="1")
    work(app, 9)
    assert [len(api.times(name_of(app, image))) for image in (usual, five, one)] == [3, 5, 1]
    texts = sorted(row["exception"].splitlines()[-1] for row in app.failed())
    assert [text.split(",")[0] for text in texts] == ["attempt 1 of 1", "attempt 3 of 3", "attempt 5 of 5"]
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0


def test_the_number_of_tries_is_a_setting_and_may_have_no_end(app: StubApp, api: StubApi) -> None:
    image, endless = scripted(app, api, BOOM), scripted(app, api, BOOM)
    app.push(image, attempts=4)
    app.push(endless, attempts=70_000, maxTries=0)
    work(app, 2, FACE_WORKER_TRIES="5", FACE_WORKER_BACKOFF="600")
    assert len(app.failed()) == 1
    assert released(app, endless, 600, 70_001)


def test_a_released_job_comes_back_by_itself_and_is_done(app: StubApp, api: StubApi) -> None:
    """What the broker adds to its headers on the way counts for nothing."""
    image = scripted(app, api, BOOM, BOOM, finds())
    app.push(image, backoff="1,0")
    log = work(app, 3)
    assert row_of(app, image)["faces_checked"] == 1
    assert row_of(app, image)["last_error"] is None
    assert "attempt 1 of 3" in log
    assert "attempt 2 of 3" in log
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0


def test_a_moment_to_retry_until_replaces_the_number_of_tries(app: StubApp, api: StubApi) -> None:
    early, late = scripted(app, api, BOOM), scripted(app, api, finds())
    app.push(early, retryUntil=int(time.time()) + 900, attempts=7, maxTries=1)
    uuid = app.push(late, retryUntil=int(time.time()) - 5)
    work(app, 2, FACE_WORKER_BACKOFF="600")
    assert released(app, early, 600, 8)
    (row,) = app.failed()
    assert row["uuid"] == uuid
    assert "attempted too many times" in row["exception"]
    assert api.times(name_of(app, late)) == []
    # The key of the one that waits is kept: nobody may queue it a second time meanwhile.
    assert app.leftovers() == NOTHING_LEFT | {"dedup keys": 1}


def test_a_job_beyond_its_last_try_fails_without_being_run(app: StubApp, api: StubApi) -> None:
    image = scripted(app, api, finds())
    uuid = app.push(image, attempts=3)
    work(app, 1)
    (row,) = app.failed()
    assert row["uuid"] == uuid
    assert "attempted too many times" in row["exception"]
    assert api.seen == []
    assert row_of(app, image)["faces_checked"] == 0
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0


def test_exceptions_are_counted_in_the_app_s_cache_and_limited(app: StubApp, api: StubApi) -> None:
    """Only errors of the job's own are exceptions: the world's are none."""
    image = scripted(app, api, BOOM, says(503, error="away"), BOOM)
    uuid = app.push(image, maxTries=9, maxExceptions=2)
    work(app, 1)
    counter = app.rows.one("SELECT * FROM cache WHERE `key` = :key", key=f"photo_app_cache_job-exceptions:{uuid}")
    assert counter["value"] == "i:1;"
    work(app, 1)
    assert [row["uuid"] for row in app.failed()] == [uuid]
    assert len(api.seen) == 3
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0
