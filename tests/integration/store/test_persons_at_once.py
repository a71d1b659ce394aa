"""Several at once where the app has persons: workers on one image, and people who confirm faces meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import numpy as np
import pytest

from faces.client.face_client import FaceClient
from faces.errors import LockLost
from faces.store.database import Store
from tests.servers.fake_api import FakeApi
from tests.servers.mariadb import MariaDB
from tests.servers.people import PEOPLE, near
from tests.servers.rows import Rows
from worker.jobs.context import Context
from worker.jobs.faces import Processed, Tools, process_image

pytestmark = pytest.mark.parametrize("url", ["mariadb v5"], indirect=True)

WORKERS = 6


def person(rows: Rows, centroid: object) -> int:
    insert = "INSERT INTO persons (name, centroid_embedding, embeddings_count) VALUES ('Ann', :centroid, 1)"
    return rows.run(insert, centroid=json.dumps(centroid))


def test_workers_on_one_image_write_one_set_of_rows(
    url: str, rows: Rows, make_tools: Callable[..., Tools], api: FakeApi
) -> None:
    ann = person(rows, near(PEOPLE[0], 0.3).tolist())
    image = rows.image()
    api.found = [PEOPLE[0], PEOPLE[1]]
    together = threading.Barrier(WORKERS, timeout=30)
    api.before = lambda: together.wait() and None

    def work(_number: int) -> Processed:
        store = Store.open(url)
        try:
            return process_image(make_tools(store=store), image, Context(skip_done=True))
        finally:
            store.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        done = list(pool.map(work, range(WORKERS)))
    assert sorted(one.inserted for one in done) == [0] * (WORKERS - 1) + [2]
    assert sum(one.done_already for one in done) == WORKERS - 1
    assert [(face["status"], face["person_id"]) for face in rows.faces(image)] == [
        ("suggested", ann),
        ("process", None),
    ]


def test_of_two_workers_that_both_believe_they_hold_an_image_one_writes(
    rows: Rows, make_tools: Callable[..., Tools], api: FakeApi
) -> None:
    """Only the row decides: one lost its lock while it waited for the row, and does not know it before it asks."""
    image = rows.image()
    api.found = [PEOPLE[0]]
    together = threading.Barrier(2, timeout=30)
    api.before = lambda: together.wait() and None
    owner = ["second"]

    def work(name: str) -> Processed | str:
        context = Context(lambda: owner == [name], skip_done=True)
        try:
            return process_image(make_tools(), image, context)
        except LockLost:
            return "lost"

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(work, ["first", "second"])
    assert first == "lost"
    assert isinstance(second, Processed)
    assert len(rows.faces(image)) == 1


def test_people_who_confirm_faces_meanwhile_stop_nobody(rows: Rows, make_tools: Callable[..., Tools]) -> None:
    """The app locks a face and then its person, as we do; centroids change all the time."""
    everybody = [person(rows, one.tolist()) for one in PEOPLE[:4]]
    images = [rows.image() for _ in range(12)]
    tools = make_tools()
    stop = threading.Event()

    def confirm() -> int:
        dice, clicks = np.random.default_rng(7), 0
        while not stop.is_set():
            one = int(dice.integers(4))
            rows.run("UPDATE faces SET status = 'ok' WHERE person_id = :id LIMIT 1", id=everybody[one])
            moved = json.dumps(near(PEOPLE[one], dice.uniform(0, 0.05), clicks).tolist())
            rows.run("UPDATE persons SET centroid_embedding = :moved WHERE id = :id", moved=moved, id=everybody[one])
            clicks += 1
        return clicks

    def work(image: int) -> Processed:
        http = httpx2.Client(transport=httpx2.MockTransport(FakeApi(found=list(PEOPLE[:4]))), base_url="http://api")
        mine = Tools(tools.store, FaceClient(http), tools.disks, tools.linking, tools.identities)
        try:
            return process_image(mine, image, Context(skip_done=True))
        finally:
            http.close()

    with ThreadPoolExecutor(4) as pool:
        clicking = pool.submit(confirm)
        try:
            done = list(pool.map(work, images))
        finally:
            stop.set()
        assert clicking.result(30) > 0
    assert [one.linked for one in done] == [4] * len(images)
    for image in images:
        assert [face["person_id"] for face in rows.faces(image)] == everybody


def test_locks_are_taken_in_one_order(
    mariadb: MariaDB, rows: Rows, make_tools: Callable[..., Tools], api: FakeApi
) -> None:
    for one in reversed(PEOPLE[:2]):
        person(rows, one.tolist())
    image = rows.image(faces_checked=1)
    rows.face(image, PEOPLE[5])
    api.found = list(PEOPLE[:2])
    tools = make_tools()
    mariadb.run("SET GLOBAL log_output = 'TABLE'", "TRUNCATE mysql.general_log", "SET GLOBAL general_log = ON")
    process_image(tools, image, Context(skip_done=True, dedup_key=b"k" * 16, batch=("batch", "job")))
    mariadb.run("SET GLOBAL general_log = OFF")
    log = Rows(f"mysql+pymysql://root@127.0.0.1:{mariadb.port}/mysql")
    said = log.read("SELECT CONVERT(argument USING utf8mb4) AS text FROM general_log ORDER BY event_time")
    log.close()
    words = [" ".join(str(row["text"]).split()) for row in said]
    locking = [text for text in words if "FOR UPDATE" in text or "LOCK IN SHARE" in text or text.startswith("DELETE")]
    assert [text.split(" FROM ")[1].split()[0] for text in locking] == [
        *("images", "faces", "persons", "queues", "job_batches")
    ]
    assert "IN (1, 2)" in locking[2]
    assert locking[2].endswith("ORDER BY persons.id LOCK IN SHARE MODE")
