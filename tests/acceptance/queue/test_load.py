"""Many jobs and four workers, with photos that fail and jobs that are released: every image exactly right."""

from __future__ import annotations

import json
import logging
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pytest

from tests.acceptance.steps import body_of, delay_queue, depth, name_of
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp, dedup_key
from tests.servers.scripted_api import Answer, ScriptedApi, finds, says

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


class Logs:
    """What running workers say, read while they run: a full pipe would stop them."""

    def __init__(self, workers: list[subprocess.Popen[str]]) -> None:
        self.lines: list[str] = []
        self._threads = [threading.Thread(target=self._read, args=(worker.stderr,)) for worker in workers]
        for thread in self._threads:
            thread.start()

    def count(self, words: str) -> int:
        return sum(words in line for line in self.lines)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.lines.append(line)


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


def lock(app: PhotoApp, image_id: int) -> None:
    statement = "INSERT INTO cache_locks VALUES (:key, 'somebody', UNIX_TIMESTAMP() + 3600)"
    app.rows.run(statement, key=f"load_face-processing:{image_id}")


def everything_is_right(app: PhotoApp, images: list[Expected]) -> None:
    rows = {row["id"]: row for row in app.rows.read("SELECT * FROM images")}
    faces: dict[int, list[dict[str, Any]]] = {image.id: [] for image in images}
    for face in app.rows.read("SELECT * FROM faces WHERE status = 'process' ORDER BY face_index"):
        faces[face["image_id"]].append(face)
    for image in images:
        checked, error, picture = image.row
        row, found = rows[image.id], faces[image.id]
        assert row["faces_checked"] == checked
        assert row["debug_filename"] == picture
        assert (row["last_error"] or "").startswith(error or "")
        assert (row["last_error"] is None) == (error is None)
        kept = image.people if checked else []
        assert [face["face_index"] for face in found] == list(range(len(kept)))
        assert [json.loads(face["encoding"]) for face in found] == [person.tolist() for person in kept]
        assert [face["parent_id"] for face in found] == image.parents[: len(kept)]


def many(app: PhotoApp, api: ScriptedApi, jobs: int, wait_for: Wait) -> None:
    images = expected_of(app, jobs)
    damaged, locked = ({one.id for one in images if is_one(one.number, kind)} for kind in (DAMAGED, LOCKED))
    for image in images:
        script(api, app, image)
    for image_id in locked:
        lock(app, image_id)
    push_all(app, images)
    home = app.worker(FACE_WORKER_BACKOFF="2")
    start = time.monotonic()
    workers = [home.start("run") for _ in range(4)]
    logs = Logs(workers)

    def are_done(number: int) -> bool:
        checked = app.rows.one("SELECT count(*) AS n FROM images WHERE faces_checked AND filename <> 'master.jpg'")["n"]
        return (checked, len(app.failed())) == (number, len(damaged))

    try:
        wait_for(lambda: are_done(jobs - len(damaged | locked)), 120 + jobs, "the end of the jobs", 0.2)
        _log.info("%d jobs by 4 workers in %.1f s", jobs - len(locked), time.monotonic() - start)
        wait_for(
            lambda: all(logs.count(f"again in 10 s: somebody else works on image {image} now") for image in locked)
        )
        app.rows.run("DELETE FROM cache_locks WHERE owner = 'somebody'")
        wait_for(lambda: are_done(jobs - len(damaged)), 60, "the end of the locked images' jobs", 0.2)
        queues = [app.queue, *(delay_queue(app.queue, seconds) for seconds in (2, 10))]
        wait_for(lambda: [depth(app, queue) for queue in queues] == [0, 0, 0] and app.leftovers() == NOTHING_LEFT)
    finally:
        for worker in workers:
            worker.terminate()
        logs.join()
    assert [worker.wait() for worker in workers] == [0] * 4
    assert logs.count("Traceback") == 0
    everything_is_right(app, images)
    commands = [json.loads(row["payload"])["data"]["command"] for row in app.failed()]
    assert sorted(f'"image_id";i:{image};' for image in damaged) == sorted(_id_in(command) for command in commands)
    assert Counter(seen.filename for seen in api.seen) == {name_of(app, image.id): image.asked for image in images}
    assert logs.count("again in 2 s: attempt 1 of 3") == sum(is_one(number, BROKEN_ONCE) for number in range(jobs))
    assert logs.count("done: was done before") == sum(is_one(number, TWICE) for number in range(jobs))


def _id_in(command: str) -> str:
    start = command.index('"image_id"')
    return command[start : command.index(";", start + len('"image_id";')) + 1]


def test_a_hundred_jobs_with_four_workers(new_app: NewApp, api: ScriptedApi, wait_for: Wait) -> None:
    many(new_app(api_url=api.url, variables={"CACHE_PREFIX": "load_"}), api, 100, wait_for)


@pytest.mark.long
def test_a_thousand_jobs_with_four_workers(new_app: NewApp, api: ScriptedApi, wait_for: Wait) -> None:
    many(new_app(api_url=api.url, variables={"CACHE_PREFIX": "load_"}), api, 1000, wait_for)
