"""kill -9 of the worker at every step of a job: one result, nothing lost, nothing left behind."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp, command_of
from tests.servers.worker_process import ROOT, Worker

Wait = Callable[..., None]

#: The steps of a job that is done, in their order.
STEPS = (
    *("decoded", "locked", "marked", "image read", "file found", "encoded", "candidates read", "image locked"),
    *("rows written", "committed", "unmarked", "unlocked", "published", "acked"),
)

#: Whether the next job of the chain is out already when the worker dies there: the redelivery publishes it again.
PUBLISHED = {"published"}


def dying(app: PhotoApp, step: str) -> Worker:
    worker = app.worker(DIE_AT=step, PYTHONPATH=str(ROOT), FACE_LOCK_SECONDS="3")
    worker.program = ("-m", "tests.servers.dying_worker")
    return worker


def chained(app: PhotoApp, image_id: int, next_queue: str) -> str:
    """The properties of a job that another one follows, on a queue of its own."""
    following = command_of(image_id, next_queue)
    return f's:7:"chained";a:1:{{i:0;s:{len(following)}:"{following}";}}'


def push_with_chain(app: PhotoApp, image_id: int, next_queue: str) -> None:
    command = command_of(image_id, app.queue, chained(app, image_id, next_queue), count=3)
    app.rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=_key(image_id))
    app.publish(json.dumps(app.payload(command)).encode())


def _key(image_id: int) -> bytes:
    from tests.servers.photo_app import dedup_key

    return dedup_key(image_id)


def _kill_at(app: PhotoApp, step: str, times: int, photo: bytes) -> None:
    """One image; its worker dies at the step so many times, then another one finishes."""
    image, after = app.image(photo), app.rabbitmq.new_queue()
    push_with_chain(app, image, after)
    deaths = 1 if step == "acked" else times
    for _ in range(deaths):
        worker = dying(app, step)
        process = worker.start("run", "--stop-when-empty")
        out, err = process.communicate(timeout=120)
        assert process.returncode == -9, f"{step}: ended with {process.returncode}\n{out}\n{err}"
    _, err = app.worker(FACE_LOCK_SECONDS="3").run("run", "--stop-when-empty")
    assert len(app.rows.faces(image)) == 1, f"{step}\n{err}"
    assert app.rows.one("SELECT faces_checked FROM images") == {"faces_checked": 1}
    assert (app.leftovers(), app.failed(), app.rabbitmq.depth(app.queue)) == (NOTHING_LEFT, [], 0), f"{step}\n{err}"
    assert app.rabbitmq.depth(after) == 1 + (deaths if step in PUBLISHED else 0), f"{step}\n{err}"


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_loses_and_doubles_nothing(new_app: NewApp, portrait: bytes, step: str) -> None:
    _kill_at(new_app(), step, 2, portrait)
