"""kill -9 of the worker at every step of a job: one result an image, nothing lost, nothing left behind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.acceptance.queue.steps import depth, name_of, push_chain, row_of
from tests.servers.people import PEOPLE
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp, command_of, dedup_key
from tests.servers.scripted_api import ScriptedApi, finds, running_scripted_api, says
from tests.servers.worker_process import ROOT

Wait = Callable[..., None]
MakeImage = Callable[[PhotoApp, int], int]

_log = logging.getLogger(__name__)

#: The steps of a job that is done, of one that fails for good, and of one that is released, in their order.
DONE = (
    *("decoded", "locked", "marked", "image read", "file found", "encoded", "candidates read", "image locked"),
    *("rows written", "committed", "unmarked", "unlocked", "published", "acked"),
)
FAILED = (
    *("decoded", "locked", "marked", "image read", "file found", "recorded", "unmarked", "unlocked", "published"),
    "acked",
)
RELEASED = tuple(step for step in FAILED if step != "recorded")

#: Before and after the mark of a crash: who dies there has not died of the job.
UNCOUNTED = {"decoded", "locked", "unmarked", "unlocked", "published"}

#: The steps that come after the API's answer to a job that is released.
ANSWERED = {"unmarked", "unlocked", "published", "acked"}

#: Workers at the same time, on the two cores of a small machine: much of the time they wait for a lock to run out.
AT_ONCE = 6


def deaths_at(step: str) -> int:
    """As many as one job may cause: the third one in its middle makes it fail, and an acked one does not come back."""
    return 1 if step == "acked" else 3 if step in UNCOUNTED else 2


def images_for(kills: int, step: str) -> int:
    return -(-kills // deaths_at(step))


def kill_at(app: PhotoApp, step: str, image: int, wait_for: Wait, **settings: str) -> str:
    """Queue the image's job with one that follows; workers die at the step, then one finishes. Returns its queue."""
    after = app.rabbitmq.new_queue()
    app.rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=dedup_key(image))
    push_chain(app, image, command_of(image, after))
    # The shortest: nobody gives back the lock of a worker that was killed.
    worker = app.worker(PYTHONPATH=str(ROOT), FACE_LOCK_SECONDS="3", **settings)
    for _ in range(deaths_at(step)):
        wait_for(lambda: depth(app) > 0)
        worker.program = ("-m", "tests.servers.stepped_worker")
        dying = worker.start("run", "--stop-when-empty", DIE_AT=step)
        out, err = dying.communicate(timeout=120)
        assert dying.returncode == -9, f"ended with {dying.returncode}\n{out}\n{err}"
    worker.program = ("-m", "worker")
    _, err = worker.run("run", "--stop-when-empty")
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0), err
    return after


def followers(step: str) -> set[int]:
    """How often a job that follows is published: once, and again by each redelivery whose worker had done it already.

    Whoever dies right after the ack may take it along: it was on its way, nobody confirms it.
    """
    return {"published": {1 + deaths_at(step)}, "acked": {1, 2}}.get(step, {1})


def at_once(work: Callable[[str], None], steps: Iterable[str]) -> None:
    """Do the work of all steps, several at a time; fails with what was wrong at which step."""
    wrong = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for step, done in [(step, pool.submit(work, step)) for step in steps]:
            if error := done.exception():
                wrong[step] = error
    assert not wrong, "\n".join(f"killed at {step!r}: {error}" for step, error in wrong.items())


def done_after_kills(new_app: NewApp, portrait: bytes, kills: int, wait_for: Wait) -> None:
    apps = {step: new_app() for step in DONE}

    def work(step: str) -> None:
        app = apps[step]
        for _ in range(images_for(kills, step)):
            image = app.image(portrait)
            after = kill_at(app, step, image, wait_for)
            assert [face["face_index"] for face in app.rows.faces(image)] == [0]
            assert (row_of(app, image)["faces_checked"], row_of(app, image)["last_error"]) == (1, None)
            assert app.failed() == []
            assert depth(app, after) in followers(step)
        _log.info("done, killed at %s: %d kills", step, images_for(kills, step) * deaths_at(step))

    at_once(work, DONE)


def failed_after_kills(new_app: NewApp, kills: int, wait_for: Wait) -> None:
    apps = {step: new_app() for step in FAILED}

    def work(step: str) -> None:
        app = apps[step]
        for number in range(1, images_for(kills, step) + 1):
            image = app.image(b"this is no photo")
            after = kill_at(app, step, image, wait_for)
            assert (app.rows.faces(image), row_of(app, image)["faces_checked"]) == ([], 0)
            assert row_of(app, image)["last_error"].startswith("HTTP 4")
            assert (len(app.failed()), depth(app, after)) == (number, 0)
        _log.info("failed, killed at %s: %d kills", step, images_for(kills, step) * deaths_at(step))

    at_once(work, FAILED)


def released_after_kills(new_app: NewApp, kills: int, wait_for: Wait) -> None:
    with ExitStack() as ending:
        apis = {step: ending.enter_context(running_scripted_api()) for step in RELEASED}
        apps = {step: new_app(api_url=api.url) for step, api in apis.items()}

        def work(step: str) -> None:
            app = apps[step]
            for _ in range(images_for(kills, step)):
                image = app.image(b"the scripted API looks at names only")
                _fail_first(apis[step], name_of(app, image), deaths_at(step) if step in ANSWERED else 1)
                after = kill_at(app, step, image, wait_for, FACE_WORKER_TRIES="0")
                assert [face["face_index"] for face in app.rows.faces(image)] == [0]
                assert (row_of(app, image)["faces_checked"], row_of(app, image)["last_error"]) == (1, None)
                assert app.failed() == []
            assert depth(app, after) in followers(step)
            _log.info("released, killed at %s: %d kills", step, images_for(kills, step) * deaths_at(step))

        at_once(work, RELEASED)


def _fail_first(api: ScriptedApi, filename: str, times: int) -> None:
    broken = [says(500, error="a fault", retryable=True) for _ in range(times)]
    api.answer(filename, *broken, finds(PEOPLE[0], debug_image_path=f"/photos/2020/debug/{filename}"))


def test_a_job_survives_kills_of_its_worker_at_any_step(new_app: NewApp, portrait: bytes, wait_for: Wait) -> None:
    done_after_kills(new_app, portrait, 2, wait_for)


def test_a_job_that_fails_is_recorded_once_wherever_its_worker_is_killed(new_app: NewApp, wait_for: Wait) -> None:
    failed_after_kills(new_app, 2, wait_for)


def test_a_job_that_is_released_comes_again_wherever_its_worker_is_killed(new_app: NewApp, wait_for: Wait) -> None:
    released_after_kills(new_app, 2, wait_for)


@pytest.mark.long
def test_a_job_survives_twenty_kills_at_each_step(new_app: NewApp, portrait: bytes, wait_for: Wait) -> None:
    done_after_kills(new_app, portrait, 20, wait_for)


@pytest.mark.long
def test_failing_jobs_are_recorded_once_over_twenty_kills_at_each_step(new_app: NewApp, wait_for: Wait) -> None:
    failed_after_kills(new_app, 20, wait_for)


@pytest.mark.long
def test_released_jobs_come_again_over_twenty_kills_at_each_step(new_app: NewApp, wait_for: Wait) -> None:
    released_after_kills(new_app, 20, wait_for)
