"""How often a job is tried, when, and for how long: what its message says, and our settings where it says nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.acceptance.steps import depth, name_of, row_of, scripted, take_all, work
from tests.servers.app_in_php import cache_in
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.redis import Redis
from tests.servers.scripted_api import Answer, ScriptedApi, finds, says
from tests.servers.worker_process import ROOT

Wait = Callable[..., None]

BOOM = says(500, error="boom")
HANGS = Answer(hangs=True)


def released(app: PhotoApp, image: int, seconds: int, attempts: int) -> bool:
    """Whether just this image's job waits for so long, with that header."""
    (message,) = take_all(app, f"{app.queue}.delay.{seconds}000.sidecar")
    return f'"image_id";i:{image};' in message.payload["data"]["command"] and message.attempts == attempts


def test_three_tries_are_made_where_the_job_says_nothing(app: PhotoApp, api: ScriptedApi) -> None:
    usual, five, one = (scripted(app, api, BOOM) for _ in range(3))
    app.push(usual)
    app.push(five, maxTries=5)
    app.push(one, maxTries="1")
    work(app, 9)
    assert [len(api.times(name_of(app, image))) for image in (usual, five, one)] == [3, 5, 1]
    texts = sorted(row["exception"].splitlines()[-1] for row in app.failed())
    assert [text.split(",")[0] for text in texts] == ["attempt 1 of 1", "attempt 3 of 3", "attempt 5 of 5"]
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0)


def test_the_number_of_tries_is_a_setting_and_may_have_no_end(app: PhotoApp, api: ScriptedApi) -> None:
    image, endless = scripted(app, api, BOOM), scripted(app, api, BOOM)
    app.push(image, attempts=4)
    app.push(endless, attempts=70_000, maxTries=0)
    work(app, 2, FACE_WORKER_TRIES="5", FACE_WORKER_BACKOFF="600")
    assert len(app.failed()) == 1
    assert released(app, endless, 600, 70_001)


def test_the_waits_between_tries_are_the_job_s_own_or_ours(app: PhotoApp, api: ScriptedApi) -> None:
    listed, plain, late, ours = (scripted(app, api, BOOM) for _ in range(4))
    app.push(listed, backoff="701,702", maxTries=9)
    app.push(listed, backoff="701,702", maxTries=9, attempts=1)
    app.push(listed, backoff="701,702", maxTries=9, attempts=5, delay=9)
    app.push(plain, backoff=703)
    app.push(late, delay=704)
    app.push(ours)
    app.push(ours, attempts=1)
    app.push(ours, attempts=4, maxTries=9)
    work(app, 8, FACE_WORKER_BACKOFF="705,706,707")
    assert released(app, listed, 701, 1)
    assert [message.attempts for message in take_all(app, f"{app.queue}.delay.702000.sidecar")] == [2, 6]
    assert released(app, plain, 703, 1)
    assert released(app, late, 704, 1)
    assert released(app, ours, 705, 1)
    assert released(app, ours, 706, 2)
    assert released(app, ours, 707, 5)
    assert app.failed() == []


def test_a_released_job_comes_back_by_itself_and_is_done(app: PhotoApp, api: ScriptedApi) -> None:
    """What the broker adds to its headers on the way counts for nothing."""
    image = scripted(app, api, BOOM, BOOM, finds())
    app.push(image, backoff="1,0")
    log = work(app, 3)
    assert (row_of(app, image)["faces_checked"], row_of(app, image)["last_error"]) == (1, None)
    assert ("attempt 1 of 3" in log, "attempt 2 of 3" in log, app.failed()) == (True, True, [])
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0)


def test_a_moment_to_retry_until_replaces_the_number_of_tries(app: PhotoApp, api: ScriptedApi) -> None:
    early, late = scripted(app, api, BOOM), scripted(app, api, finds())
    app.push(early, retryUntil=int(time.time()) + 900, attempts=7, maxTries=1)
    uuid = app.push(late, retryUntil=int(time.time()) - 5)
    work(app, 2, FACE_WORKER_BACKOFF="600")
    assert released(app, early, 600, 8)
    (row,) = app.failed()
    assert (row["uuid"], "attempted too many times" in row["exception"]) == (uuid, True)
    assert api.times(name_of(app, late)) == []
    # The key of the one that waits is kept: nobody may queue it a second time meanwhile.
    assert app.leftovers() == NOTHING_LEFT | {"dedup keys": 1}


