"""One job's refusal is that job's: good photos behind it are done, and it ends with its own tries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faces.errors import BrokerRefused
from tests.acceptance.steps import PHOTO, body_of, name_of, push_chain, row_of, scripted, take_all
from tests.servers.photo_app import NOTHING_LEFT, command_of
from tests.servers.scripted_api import Answer, finds, says
from tests.stubs.api import StubApi
from tests.stubs.app import StubApp
from tests.stubs.faults import Faults
from worker.queue.evidence import Evidence, Verdict

#: Refuses whatever is written to one image's faces, in a trigger's words or in a constraint's.
TRIGGER = """CREATE TRIGGER no BEFORE {verb} ON {table} FOR EACH ROW WHEN {when} BEGIN SELECT RAISE(ABORT, 'no'); END"""

MISUNDERSTOOD = says(422, error="webp_quality is 'x'", code="wrong_field", retryable=False)

#: What counts as a job's own fault only where others are done meanwhile.
REFUSALS = {
    "wrong_field": MISUNDERSTOOD,
    "no_disk_for_picture": says(422, error="no debug picture: no", code="no_disk_for_picture", retryable=True),
    "a reply without its picture": finds(debug_image_path=None),
}


def are_done(app: StubApp, *images: int) -> bool:
    return all(row_of(app, image)["faces_checked"] == 1 for image in images)


def test_a_job_that_the_world_refuses_waits_at_the_tail_and_others_are_done(app: StubApp, api: StubApi) -> None:
    bad = scripted(app, api, MISUNDERSTOOD)
    good = [app.image(PHOTO) for _ in range(3)]
    uuid = app.push(bad)
    for image in good:
        app.push(image)
    before = app.clock.turned
    app.worker().run("run", "--stop-when-empty")
    assert are_done(app, *good)
    assert app.failed() == []
    assert app.clock.turned - before < 30
    app.worker().run_until_quiet()
    assert [row["uuid"] for row in app.failed()] == [uuid]


def refused_with_others(app: StubApp, bad: int, rounds: int = 12, **changes: Any) -> str:
    """Run workers for as long as the bad job comes back, with a good photo each time; returns the log."""
    app.push(bad, **changes)
    said = ""
    for _ in range(rounds):
        app.push(app.image(PHOTO))
        said += app.worker().run("run", "--stop-when-empty")[1]
        if app.failed():
            return said
        app.clock.turn(app.server.next_due() or 0)
    return said


@pytest.mark.parametrize("kind", REFUSALS)
def test_refused_three_times_while_others_are_done_it_counts_its_own_tries(
    app: StubApp, api: StubApi, kind: str
) -> None:
    bad = scripted(app, api, REFUSALS[kind])
    log = refused_with_others(app, bad)
    (row,) = app.failed()
    assert "attempt 3 of 3" in row["exception"]
    assert len(api.times(name_of(app, bad))) == 5
    assert log.count("is refused by itself") == 3
    assert app.leftovers() == NOTHING_LEFT
    assert app.server.waiting() == {}
    assert app.rows.read("SELECT * FROM cache WHERE key LIKE '%face-refused%'") == []


def test_a_full_disk_is_never_a_job_s_own_fault_though_others_are_done(app: StubApp, api: StubApi) -> None:
    full = says(503, {"Retry-After": "2"}, error="the disk is full", code="picture_not_written", retryable=True)
    bad = scripted(app, api, full)
    refused_with_others(app, bad, maxTries=1)
    assert len(api.times(name_of(app, bad))) > 5
    assert app.failed() == []
    api.answer(name_of(app, bad), finds())
    app.worker().run_until_quiet()
    assert are_done(app, bad)
    assert app.leftovers() == NOTHING_LEFT


@pytest.mark.parametrize("kind", REFUSALS)
def test_while_nobody_is_done_nothing_is_burnt(app: StubApp, api: StubApi, kind: str) -> None:
    jobs = [scripted(app, api, REFUSALS[kind]) for _ in range(5)]
    for image in jobs:
        app.push(image, maxTries=1)
    for _ in range(60):
        app.worker().run("run", "--stop-when-empty")
        app.clock.turn(app.server.next_due() or 0)
    assert app.failed() == []
    for image in jobs:
        api.answer(name_of(app, image), finds())
    app.worker().run_until_quiet()
    assert are_done(app, *jobs)
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT


def test_an_api_that_fails_over_every_photo_burns_no_tries_for_ten_minutes(app: StubApp, api: StubApi) -> None:
    images = [scripted(app, api, says(500, error="boom")) for _ in range(20)]
    for image in images:
        app.push(image)
    app.worker(FACE_WORKER_BACKOFF="10").run("run", "--max-time", 550)
    assert app.failed() == []
    for image in images:
        api.answer(name_of(app, image), finds())
    app.worker().run_until_quiet()
    assert are_done(app, *images)
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT


def test_an_api_that_never_recovers_lets_jobs_fail_in_the_end(app: StubApp, api: StubApi) -> None:
    images = [scripted(app, api, says(500, error="boom")) for _ in range(4)]
    for image in images:
        app.push(image)
    worker = app.worker(FACE_WORKER_BACKOFF="60")
    worker.patience = 20_000
    worker.run("run", "--max-time", 10_000)
    assert len(app.failed()) == 4
    assert app.leftovers() == NOTHING_LEFT
    assert app.server.waiting() == {}


@pytest.mark.parametrize("pattern", ["next", "next*"])
def test_a_next_job_that_cannot_be_published_holds_nobody_up(app: StubApp, api: StubApi, pattern: str) -> None:
    image, good = app.image(PHOTO), [app.image(PHOTO) for _ in range(8)]
    app.server.refuse(pattern, BrokerRefused("403 ACCESS_REFUSED"))
    uuid = push_chain(app, image, command_of(7, "next"))
    for one in good:
        app.push(one)
        app.worker().run("run", "--stop-when-empty")
        app.clock.turn(app.server.next_due() or 0)
    app.worker().run_until_quiet()
    (row,) = app.failed()
    assert row["uuid"] == uuid
    assert "403 ACCESS_REFUSED" in row["exception"]
    assert are_done(app, image, *good)
    assert app.leftovers() == NOTHING_LEFT
    assert app.server.waiting() == {}


def test_a_next_job_whose_queue_s_name_is_too_long_is_refused_like_any_other(app: StubApp) -> None:
    image, good = app.image(PHOTO), [app.image(PHOTO) for _ in range(8)]
    uuid = push_chain(app, image, command_of(7, "x" * 300))
    for one in good:
        app.push(one)
        app.worker().run("run", "--stop-when-empty")
        app.clock.turn(app.server.next_due() or 0)
    app.worker().run_until_quiet()
    assert [row["uuid"] for row in app.failed()] == [uuid]
    assert are_done(app, image, *good)
    assert app.leftovers() == NOTHING_LEFT
    assert app.server.waiting() == {}


def test_where_delay_queues_are_refused_a_job_goes_to_the_tail_of_its_own_queue(app: StubApp, api: StubApi) -> None:
    bad = scripted(app, api, says(409, error="boom"))
    good = [app.image(PHOTO) for _ in range(3)]
    app.server.refuse("*.delay.*", BrokerRefused("406 PRECONDITION_FAILED"))
    app.push(bad, backoff=600)
    for image in good:
        app.push(image)
    log = app.worker().run_until_quiet()
    (row,) = app.failed()
    assert "attempt 3 of 3" in row["exception"]
    assert are_done(app, *good)
    assert "406 PRECONDITION_FAILED" in log
    assert app.leftovers() == NOTHING_LEFT
    assert app.server.waiting() == {}


def test_where_the_tail_refuses_too_the_delivery_goes_back_and_is_done_later(app: StubApp, api: StubApi) -> None:
    image = scripted(app, api, says(409, error="boom"), finds())
    app.server.refuse("*", BrokerRefused("it took nothing"), times=2)
    app.push(image, backoff=600)
    log = app.worker().run_until_quiet()
    assert "given back: it took nothing" in log
    assert are_done(app, image)
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT


def test_a_message_that_a_row_does_not_hold_is_kept_beside_before_it_is_rejected(app: StubApp) -> None:
    app.rows.run("DROP TABLE failed_jobs")
    app.rows.run(
        "CREATE TABLE failed_jobs (id INTEGER PRIMARY KEY, uuid TEXT UNIQUE NOT NULL, connection TEXT NOT NULL, "
        "queue TEXT NOT NULL, payload TEXT NOT NULL CHECK (length(payload) < 200), exception TEXT NOT NULL, "
        "failed_at TEXT NOT NULL)"
    )
    body = json.dumps({"uuid": "u" * 36, "no": "job", "filler": "x" * 300}).encode()
    app.publish(body)
    app.server.refuse("*.unrecorded", BrokerRefused("not now"), times=1)
    log = app.worker().run_until_quiet()
    assert [message.body for message in take_all(app, f"{app.queue}.unrecorded")] == [body]
    (row,) = app.failed()
    assert f"is whole in RabbitMQ's queue {app.queue}.unrecorded" in row["exception"]
    assert "not now" in log
    assert app.server.waiting() == {}


@pytest.mark.parametrize("tries", [1, 3])
def test_a_fault_of_our_own_after_the_commit_has_the_job_s_tries(app: StubApp, faults: Faults, tries: int) -> None:
    image = app.image(PHOTO)
    uuid = app.push(image, maxTries=tries)
    for time in range(1, tries + 1):
        faults.at_step("unlocked", ValueError("broken here"), time)
    app.worker().run_until_quiet()
    (row,) = app.failed()
    assert row["uuid"] == uuid
    assert f"attempt {tries} of {tries}" in row["exception"]
    assert faults.pending == []
    assert app.leftovers() == NOTHING_LEFT
    assert app.server.waiting() == {}


def test_a_recorder_that_breaks_sets_the_message_aside(app: StubApp, api: StubApi, faults: Faults) -> None:
    image = scripted(app, api, Answer(500, b"boom"))
    body = body_of(app, image, maxTries=1)
    app.publish(body)
    faults.at_step("recorded", ValueError("broken here"))
    faults.at_step("recorded", ValueError("broken again"), 2)
    app.worker().run_until_quiet()
    assert [message.body for message in take_all(app, f"{app.queue}.unrecorded")] == [body]
    assert app.server.waiting() == {}


#: Every step that a good job's handling goes through, in its order.
STEPS = (
    *("decoded", "locked", "marked", "image read", "file found", "encoded", "candidates read", "image locked"),
    *("rows written", "committed", "unmarked", "unlocked", "published", "acked"),
)


def test_the_steps_are_these(app: StubApp, api: StubApi, faults: Faults) -> None:
    app.push(scripted(app, api, finds(debug_image_path="/photos/2020/debug/1.jpg")))
    app.worker().run("run", "--stop-when-empty")
    assert set(faults.steps) == {*STEPS}


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("error", [ValueError, MemoryError])
@pytest.mark.parametrize("step", STEPS)
def test_a_fault_at_any_step_leaves_no_delivery_in_hand_and_ends_the_job(
    app: StubApp, api: StubApi, faults: Faults, step: str, error: type[Exception], times: int
) -> None:
    """Whatever breaks, and however often: the good photo behind is done, and the job is done or in failed_jobs."""
    bad = scripted(app, api, finds(debug_image_path="/photos/2020/debug/1.jpg"))
    uuid = app.push(bad)
    for time in range(1, times + 1):
        faults.at_step(step, error("broken here"), time)
    good = app.image(PHOTO)
    worker = app.worker()
    worker.run("run", "--stop-when-empty", "--max-jobs", 1)
    app.push(good)
    worker.run_until_quiet()
    assert worker.broker
    assert are_done(app, good)
    assert are_done(app, bad) or [row["uuid"] for row in app.failed()] == [uuid]
    assert app.leftovers() == NOTHING_LEFT
    assert app.server.waiting() == {}


@pytest.mark.parametrize("step", STEPS[:-1])
def test_a_fault_that_comes_every_time_ends_the_job_too(app: StubApp, api: StubApi, faults: Faults, step: str) -> None:
    """Its row or the whole message is kept, and the worker goes on."""
    uuid = app.push(scripted(app, api, finds(debug_image_path="/photos/2020/debug/1.jpg")))
    for time in range(1, 40):
        faults.at_step(step, ValueError("broken here"), time)
    app.worker().run_until_quiet()
    aside = take_all(app, f"{app.queue}.unrecorded") if f"{app.queue}.unrecorded" in app.server.queues else []
    assert [row["uuid"] for row in app.failed()] == [uuid] or [message.payload["uuid"] for message in aside] == [uuid]
    assert app.server.waiting() == {}


def test_a_refusal_that_counts_as_a_try_is_one_also_while_the_api_is_to_blame(
    app: StubApp, api: StubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Evidence, "refused", lambda *_: Verdict(True, 10))
    broken = says(500, error="out of memory", code="internal_error", retryable=False)
    uuids = {app.push(scripted(app, api, broken)) for _ in range(4)}
    app.worker().run_until_quiet()
    assert {row["uuid"] for row in app.failed()} == uuids
