"""What the stubs can do to a worker: exceptions where a test wants them, refusals, lost connections, turned time."""

from __future__ import annotations

import pytest

from faces.errors import BrokerRefused, BrokerUnavailable, CacheUnavailable
from tests.acceptance.steps import PHOTO, depth, name_of, row_of, scripted
from tests.servers.photo_app import NOTHING_LEFT
from tests.servers.scripted_api import Answer, finds, says
from tests.stubs.api import StubApi
from tests.stubs.app import StubApp
from tests.stubs.faults import Faults
from tests.stubs.fixtures import NewStubApp


def is_done(app: StubApp, image: int) -> bool:
    """Whether it is, once, and nothing is left of its job."""
    return (row_of(app, image)["faces_checked"], app.failed(), app.leftovers(), app.server.waiting()) == (
        (1, [], NOTHING_LEFT, {})
    )


def test_a_job_is_done_and_all_its_steps_are_heard(app: StubApp, faults: Faults) -> None:
    image = app.image(PHOTO)
    app.push(image)
    faults.hear_calls()
    app.worker().run("run", "--stop-when-empty")
    assert is_done(app, image)
    assert faults.steps[:3] == ["decoded", "locked", "marked"]
    assert faults.steps[-2:] == ["published", "acked"]
    assert {"CrashMarks.begin", "Store.write", "StubBroker.ack", "Status.ended"} <= set(faults.calls)


@pytest.mark.parametrize("step", ["marked", "image read", "encoded", "rows written"])
def test_a_fault_at_a_step_is_a_try(app: StubApp, api: StubApi, faults: Faults, step: str) -> None:
    image = scripted(app, api, finds())
    app.push(image)
    faults.at_step(step, ValueError("broken here"))
    log = app.worker().run_until_quiet()
    assert "broken here" in log
    assert faults.pending == []
    assert is_done(app, image)


def test_a_fault_of_a_part_comes_with_its_call(app: StubApp, api: StubApi, faults: Faults) -> None:
    image = scripted(app, api, finds())
    app.push(image)
    faults.at_call("CrashMarks.begin", CacheUnavailable("away for a moment"))
    log = app.worker().run_until_quiet()
    assert "away for a moment" in log
    assert faults.pending == []
    assert is_done(app, image)


def test_what_escapes_the_worker_ends_it_and_gives_the_job_back(app: StubApp, faults: Faults) -> None:
    image = app.image(PHOTO)
    app.push(image)
    faults.at_step("decoded", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        app.worker().run("run", "--stop-when-empty")
    assert depth(app) == 1
    log = app.worker().run_until_quiet()
    assert "redelivered=True" in log
    assert is_done(app, image)


def test_a_delayed_job_is_turned_to(app: StubApp, api: StubApi) -> None:
    image = scripted(app, api, says(500, error="boom"), says(500, error="boom"), finds())
    app.push(image, backoff="3600,7200")
    before = app.clock.turned
    app.worker().run_until_quiet(4 * 3600)
    assert is_done(app, image)
    assert app.clock.turned - before >= 3 * 3600 - 60


def test_a_worker_that_is_stuck_is_found(app: StubApp, api: StubApi) -> None:
    api.away = True
    app.push(app.image(PHOTO))
    worker = app.worker()
    worker.patience = 60
    with pytest.raises(AssertionError, match="did not leave within 60 s"):
        worker.run("run", "--max-jobs", 2)


def test_a_refused_queue_takes_nothing_until_it_is_accepted_again(app: StubApp, api: StubApi) -> None:
    image = scripted(app, api, says(500, error="boom"), finds())
    app.push(image, backoff=7)
    app.server.refuse("*.delay.*", BrokerRefused("406 PRECONDITION_FAILED"), times=1)
    log = app.worker().run_until_quiet()
    assert "406 PRECONDITION_FAILED" in log
    assert is_done(app, image)


@pytest.mark.parametrize("arrives", [False, True])
def test_a_confirm_that_gets_lost_brings_the_job_again(app: StubApp, api: StubApi, arrives: bool) -> None:
    image = scripted(app, api, says(500, error="boom"), finds())
    app.push(image, backoff=7)
    app.server.refuse("*.delay.*", BrokerUnavailable("no confirm came"), times=1, arrives=arrives)
    log = app.worker().run_until_quiet()
    assert log.count("left to the next delivery: no confirm came") == 1
    assert is_done(app, image)


def test_a_connection_lost_while_a_job_is_in_hand_brings_it_again(app: StubApp, api: StubApi) -> None:
    image = scripted(app, api, finds(debug_image_path="/photos/2020/debug/1.jpg"))
    app.push(image)
    worker = app.worker()
    api.meanwhile = lambda _: worker.broker and len(api.seen) == 1 and worker.broker.lose_connection()
    log = worker.run("run", "--stop-when-empty")[1]
    assert "left to the next delivery" in log
    assert "was done before" in log
    assert is_done(app, image)
    assert len(api.seen) == 1


def test_an_answer_that_hangs_takes_as_long_as_it_may(app: StubApp, api: StubApi) -> None:
    image = scripted(app, api, Answer(hangs=True), finds())
    app.push(image, timeout=200)
    before = app.clock.turned
    app.worker().run_until_quiet()
    assert is_done(app, image)
    assert app.clock.turned - before >= 200


def test_a_fault_that_never_came_is_told(app: StubApp, faults: Faults) -> None:
    faults.at_step("no such step", ValueError())
    faults.at_call("Nobody.knows", ValueError())
    app.worker().run("run", "--stop-when-empty")
    assert faults.pending == ["no such step", "Nobody.knows"]


def test_apps_of_one_test_share_their_broker(new_app: NewStubApp) -> None:
    first, second = new_app(), new_app()
    assert first.server is second.server
    assert first.queue != second.queue
    assert name_of(first, first.image(PHOTO)) == name_of(second, second.image(PHOTO))
