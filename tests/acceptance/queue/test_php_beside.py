"""Real Laravel and our worker on the same queue, image and failed job, each doing what the other left."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.acceptance.steps import body_of, delay_queue, depth, row_of, scripted, take_all, work
from tests.servers.app_in_php import AppInPhp, app_in_php
from tests.servers.photo_app import NOTHING_LEFT, PhotoApp
from tests.servers.scripted_api import Answer, ScriptedApi, finds, says

Wait = Callable[..., None]

PHP_OWNER = "p" * 16


def test_queue_retry_brings_our_failed_jobs_back_and_they_are_done(app: PhotoApp, api: ScriptedApi) -> None:
    boom = says(409, error="boom")
    images = [scripted(app, api, boom, finds()) for _ in range(2)]
    again = scripted(app, api, boom, says(409, error="still"))
    uuids = [app.push(image, maxTries=1, note="ключ") for image in [*images, again]]
    work(app, 3)
    assert [row["uuid"] for row in app.failed()] == uuids
    with app_in_php(app) as php:
        worker = app.worker()
        process = worker.start("run", "--max-jobs", 3)
        told = php.retry(["all"])
        worker.end_of(process)
    assert [uuid for uuid in uuids if uuid not in told] == []
    assert [row_of(app, image)["faces_checked"] for image in images] == [1, 1]
    # PHP deletes its row after the push: the new failure of the third did not go with it.
    (row,) = app.failed()
    assert row["uuid"] == uuids[2]
    assert "still" in row["exception"]
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0


def test_an_image_that_php_holds_is_put_off_without_a_try(stored: PhotoApp, php: AppInPhp, api: ScriptedApi) -> None:
    app, image = stored, scripted(stored, api, finds())
    body = body_of(app, image)
    app.publish(body, attempts=2)
    assert php.lock(f"face-processing:{image}", PHP_OWNER)
    work(app, 1)
    (message,) = take_all(app, delay_queue(app.queue, 10))
    assert message.body == body
    assert message.attempts == 2
    assert app.failed() == []
    assert api.seen == []
    assert row_of(app, image)["last_error"] is None
    assert php.unlock(f"face-processing:{image}", PHP_OWNER)
    app.publish(message.body, message.attempts)
    work(app, 1)
    assert row_of(app, image)["faces_checked"] == 1
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0


def test_php_does_not_get_an_image_that_we_hold_until_we_are_done(
    stored: PhotoApp, php: AppInPhp, api: ScriptedApi, wait_for: Wait
) -> None:
    image = scripted(stored, api, Answer(hangs=True))
    stored.push(image)
    worker = stored.worker(FACE_LOCK_SECONDS="3")
    process = worker.start("run", "--max-jobs", 1)
    wait_for(lambda: api.seen)
    assert not php.lock(f"face-processing:{image}", PHP_OWNER)
    # Beyond the lock's own time: it is renewed.
    stored.rows.read("SELECT SLEEP(3.5)")
    assert not php.lock(f"face-processing:{image}", PHP_OWNER)
    api.let_go()
    worker.end_of(process)
    assert row_of(stored, image)["faces_checked"] == 1
    assert php.lock(f"face-processing:{image}", PHP_OWNER) is True


def test_a_lock_that_php_gives_back_soon_is_waited_for(stored: PhotoApp, php: AppInPhp, api: ScriptedApi) -> None:
    image = scripted(stored, api, finds())
    stored.push(image)
    assert php.lock(f"face-processing:{image}", PHP_OWNER)
    worker = stored.worker()
    process = worker.start("run", "--max-jobs", 1)
    stored.rows.read("SELECT SLEEP(2)")
    assert php.unlock(f"face-processing:{image}", PHP_OWNER)
    worker.end_of(process)
    assert row_of(stored, image)["faces_checked"] == 1
    assert stored.failed() == []


def test_php_s_worker_takes_the_next_message_while_we_have_one(app: PhotoApp, api: ScriptedApi, wait_for: Wait) -> None:
    """Nothing is hoarded: prefetch is one."""
    ours, theirs = scripted(app, api, Answer(hangs=True)), scripted(app, api, finds())
    app.push(ours)
    worker = app.worker()
    process = worker.start("run")
    wait_for(lambda: api.seen)
    app.push(theirs)
    with app_in_php(app) as php:
        assert php.work(app.queue) == {"class": "App\\Jobs\\FaceProcessJob", "data": {"image_id": theirs}}
    process.send_signal(signal.SIGTERM)
    api.let_go()
    worker.end_of(process)
    assert row_of(app, ours)["faces_checked"] == 1
    assert depth(app) == 0
    assert app.failed() == []


def test_what_php_dispatches_is_done(app: PhotoApp, api: ScriptedApi) -> None:
    image = scripted(app, api, finds())
    with app_in_php(app) as php:
        php.dispatch({"class": "FaceProcessJob", "image": image, "properties": {"queue": app.queue}})
    work(app, 1)
    assert row_of(app, image)["faces_checked"] == 1
    assert app.failed() == []
    assert depth(app) == 0
