"""The face API, the database and the broker killed at every step of a job: one result an image all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.acceptance.held import Held, state_of
from tests.acceptance.steps import depth, push_chain
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp, command_of, dedup_key
from tests.servers.proxy import running_proxy
from tests.servers.rabbitmq import RabbitMQ, running_rabbitmq

Wait = Callable[..., None]

STEPS = (
    *("decoded", "locked", "marked", "image read", "file found", "encoded", "candidates read", "image locked"),
    *("rows written", "committed", "unmarked", "unlocked", "published", "acked"),
)

#: No try may be spent on the world's faults: a second one would fail the job.
ONE_TRY = {"FACE_WORKER_TRIES": "1", "FACE_LOCK_SECONDS": "3"}


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDB]:
    """To be killed."""
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[RabbitMQ]:
    """To be killed."""
    with running_rabbitmq() as server:
        yield server


class HeldJob:
    """A job of an app of its own, its worker waiting at a step, and a job that follows it."""

    def __init__(self, app: PhotoApp, photo: bytes, step: str) -> None:
        self.app = app
        self.image, self.after = app.image(photo), app.rabbitmq.new_queue()
        app.rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=dedup_key(self.image))
        push_chain(app, self.image, command_of(self.image, self.after))
        self.worker = Held(app, step, **ONE_TRY)

    def is_done(self) -> bool:
        """Whether it is, and nothing is left of it."""
        app = self.app
        checked = len(app.rows.read("SELECT id FROM images WHERE faces_checked"))
        return (checked, depth(app), depth(app, self.after) > 0, app.leftovers()) == (1, 0, True, NOTHING_LEFT)

    def has_failed(self) -> bool:
        """Whether it has for good, and nothing but its record is left."""
        return (bool(self.app.failed()), depth(self.app), self.app.leftovers()) == (True, 0, NOTHING_LEFT)

    def check(self) -> None:
        """One result, nothing failed, and what follows was published once, unless the worker could not know."""
        log = self.worker.stop()
        assert [face["face_index"] for face in self.app.rows.faces(self.image)] == [0], log
        assert self.app.rows.one("SELECT last_error FROM images WHERE id = :id", id=self.image) == {"last_error": None}
        assert self.app.failed() == [], log
        most = 2 if self.worker.step in {"published", "acked"} else 1
        assert 1 <= depth(self.app, self.after) <= most, log


def hold_all(
    new_app: NewApp, photo: bytes, wait_for: Wait, steps: Sequence[str] = STEPS, **options: Any
) -> list[HeldJob]:
    jobs = [HeldJob(new_app(**options), photo, step) for step in steps]
    wait_for(lambda: all(job.worker.waits() for job in jobs), 120)
    return jobs


def go_on(jobs: list[HeldJob]) -> None:
    for job in jobs:
        job.worker.let_go()


def finish(jobs: list[HeldJob], wait_for: Wait) -> None:
    for job in jobs:
        # The connections went with their server.
        job.app.rows.close()
    for job in jobs:
        wait_for(job.is_done, 120, f"the end of the job that was held at {job.worker.step!r}")
        job.check()


def test_the_database_killed_at_any_step_costs_no_job_and_no_try(
    new_app: NewApp, mariadb: MariaDB, portrait: bytes, wait_for: Wait
) -> None:
    jobs = hold_all(new_app, portrait, wait_for)
    mariadb.kill()
    go_on(jobs)
    uncommitted = [job for job in jobs if job.worker.step in STEPS[: STEPS.index("committed")]]
    wait_for(lambda: {state_of(job.app) for job in uncommitted} == {"waiting"})
    mariadb.start()
    finish(jobs, wait_for)


def test_the_broker_killed_at_any_step_doubles_nothing(
    new_app: NewApp, rabbitmq: RabbitMQ, portrait: bytes, wait_for: Wait
) -> None:
    jobs = hold_all(new_app, portrait, wait_for)
    rabbitmq.kill()
    go_on(jobs)
    rabbitmq.start()
    finish(jobs, wait_for)


def test_a_connection_lost_at_any_step_publishes_nothing_twice(
    new_app: NewApp, rabbitmq: RabbitMQ, portrait: bytes, wait_for: Wait
) -> None:
    with running_proxy(rabbitmq.port) as proxy:
        jobs = hold_all(new_app, portrait, wait_for, variables={"RABBITMQ_PORT": str(proxy.port)})
        proxy.reset()
        wait_for(lambda: proxy.accepted >= 2 * len(jobs), 60, "the new connections, which bring the messages again")
        go_on(jobs)
        finish(jobs, wait_for)


def test_servers_killed_where_a_job_fails_leave_one_record_of_it(
    new_app: NewApp, mariadb: MariaDB, rabbitmq: RabbitMQ, wait_for: Wait
) -> None:
    steps = ("file found", "recorded", "unmarked", "unlocked", "published")
    for server in (mariadb, rabbitmq):
        jobs = hold_all(new_app, b"this is no photo", wait_for, steps)
        server.kill()
        go_on(jobs)
        server.start()
        for job in jobs:
            job.app.rows.close()
            wait_for(job.has_failed, 120, f"the end of the job that was held at {job.worker.step!r}")
            job.worker.stop()
            assert len(job.app.failed()) == 1
            assert depth(job.app, job.after) == 0
            assert job.app.rows.faces(job.image) == []
