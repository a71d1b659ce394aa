"""Several at once: the same image, rows locked crosswise, masters that go; on real databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from faces.client.face_client import FaceClient
from faces.errors import ImageMissing, StoreUnavailable
from faces.people.matching import Candidates
from faces.store import images
from faces.store.database import Store, Transaction
from faces.store.masters import Masters
from tests.servers.app_schema import V2
from tests.servers.fake_api import FakeApi
from tests.servers.mariadb import MariaDB
from tests.servers.people import PEOPLE, near
from tests.servers.rows import Rows
from worker.jobs.faces import Processed, Tools, process_image

A, B = PEOPLE[:2]
WORKERS = 8


def test_workers_on_one_image_write_one_set_of_rows(
    url: str, rows: Rows, make_tools: Callable[..., Tools], api: FakeApi
) -> None:
    master = rows.master(near(A, 0.3))
    image = rows.image()
    api.found = [A, B]
    together = threading.Barrier(WORKERS, timeout=30)
    api.before = lambda: together.wait() and None

    def work(_number: int) -> Processed:
        store = Store.open(url)
        try:
            return process_image(make_tools(store=store), image)
        finally:
            store.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        done = list(pool.map(work, range(WORKERS)))
    assert sorted(one.inserted for one in done) == [0] * (WORKERS - 1) + [2]
    assert [face["parent_id"] for face in rows.faces(image)] == [master, None]
    assert len(rows.read("SELECT id FROM faces WHERE image_id = :id", id=image)) == 2


def test_workers_on_many_images_whose_masters_lie_crosswise_all_finish(
    rows: Rows, make_tools: Callable[..., Tools], api: FakeApi
) -> None:
    """Each image holds the master of the next one's face: rows and parents are locked in a circle."""
    circle = [rows.image(faces_checked=1) for _ in range(WORKERS)]
    masters = [rows.face(image, PEOPLE[10 + n], status="ok") for n, image in enumerate(circle)]
    found = {image: [PEOPLE[10 + n], near(PEOPLE[10 + (n + 1) % WORKERS], 0.3)] for n, image in enumerate(circle)}
    tools = make_tools()

    def work(image: int) -> Processed:
        mine = FakeApi(found=found[image])
        return process_image(_with_api(tools, mine), image)

    with ThreadPoolExecutor(WORKERS) as pool:
        done = list(pool.map(work, circle))
    assert [one.inserted for one in done] == [1] * WORKERS
    for number, image in enumerate(circle):
        linked = [face["parent_id"] for face in rows.faces(image)]
        assert linked == [None, masters[(number + 1) % WORKERS]]


def _with_api(tools: Tools, api: FakeApi) -> Tools:
    http = httpx2.Client(transport=httpx2.MockTransport(api), base_url="http://api")
    return Tools(tools.store, FaceClient(http), tools.disks, tools.linking, tools.identities)


def test_a_deadlock_repeats_the_transaction(mariadb: MariaDB) -> None:
    store = Store.open(mariadb.new_database(*V2))
    rows = Rows(str(store._engine.url.render_as_string(hide_password=False)))
    first, second = rows.image(), rows.image()
    together = threading.Barrier(2, timeout=30)
    attempts: list[int] = []

    def crosswise(order: tuple[int, int]) -> Callable[[Transaction], None]:
        def work(transaction: Transaction) -> None:
            attempts.append(order[0])
            images.lock(transaction, order[0])
            if attempts.count(order[0]) == 1:
                together.wait()
            images.lock(transaction, order[1])

        return work

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(store.write, [crosswise((first, second)), crosswise((second, first))]))
    assert len(attempts) == 3, "MariaDB ended one of the two with error 1213, and it was repeated"
    rows.close()
    store.close()


def test_a_lock_that_somebody_keeps_is_waited_for(url: str, rows: Rows, store: Store) -> None:
    image = rows.image()
    locked, release = threading.Event(), threading.Event()

    def keep(transaction: Transaction) -> None:
        images.lock(transaction, image)
        locked.set()
        assert release.wait(30)
        images.note_error(transaction, image, "first")

    with ThreadPoolExecutor(2) as pool:
        keeping = pool.submit(store.write, keep)
        assert locked.wait(30)
        waiting = pool.submit(store.write, lambda transaction: images.note_error(transaction, image, "second"))
        release.set()
        keeping.result(30)
        waiting.result(60)
    assert rows.one("SELECT last_error FROM images")["last_error"] == "second"


