"""How often a job is tried, when, and for how long, where real servers, time or kills decide it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.acceptance.steps import delay_queue, depth, row_of, scripted, take_all, work
from tests.servers.app_in_php import cache_in
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.redis import Redis
from tests.servers.scripted_api import Answer, ScriptedApi, finds, says
from tests.servers.worker_process import ROOT

Wait = Callable[..., None]

BOOM = says(409, error="boom")
HANGS = Answer(hangs=True)


def released(app: PhotoApp, image: int, seconds: int, attempts: int) -> bool:
    """Whether just this image's job waits for so long, with that header."""
    (message,) = take_all(app, delay_queue(app.queue, seconds))
    return f'"image_id";i:{image};' in message.payload["data"]["command"] and message.attempts == attempts


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
    assert [message.attempts for message in take_all(app, delay_queue(app.queue, 702))] == [2, 6]
    assert released(app, plain, 703, 1)
    assert released(app, late, 704, 1)
    assert released(app, ours, 705, 1)
    assert released(app, ours, 706, 2)
    assert released(app, ours, 707, 5)
    assert app.failed() == []


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
    assert row["uuid"] == uuid
    assert "timed out" in row["exception"]
    assert all("timed out" in row_of(app, image)["last_error"] for image in (own, strict, ours))
    assert app.leftovers() == NOTHING_LEFT | {"dedup keys": 2}
    assert depth(app) == 0


def test_waiting_for_the_lock_is_not_counted_as_the_job_s_time(app: PhotoApp, api: ScriptedApi) -> None:
    image = scripted(app, api, finds())
    app.rows.run(
        "INSERT INTO cache_locks (`key`, owner, expiration) VALUES (:key, 'somebody', UNIX_TIMESTAMP() + 3)",
        key=f"photo_app_cache_face-processing:{image}",
    )
    app.push(image, timeout=1, attempts=2)
    work(app, 1)
    assert row_of(app, image)["faces_checked"] == 1
    assert app.failed() == []


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
    assert row["uuid"] == uuid
    assert "ended 3 workers" in row["exception"]
    assert "ended 3 workers" in log
    assert "ended 3 workers" in row_of(app, image)["last_error"]
    assert api.seen == []
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0
    assert redis.command("KEYS", "*face-crash*", database=1) == ""
    # A person looked, and pushes it again: nothing is held against it.
    app.push(image, uuid=uuid)
    work(app, 1, FACE_LOCK=lock)
    assert row_of(app, image)["faces_checked"] == 1
