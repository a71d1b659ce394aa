"""kill -9 of the worker at every step of a job: one result an image, nothing lost, nothing left behind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.acceptance.steps import depth, name_of, push_chain, row_of
from tests.servers.people import PEOPLE
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp, command_of, dedup_key
from tests.servers.scripted_api import ScriptedApi, finds, running_scripted_api, says
from tests.servers.worker_process import ROOT

Wait = Callable[..., None]

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


@dataclass(frozen=True)
class Kills:
    """So many at a step, or a few more, spread over jobs."""

    step: str
    number: int

    @property
    def of_one_job(self) -> int:
        """No more than it survives: the third one in its middle makes it fail, and an acked one does not come back."""
        return 1 if self.step == "acked" else min(self.number, 3 if self.step in UNCOUNTED else 2)

    @property
    def jobs(self) -> int:
        return -(-self.number // self.of_one_job)

    @property
    def followers(self) -> set[int]:
        """How often a job that follows is published: once, and again by a redelivery after it was done already.

        Whoever dies right after the ack may take it along: it was on its way, nobody confirms it.
        """
        return {"published": {1 + self.of_one_job}, "acked": {1, 2}}.get(self.step, {1})


def kill(app: PhotoApp, kills: Kills, image: int, wait_for: Wait, **settings: str) -> str:
    """Queue the image's job with one that follows; workers die at the step, then one finishes. Returns its queue."""
    after = app.rabbitmq.new_queue()
    app.rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=dedup_key(image))
    push_chain(app, image, command_of(image, after))
    # The shortest: nobody gives back the lock of a worker that was killed.
    worker = app.worker(PYTHONPATH=str(ROOT), FACE_LOCK_SECONDS="3", **settings)
    for _ in range(kills.of_one_job):
        wait_for(lambda: depth(app) > 0)
        worker.program = ("-m", "tests.servers.stepped_worker")
        dying = worker.start("run", "--stop-when-empty", DIE_AT=kills.step)
        out, err = dying.communicate(timeout=120)
        assert dying.returncode == -9, f"ended with {dying.returncode}\n{out}\n{err}"
    worker.program = ("-m", "worker")
    _, err = worker.run("run", "--stop-when-empty")
    assert app.leftovers() == NOTHING_LEFT, err
    assert depth(app) == 0, err
    return after


def at_once(work: Callable[[Kills], None], steps: Iterable[str], number: int) -> None:
    """Do the work of all steps, several at a time; fails with what was wrong at which step."""
    wrong = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for step, done in [(step, pool.submit(work, Kills(step, number))) for step in steps]:
            if error := done.exception():
                wrong[step] = error
            _log.info("killed %d times at %r: %s", number, step, error or "all right")
    assert not wrong, "\n".join(f"killed at {step!r}: {error}" for step, error in wrong.items())


def done_after_kills(new_app: NewApp, portrait: bytes, number: int, wait_for: Wait) -> None:
    apps = {step: new_app() for step in DONE}

    def work(kills: Kills) -> None:
        app = apps[kills.step]
        for _ in range(kills.jobs):
            image = app.image(portrait)
            after = kill(app, kills, image, wait_for)
            is_done_once(app, image, after, kills)

    at_once(work, DONE, number)


def failed_after_kills(new_app: NewApp, number: int, wait_for: Wait) -> None:
    steps = differing(FAILED, number)
    apps = {step: new_app() for step in steps}

    def work(kills: Kills) -> None:
        app = apps[kills.step]
        for failed in range(1, kills.jobs + 1):
            image = app.image(b"this is no photo")
            after = kill(app, kills, image, wait_for)
            assert app.rows.faces(image) == []
            assert row_of(app, image)["faces_checked"] == 0
            assert row_of(app, image)["last_error"].startswith("HTTP 4")
            assert len(app.failed()) == failed
            assert depth(app, after) == 0

    at_once(work, steps, number)


def released_after_kills(new_app: NewApp, number: int, wait_for: Wait) -> None:
    steps = differing(RELEASED, number)
    with ExitStack() as ending:
        apis = {step: ending.enter_context(running_scripted_api()) for step in steps}
        apps = {step: new_app(api_url=api.url) for step, api in apis.items()}

        def work(kills: Kills) -> None:
            app = apps[kills.step]
            for _ in range(kills.jobs):
                image = app.image(b"the scripted API looks at names only")
                broken = kills.of_one_job if kills.step in ANSWERED else 1
                _fail_first(apis[kills.step], name_of(app, image), broken)
                after = kill(app, kills, image, wait_for, FACE_WORKER_TRIES="0")
                is_done_once(app, image, after, kills)

        at_once(work, steps, number)


def differing(steps: tuple[str, ...], number: int) -> tuple[str, ...]:
    """Of few kills, those where the job goes another way than one that is done."""
    return steps if number > 2 else steps[steps.index("file found") :]


def is_done_once(app: PhotoApp, image: int, after: str, kills: Kills) -> None:
    assert [face["face_index"] for face in app.rows.faces(image)] == [0]
    assert row_of(app, image)["faces_checked"] == 1
    assert row_of(app, image)["last_error"] is None
    assert app.failed() == []
    assert depth(app, after) in kills.followers


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
