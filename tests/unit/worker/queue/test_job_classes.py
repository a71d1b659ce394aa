"""A second job class is a file and a line in the registry: lock, tries, chain and failures come by themselves."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.acceptance.steps import PHOTO, chained_to, delay_queue, depth, row_of, take_all
from tests.servers.photo_app import NOTHING_LEFT, command_of, payload_of
from tests.stubs.app import StubApp
from tests.stubs.faults import Faults
from tests.stubs.worker import StubWorker
from tests.unit.worker.queue.note_job import NoteJob

NAME = "App\\Jobs\\NoteJob"


def worker(app: StubApp, breaks: int = 0, **settings: str) -> StubWorker:
    """One whose registry has a line more."""
    made = app.worker(**settings)
    made.more_jobs = lambda store: {NAME: NoteJob(store, breaks)}
    return made


def push(app: StubApp, image: int, *following: str, attempts: int = 0, **changes: Any) -> str:
    """Queue a note with its dedup key, and what follows it; returns its uuid."""
    key = json.dumps({"class": NAME, "image_id": image}, separators=(",", ":"))
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    app.rows.run("INSERT IGNORE INTO queues (queue_key) VALUES (:key)", key=digest)
    command = command_of(image, app.queue, chained_to(*following), count=3, class_name=NAME)
    payload = payload_of(command, NAME, **changes)
    app.publish(json.dumps(payload).encode(), attempts)
    return str(payload["uuid"])


def test_it_is_done_beside_the_face_job_and_its_chain_goes_on(app: StubApp, faults: Faults) -> None:
    noted, found, after = app.image(PHOTO), app.image(PHOTO), app.rabbitmq.new_queue()
    push(app, noted, command_of(7, after))
    log = worker(app).run("run", "--stop-when-empty")[1]
    assert row_of(app, noted)["last_error"] == "noted"
    assert row_of(app, noted)["faces_checked"] == 0
    assert depth(app, after) == 1
    assert f"image={noted} attempt=1" in log
    assert faults.steps == [
        *("decoded", "locked", "marked", "committed", "unmarked", "unlocked", "published", "acked"),
    ]
    app.push(found)
    worker(app).run("run", "--stop-when-empty")
    assert row_of(app, found)["faces_checked"] == 1
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT


def test_it_has_its_tries_and_its_waits(app: StubApp) -> None:
    image = app.image(PHOTO)
    push(app, image, backoff=600)
    log = worker(app, breaks=1).run("run", "--max-jobs", 1)[1]
    assert "attempt 1 of 3: broken here" in log
    (message,) = take_all(app, delay_queue(app.queue, 600))
    assert message.attempts == 1
    app.publish(message.body, attempts=1)
    worker(app).run("run", "--stop-when-empty")
    assert row_of(app, image)["last_error"] == "noted"
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT


@pytest.mark.parametrize(
    ("attempts", "breaks", "words"), [(2, 9, "attempt 3 of 3"), (3, 0, "attempted too many times")]
)
def test_after_its_last_try_it_is_a_failed_job(app: StubApp, attempts: int, breaks: int, words: str) -> None:
    image = app.image(PHOTO)
    uuid = push(app, image, attempts=attempts)
    worker(app, breaks).run("run", "--stop-when-empty")
    (row,) = app.failed()
    assert row["uuid"] == uuid
    assert words in row["exception"]
    assert row_of(app, image)["last_error"] != "noted"
    assert app.leftovers() == NOTHING_LEFT
