"""What follows a job: the next of its chain, and a batch's count."""

from __future__ import annotations

import json
import secrets
from typing import Any

from tests.acceptance.steps import PHOTO, delay_queue, depth, name_of, push_chain, row_of, take_all, work
from tests.servers.photo_app import NOTHING_LEFT, command_of, payload_of
from tests.servers.scripted_api import says
from tests.stubs.api import StubApi
from tests.stubs.app import StubApp


def test_a_next_job_without_a_queue_goes_to_the_chain_s_or_to_default(app: StubApp) -> None:
    first, second, elsewhere = app.image(PHOTO), app.image(PHOTO), app.rabbitmq.new_name()
    bare = 'O:24:"App\\Jobs\\ImageProcessJob":1:{s:11:"\0*\0taskData";a:1:{s:8:"image_id";i:424242;}}'
    push_chain(app, first, bare, more=f's:10:"chainQueue";s:{len(elsewhere)}:"{elsewhere}";', count=1)
    push_chain(app, second, bare)
    work(app, 2)
    for queue in (elsewhere, "default"):
        # All tests of this broker share the queue `default`.
        (message,) = [one for one in take_all(app, queue) if b"i:424242;" in one.body]
        payload = message.payload
        assert message.attempts == 0
        assert message.correlation_id == payload["id"]
        assert payload["displayName"] == "App\\Jobs\\ImageProcessJob"
        assert payload["maxTries"] is None


def test_a_next_job_without_a_queue_goes_where_the_app_s_connection_publishes(app: StubApp) -> None:
    """RABBITMQ_QUEUE, as PHP's driver has it; the chain's own queue goes before it."""
    first, second = app.image(PHOTO), app.image(PHOTO)
    default, chains = app.server.new_name(), app.server.new_name()
    bare = 'O:24:"App\\Jobs\\ImageProcessJob":1:{s:11:"\0*\0taskData";a:1:{s:8:"image_id";i:434343;}}'
    push_chain(app, first, bare)
    push_chain(app, second, bare, more=f's:10:"chainQueue";s:{len(chains)}:"{chains}";', count=1)
    work(app, 2, RABBITMQ_QUEUE=default)
    assert [b"i:434343;" in one.body for queue in (default, chains) for one in take_all(app, queue)] == [True, True]


def test_the_next_job_waits_for_its_delay_and_for_the_success_of_the_one_before(app: StubApp, api: StubApi) -> None:
    good, bad, after = app.image(PHOTO), app.image(PHOTO), app.rabbitmq.new_queue()
    api.answer(name_of(app, bad), says(500, error="boom"))
    push_chain(app, good, command_of(1, after, 's:5:"delay";i:700;', count=3))
    push_chain(app, bad, command_of(2, after), maxTries=2)
    log = work(app, 3)
    assert depth(app, after) == 0
    assert len(app.failed()) == 1
    (message,) = take_all(app, delay_queue(after, 700))
    assert message.attempts == 0
    assert '"image_id";i:1;' in message.payload["data"]["command"]
    assert "only PHP can run" not in log


def test_a_redelivered_job_that_was_done_still_hands_its_chain_on(app: StubApp) -> None:
    """As after a crash between the commit and the publish."""
    done, after = app.image(PHOTO, faces_checked=1, debug_filename="d.jpg"), app.rabbitmq.new_queue()
    push_chain(app, done, command_of(7, after))
    work(app, 1)
    assert depth(app, after) == 1


def test_a_chain_that_cannot_go_on_is_recorded_beside_the_done_image(app: StubApp) -> None:
    image = app.image(PHOTO)
    uuid = push_chain(app, image, "i:1;")
    log = work(app, 1)
    (row,) = app.failed()
    assert row["uuid"] == uuid
    assert row_of(app, image)["faces_checked"] == 1
    assert "its chain ends here" in log
    assert depth(app) == 0
    assert app.leftovers() == NOTHING_LEFT


def test_what_only_php_can_run_when_a_chain_fails_is_said(app: StubApp, api: StubApi) -> None:
    image, after = app.image(PHOTO), app.rabbitmq.new_queue()
    api.answer(name_of(app, image), says(500, error="boom"))
    catch = 's:19:"chainCatchCallbacks";a:1:{i:0;O:8:"stdClass":0:{}}'
    push_chain(app, image, command_of(1, after), more=catch, count=1, maxTries=1)
    log = work(app, 1)
    assert "`catch` is code that only PHP can run" in log
    assert len(app.failed()) == 1
    assert depth(app, after) == 0


def push_batched(app: StubApp, image: int, batch: str, **changes: Any) -> str:
    command = command_of(image, app.queue, f's:7:"batchId";s:{len(batch)}:"{batch}";', count=3)
    payload = payload_of(command, **changes)
    app.publish(json.dumps(payload).encode())
    return str(payload["uuid"])


def new_batch(app: StubApp, jobs: int) -> str:
    batch = f"batch-{jobs}-{secrets.token_hex(4)}"
    app.rows.run(
        "INSERT INTO job_batches (id, name, total_jobs, pending_jobs, failed_jobs, failed_job_ids, options, created_at)"
        " VALUES (:id, '', :jobs, :jobs, 0, '[]', 'a:0:{}', 1)",
        id=batch,
        jobs=jobs,
    )
    return batch


def test_a_batch_counts_its_jobs_once(app: StubApp, api: StubApi) -> None:
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
    assert row["pending_jobs"] == 0
    assert row["failed_jobs"] == 0
    assert row["finished_at"] is not None
    row = app.rows.one("SELECT * FROM job_batches WHERE id = :id", id=broken)
    assert row["pending_jobs"] == 1
    assert row["failed_jobs"] == 1
    assert json.loads(row["failed_job_ids"]) == [failed]
    assert row["cancelled_at"] is not None