@pytest.mark.parametrize("change", ["status = 'process'", "parent_id = 1", "deleted_at = '2020-01-01 00:00:00'"])
def test_a_master_that_is_none_any_more_is_matched_again(rows: Rows, tools: Tools, api: FakeApi, change: str) -> None:
    """The change comes after the candidates were read: the share lock shows it."""
    other, nearest = rows.master(near(A, 0.5)), rows.master(near(A, 0.3, seed=1))
    image = rows.image()
    api.found = [A]

    class Changing(Masters):
        def read(self, transaction: Transaction) -> Candidates:
            candidates = super().read(transaction)
            transaction.connection.rollback()
            rows.run(f"UPDATE faces SET {change} WHERE id = {nearest}")
            return candidates

    changing = Changing(tools.store.schema)
    process_image(Tools(tools.store, tools.client, tools.disks, tools.linking, changing), image)
    assert rows.faces(image)[0]["parent_id"] == other


def test_locks_are_taken_in_one_order(mariadb: MariaDB, make_tools: Callable[..., Tools], api: FakeApi) -> None:
    store = Store.open(mariadb.new_database(*V2))
    rows = Rows(store._engine.url.render_as_string(hide_password=False))
    rows.master(near(A, 0.3))
    image = rows.image(faces_checked=1)
    rows.face(image, B)
    api.found = [A]
    tools = make_tools(store=store)
    mariadb.run("SET GLOBAL log_output = 'TABLE'", "TRUNCATE mysql.general_log", "SET GLOBAL general_log = ON")
    process_image(tools, image)
    mariadb.run("SET GLOBAL general_log = OFF")
    said = [str(row["argument"]) for row in _general_log(mariadb)]
    locking = [" ".join(text.split()) for text in said if "FOR UPDATE" in text or "LOCK IN SHARE" in text]
    assert [text.split(" FROM ")[1].split(" ")[0] for text in locking] == ["images", "faces", "faces"]
    assert locking[1].endswith("ORDER BY faces.id FOR UPDATE")
    assert locking[2].endswith("ORDER BY faces.id LOCK IN SHARE MODE")
    rows.close()
    store.close()


def _general_log(mariadb: MariaDB) -> list[dict[str, object]]:
    rows = Rows(f"mysql+pymysql://root@127.0.0.1:{mariadb.port}/mysql")
    try:
        return rows.read("SELECT CONVERT(argument USING utf8mb4) AS argument FROM general_log ORDER BY event_time")
    finally:
        rows.close()


@pytest.mark.parametrize("url", ["mariadb v1", "mariadb v2", "mariadb all"], indirect=True)
def test_a_server_that_dies_is_told_and_leaves_nothing_half_written(rows: Rows, tools: Tools, api: FakeApi) -> None:
    """The server ends our connection in the middle of the transaction."""
    image = rows.image()

    def work(transaction: Transaction) -> None:
        images.lock(transaction, image)
        images.note_error(transaction, image, "half")
        number = transaction.connection.exec_driver_sql("SELECT connection_id()").scalar_one()
        rows.run(f"KILL {number}")
        images.note_error(transaction, image, "written")

    with pytest.raises(StoreUnavailable, match="cannot be used now"):
        tools.store.write(work)
    assert rows.one("SELECT last_error FROM images")["last_error"] is None
    api.found = [A]
    assert process_image(tools, image).inserted == 1, "the pool gives a new connection"


def test_an_error_of_ours_takes_everything_back(rows: Rows, store: Store) -> None:
    image = rows.image()

    def work(transaction: Transaction) -> None:
        images.note_error(transaction, image, "half")
        raise ImageMissing("gone")

    with pytest.raises(ImageMissing):
        store.write(work)
    assert rows.one("SELECT last_error FROM images")["last_error"] is None