def test_a_job_beyond_its_last_try_fails_without_being_run(app: PhotoApp, api: ScriptedApi) -> None:
    image = scripted(app, api, finds())
    uuid = app.push(image, attempts=3)
    work(app, 1)
    (row,) = app.failed()
    assert (row["uuid"], "attempted too many times" in row["exception"]) == (uuid, True)
    assert (api.seen, row_of(app, image)["faces_checked"]) == ([], 0)
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0)


def test_exceptions_are_counted_in_the_app_s_cache_and_limited(app: PhotoApp, api: ScriptedApi) -> None:
    """Only errors of the job's own are exceptions: the world's are none."""
    image = scripted(app, api, BOOM, says(503, error="away"), BOOM)
    uuid = app.push(image, maxTries=9, maxExceptions=2)
    work(app, 1)
    counter = app.rows.one("SELECT * FROM cache WHERE `key` = :key", key=f"photo_app_cache_job-exceptions:{uuid}")
    assert counter["value"] == "i:1;"
    work(app, 1)
    assert ([row["uuid"] for row in app.failed()], len(api.seen)) == ([uuid], 3)
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0)


def test_the_timeout_bounds_the_wait_for_the_api(app: PhotoApp, api: ScriptedApi) -> None:
    """The payload's or ours; a timeout is a try, where the job does not say that it fails."""
    own, strict, ours = (scripted(app, api, HANGS) for _ in range(3))
    app.push(own, timeout=1)
    uuid = app.push(strict, timeout=1, failOnTimeout=True)
    work(app, 2, FACE_WORKER_BACKOFF="600")
    assert released(app, own, 600, 1)
    app.push(ours)
    work(app, 1, FACE_WORKER_BACKOFF="600", FACE_WORKER_TIMEOUT="1")
    assert released(app, ours, 600, 1)
    (row,) = app.failed()
    assert (row["uuid"], "timed out" in row["exception"]) == (uuid, True)
    assert all("timed out" in row_of(app, image)["last_error"] for image in (own, strict, ours))
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT | {"dedup keys": 2}, 0)


def test_waiting_for_the_lock_is_not_counted_as_the_job_s_time(app: PhotoApp, api: ScriptedApi) -> None:
    image = scripted(app, api, finds())
    app.rows.run(
        "INSERT INTO cache_locks (`key`, owner, expiration) VALUES (:key, 'somebody', UNIX_TIMESTAMP() + 3)",
        key=f"photo_app_cache_face-processing:{image}",
    )
    app.push(image, timeout=1, attempts=2)
    work(app, 1)
    assert (row_of(app, image)["faces_checked"], app.failed()) == (1, [])


@pytest.mark.parametrize("store", ["database", "redis", "a folder of ours"])
def test_a_job_that_kills_its_worker_three_times_fails_and_says_why(
    new_app: NewApp, api: ScriptedApi, redis: Redis, wait_for: Wait, store: str
) -> None:
    """PHP's worker gets such a job for ever: no attempt is counted."""
    variables = {"database": {}, "redis": cache_in(redis), "a folder of ours": {"CACHE_STORE": "file"}}
    app = new_app(variables=variables[store])
    lock = "none" if store == "a folder of ours" else "auto"
    image = scripted(app, api, finds())
    uuid = app.push(image)
    dying = app.worker(DIE_AT="file found", PYTHONPATH=str(ROOT), FACE_LOCK=lock)
    dying.program = ("-m", "tests.servers.stepped_worker")
    for _ in range(3):
        assert dying.start("run").wait(60) == -9
        # As if the lock's time were over; the marks are in another database of Redis.
        app.rows.run("DELETE FROM cache_locks")
        redis.command("FLUSHDB")
        wait_for(lambda: depth(app) == 1)
    log = work(app, 1, FACE_LOCK=lock)
    (row,) = app.failed()
    assert (row["uuid"], "ended 3 workers" in row["exception"], "ended 3 workers" in log) == (uuid, True, True)
    assert "ended 3 workers" in row_of(app, image)["last_error"]
    assert (api.seen, app.leftovers(), depth(app)) == ([], NOTHING_LEFT, 0)
    assert redis.command("KEYS", "*face-crash*", database=1) == ""
    # A person looked, and pushes it again: nothing is held against it.
    app.push(image, uuid=uuid)
    work(app, 1, FACE_LOCK=lock)
    assert row_of(app, image)["faces_checked"] == 1
