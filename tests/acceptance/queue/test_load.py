"""Many jobs and four workers, with photos that fail and jobs that are released: every image exactly right."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.acceptance.queue.steps import body_of, depth, name_of
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp, dedup_key
from tests.servers.scripted_api import Answer, ScriptedApi, finds, running_scripted_api, says

Wait = Callable[..., None]

_log = logging.getLogger(__name__)

MASTERS = 50

#: Every so many of them, from the number on.
DAMAGED, TWICE, LOCKED, BROKEN_ONCE = (20, 0), (20, 5), (40, 10), (40, 30)


def is_one(number: int, kind: tuple[int, int]) -> bool:
    return number % kind[0] == kind[1]


@dataclass
class Expected:
    """What the rows must say of an image in the end."""

    number: int
    id: int
    people: list[np.ndarray]
    parents: list[int | None]

    @property
    def answer(self) -> Answer:
        return finds(*self.people, debug_image_path=f"/photos/2020/debug/{self.number}.jpg")

    @property
    def asked(self) -> int:
        """How often its photo is sent to the API."""
        return 2 if is_one(self.number, BROKEN_ONCE) else 1

    @property
    def row(self) -> tuple[int, str | None, str | None]:
        if is_one(self.number, DAMAGED):
            return 0, "HTTP 422: ", None
        return 1, None, f"{self.number}.jpg"


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with running_scripted_api() as server:
        yield server


def expected_of(app: PhotoApp, jobs: int) -> list[Expected]:
    """Images with no, one or two faces, each of which only one of its kind has; every second face is somebody known."""
    dice = np.random.default_rng(4)
    masters = [(person := dice.normal(size=128), app.rows.master(person)) for _ in range(MASTERS)]
    images = []
    for number in range(jobs):
        known, parent = masters[number % MASTERS]
        people = [known + dice.normal(size=128) / 1000, dice.normal(size=128)][: number % 3]
        image = app.image(b"the scripted API looks at names only")
        images.append(Expected(number, image, people, [parent, None][: number % 3]))
    return images


def script(api: ScriptedApi, app: PhotoApp, image: Expected) -> None:
    broken = says(500, error="a fault", retryable=True)
    damaged = says(422, error="the photo is damaged", code="damaged_photo", retryable=False)
    answers = [damaged] if is_one(image.number, DAMAGED) else [image.answer]
    api.answer(name_of(app, image.id), *([broken] if is_one(image.number, BROKEN_ONCE) else []), *answers)


def push_all(app: PhotoApp, images: list[Expected]) -> None:
    with app.rabbitmq.channel() as channel:
        for image in images:
            app.rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=dedup_key(image.id))
            for _ in range(2 if is_one(image.number, TWICE) else 1):
                channel.basic_publish("", app.queue, body_of(app, image.id))


def lock(app: PhotoApp, image_id: int, seconds: int) -> None:
    statement = "INSERT INTO cache_locks VALUES (:key, 'somebody', UNIX_TIMESTAMP() + :seconds)"
    app.rows.run(statement, key=f"load_face-processing:{image_id}", seconds=seconds)


def everything_is_right(app: PhotoApp, images: list[Expected]) -> None:
    rows = {row["id"]: row for row in app.rows.read("SELECT * FROM images")}
    faces: dict[int, list[dict[str, Any]]] = {image.id: [] for image in images}
    for face in app.rows.read("SELECT * FROM faces WHERE status = 'process' ORDER BY face_index"):
        faces[face["image_id"]].append(face)
    for image in images:
        checked, error, picture = image.row
        row, found = rows[image.id], faces[image.id]
        assert (row["faces_checked"], row["debug_filename"]) == (checked, picture)
        assert (row["last_error"] or "").startswith(error or "")
        assert (row["last_error"] is None) == (error is None)
        kept = image.people if checked else []
        assert [face["face_index"] for face in found] == list(range(len(kept)))
        assert [json.loads(face["encoding"]) for face in found] == [person.tolist() for person in kept]
        assert [face["parent_id"] for face in found] == image.parents[: len(kept)]


def many(app: PhotoApp, api: ScriptedApi, jobs: int, wait_for: Wait) -> None:
    images = expected_of(app, jobs)
    for image in images:
        script(api, app, image)
        if is_one(image.number, LOCKED):
            lock(app, image.id, seconds=15 + jobs // 20)
    damaged = {image.id for image in images if is_one(image.number, DAMAGED)}
    push_all(app, images)
    home = app.worker(FACE_WORKER_BACKOFF="2")
    start = time.monotonic()
    workers = [home.start("run") for _ in range(4)]

    def are_done() -> bool:
        checked = app.rows.one("SELECT count(*) AS n FROM images WHERE faces_checked AND filename <> 'master.jpg'")["n"]
        return (checked, len(app.failed())) == (jobs - len(damaged), len(damaged))

    wait_for(are_done, 60 + jobs, "the end of all jobs", 0.2)
    _log.info("%d jobs by 4 workers in %.1f s", jobs, time.monotonic() - start)
    queues = [app.queue, *(f"{app.queue}.delay.{seconds}000" for seconds in (2, 10))]
    wait_for(lambda: [depth(app, queue) for queue in queues] == [0, 0, 0] and app.leftovers() == NOTHING_LEFT)
    for worker in workers:
        worker.terminate()
    log = "".join(home.end_of(worker)[1] for worker in workers)
    everything_is_right(app, images)
    payloads = [json.loads(row["payload"])["data"]["command"] for row in app.failed()]
    assert sorted(f'"image_id";i:{image};' for image in damaged) == sorted(_id_in(command) for command in payloads)
    asked = Counter(seen.filename for seen in api.seen)
    assert asked == {name_of(app, image.id): image.asked for image in images}
    assert log.count("again in 10 s: somebody else works on image") >= sum(is_one(i, LOCKED) for i in range(jobs))
    assert log.count("again in 2 s: attempt 1 of 3") == sum(is_one(i, BROKEN_ONCE) for i in range(jobs))
    assert log.count("done: was done before") == sum(is_one(i, TWICE) for i in range(jobs))


def _id_in(command: str) -> str:
    start = command.index('"image_id"')
    return command[start : command.index(";", start + len('"image_id";')) + 1]


def test_a_hundred_jobs_with_four_workers(new_app: NewApp, api: ScriptedApi, wait_for: Wait) -> None:
    many(new_app(api_url=api.url, variables={"CACHE_PREFIX": "load_"}), api, 100, wait_for)


@pytest.mark.long
def test_a_thousand_jobs_with_four_workers(new_app: NewApp, api: ScriptedApi, wait_for: Wait) -> None:
    many(new_app(api_url=api.url, variables={"CACHE_PREFIX": "load_"}), api, 1000, wait_for)
