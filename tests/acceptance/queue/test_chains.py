"""What follows a job: the next of its chain, a unique lock, a batch's count; and jobs that wait for their time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from tests.acceptance.steps import PHOTO, depth, name_of, push_chain, row_of, take_all, work
from tests.servers.app_in_php import AppInPhp, app_in_php
from tests.servers.photo_app import CLASS, NOTHING_LEFT, PhotoApp, command_of, payload_of
from tests.servers.scripted_api import ScriptedApi, says

Wait = Callable[..., None]


def test_a_chain_comes_to_its_end_through_several_workers_and_php(app: PhotoApp, wait_for: Wait) -> None:
    """Ours, PHP's, ours, ours, PHP's: PHP publishes the first and reads what we publish."""
    images = [app.image(PHOTO) for _ in range(5)]
    photos = app.rabbitmq.new_queue()
    ours, theirs = {"queue": app.queue}, {"queue": photos}
    chain = [("Face", ours), ("Image", theirs), ("Face", ours), ("Face", ours), ("Image", theirs)]
    jobs = [
        {"class": f"{kind}ProcessJob", "image": image, "properties": properties}
        for image, (kind, properties) in zip(images, chain, strict=True)
    ]
    workers = [app.worker() for _ in range(2)]
    for worker in workers:
        worker.start("run")
    with app_in_php(app) as php:
        php.dispatch(*jobs)
        for place in (1, 4):
            wait_for(lambda: depth(app, photos))
            assert php.work(photos) == {"class": "App\\Jobs\\ImageProcessJob", "data": {"image_id": images[place]}}
        assert php.work(photos) is None
    assert [row_of(app, image)["faces_checked"] for image in images] == [1, 0, 1, 1, 0]
    wait_for(lambda: app.leftovers() == NOTHING_LEFT)
    assert (depth(app), app.failed()) == (0, [])


def test_a_next_job_without_a_queue_goes_to_the_chain_s_or_to_default(app: PhotoApp) -> None:
    first, second, elsewhere = app.image(PHOTO), app.image(PHOTO), app.rabbitmq.new_name()
    bare = 'O:24:"App\\Jobs\\ImageProcessJob":1:{s:11:"\0*\0taskData";a:1:{s:8:"image_id";i:424242;}}'
    push_chain(app, first, bare, more=f's:10:"chainQueue";s:{len(elsewhere)}:"{elsewhere}";', count=1)
    push_chain(app, second, bare)
    work(app, 2)
    for queue in (elsewhere, "default"):
        # All tests of this broker share the queue `default`.
        (message,) = [one for one in take_all(app, queue) if b"i:424242;" in one.body]
        payload = message.payload
        assert (message.attempts, message.correlation_id) == (0, payload["id"])
        assert (payload["displayName"], payload["maxTries"]) == ("App\\Jobs\\ImageProcessJob", None)


def test_a_next_job_without_a_queue_goes_where_the_app_s_connection_publishes(app: PhotoApp) -> None:
    """RABBITMQ_QUEUE, as PHP's driver has it; the chain's own queue goes before it."""
    first, second, default, chains = (
        app.image(PHOTO),
        app.image(PHOTO),
        app.rabbitmq.new_name(),
        app.rabbitmq.new_name(),
    )
    bare = 'O:24:"App\\Jobs\\ImageProcessJob":1:{s:11:"\0*\0taskData";a:1:{s:8:"image_id";i:434343;}}'
    push_chain(app, first, bare)
    push_chain(app, second, bare, more=f's:10:"chainQueue";s:{len(chains)}:"{chains}";', count=1)
    work(app, 2, RABBITMQ_QUEUE=default)
    assert [b"i:434343;" in one.body for queue in (default, chains) for one in take_all(app, queue)] == [True, True]


def test_the_next_job_waits_for_its_delay_and_for_the_success_of_the_one_before(
    app: PhotoApp, api: ScriptedApi
) -> None:
    good, bad, after = app.image(PHOTO), app.image(PHOTO), app.rabbitmq.new_queue()
    api.answer(name_of(app, bad), says(500, error="boom"))
    push_chain(app, good, command_of(1, after, 's:5:"delay";i:700;', count=3))
    push_chain(app, bad, command_of(2, after), maxTries=2)
    log = work(app, 3)
    assert (depth(app, after), len(app.failed())) == (0, 1)
    (message,) = take_all(app, f"{after}.delay.700000.sidecar")
    assert (message.attempts, '"image_id";i:1;' in message.payload["data"]["command"]) == (0, True)
    assert "only PHP can run" not in log


def test_a_redelivered_job_that_was_done_still_hands_its_chain_on(app: PhotoApp) -> None:
    """As after a crash between the commit and the publish."""
    done, after = app.image(PHOTO, faces_checked=1, debug_filename="d.jpg"), app.rabbitmq.new_queue()
    push_chain(app, done, command_of(7, after))
    work(app, 1)
    assert depth(app, after) == 1


def test_a_chain_that_cannot_go_on_is_recorded_beside_the_done_image(app: PhotoApp) -> None:
    image = app.image(PHOTO)
    uuid = push_chain(app, image, "i:1;")
    log = work(app, 1)
    (row,) = app.failed()
    assert (row["uuid"], row_of(app, image)["faces_checked"], "its chain ends here" in log) == (uuid, 1, True)
    assert (depth(app), app.leftovers()) == (0, NOTHING_LEFT)


def test_what_only_php_can_run_when_a_chain_fails_is_said(app: PhotoApp, api: ScriptedApi) -> None:
    image, after = app.image(PHOTO), app.rabbitmq.new_queue()
    api.answer(name_of(app, image), says(500, error="boom"))
    catch = 's:19:"chainCatchCallbacks";a:1:{i:0;O:8:"stdClass":0:{}}'
    push_chain(app, image, command_of(1, after), more=catch, count=1, maxTries=1)
    log = work(app, 1)
    assert ("`catch` is code that only PHP can run" in log, len(app.failed()), depth(app, after)) == (True, 1, 0)


def push_unique(app: PhotoApp, image: int, **changes: Any) -> str:
    """Queue a job as ShouldBeUnique has it; returns the key of its lock."""
    key = f"laravel_unique_job:{CLASS}:{image}"
    changes["illuminate:log:context"] = {"data": [], "hidden": {"laravel_unique_job_key": f's:{len(key)}:"{key}";'}}
    app.push(image, **changes)
    return key


def test_a_unique_job_s_lock_goes_with_its_end_and_stays_over_a_release(
    stored: PhotoApp, php: AppInPhp, api: ScriptedApi
) -> None:
    app = stored
    done, failing, released = (app.image(PHOTO) for _ in range(3))
    for image in (failing, released):
        api.answer(name_of(app, image), says(500, error="boom"))
    keys = [push_unique(app, done), push_unique(app, failing, maxTries=1), push_unique(app, released, backoff=600)]
    for key in keys:
        assert php.lock(key, "a" * 16, 600)
    work(app, 3)
    # Not ours any more is what PHP can take.
    assert [php.lock(key, "b" * 16, 600) for key in keys] == [True, True, False]


def push_batched(app: PhotoApp, image: int, batch: str, **changes: Any) -> str:
    command = command_of(image, app.queue, f's:7:"batchId";s:{len(batch)}:"{batch}";', count=3)
    payload = payload_of(command, **changes)
    app.publish(json.dumps(payload).encode())
    return str(payload["uuid"])


def new_batch(app: PhotoApp, jobs: int) -> str:
    batch = f"batch-{jobs}-{secrets.token_hex(4)}"
    app.rows.run(
        "INSERT INTO job_batches (id, name, total_jobs, pending_jobs, failed_jobs, failed_job_ids, options, created_at)"
        " VALUES (:id, '', :jobs, :jobs, 0, '[]', 'a:0:{}', 1)",
        id=batch,
        jobs=jobs,
    )
    return batch


def test_a_batch_counts_its_jobs_once(app: PhotoApp, api: ScriptedApi) -> None:
    whole, broken = new_batch(app, 2), new_batch(app, 1)
    images = [app.image(PHOTO) for _ in range(3)]
    api.answer(name_of(app, images[2]), says(500, error="boom"))
    uuids = [push_batched(app, image, whole) for image in images[:2]]
    failed = push_batched(app, images[2], broken, maxTries=1)
    again = payload_of(
        command_of(images[0], app.queue, f's:7:"batchId";s:{len(whole)}:"{whole}";', count=3), uuid=uuids[0]
    )
    app.publish(json.dumps(again).encode())
    work(app, 4)
    row = app.rows.one("SELECT * FROM job_batches WHERE id = :id", id=whole)
    assert (row["pending_jobs"], row["failed_jobs"], row["finished_at"] is None) == (0, 0, False)
    row = app.rows.one("SELECT * FROM job_batches WHERE id = :id", id=broken)
    assert (row["pending_jobs"], row["failed_jobs"], json.loads(row["failed_job_ids"])) == (1, 1, [failed])
    assert row["cancelled_at"] is not None


def test_a_job_that_php_delays_is_done_when_its_time_has_come(app: PhotoApp) -> None:
    image = app.image(PHOTO)
    worker = app.worker()
    process = worker.start("run", "--max-jobs", 1)
    with app_in_php(app) as php:
        php.dispatch({"class": "FaceProcessJob", "image": image, "properties": {"queue": app.queue, "delay": 1}})
    worker.end_of(process)
    assert (row_of(app, image)["faces_checked"], app.leftovers(), app.failed()) == (1, NOTHING_LEFT, [])
