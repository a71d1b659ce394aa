"""A server that answers and is no longer the one: the worker goes on with the one that is, or leaves to start anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from subprocess import Popen

import pytest
import sqlalchemy as sa

from tests.acceptance.steps import PHOTO, delay_queue, depth, row_of
from tests.servers.app_in_php import cache_in
from tests.servers.app_schema import V2
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.proxy import Proxy, running_proxy
from tests.servers.rabbitmq import running_rabbitmq
from tests.servers.redis import Redis, running_redis
from tests.servers.rows import Rows
from tests.servers.worker_process import Worker

Wait = Callable[..., None]

#: A user whom `read_only` binds, as it does an app's.
LOGIN = ("CREATE USER app@'127.0.0.1'", "GRANT ALL ON `app%`.* TO app@'127.0.0.1'")


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDB]:
    """To fail over."""
    with running_mariadb() as server:
        server.run(*LOGIN)
        yield server


@pytest.fixture
def proxy(mariadb: MariaDB) -> Iterator[Proxy]:
    """What the app calls its database."""
    with running_proxy(mariadb.port) as proxy:
        yield proxy


def done(app: PhotoApp, image: int) -> bool:
    return bool(row_of(app, image)["faces_checked"])


def test_a_database_that_failed_over_is_found_by_its_name_while_the_old_one_still_answers(
    new_app: NewApp, mariadb: MariaDB, proxy: Proxy, wait_for: Wait
) -> None:
    app = new_app(variables={"DB_PORT": str(proxy.port), "DB_USERNAME": "app"})
    worker = app.worker()
    process = worker.start("run", "--max-jobs", 2)
    first, second = app.image(PHOTO), app.image(PHOTO)
    app.push(first)
    wait_for(lambda: done(app, first))
    with running_mariadb() as writer:
        writer.run(*LOGIN)
        replicate(app, writer)
        mariadb.run("SET GLOBAL read_only = 1")
        try:
            proxy.lead_to(writer.port)
            app.push(second, dedup=False)
            log = worker.end_of(process)[1]
        finally:
            mariadb.run("SET GLOBAL read_only = 0")
            app.rows.close()
        rows = Rows(app.url.replace(f":{mariadb.port}/", f":{writer.port}/"))
        assert rows.one("SELECT faces_checked FROM images WHERE id = :id", id=second) == {"faces_checked": 1}
        rows.close()
    assert "read-only" in log
    assert app.failed() == []
    assert depth(app) == 0


def replicate(app: PhotoApp, writer: MariaDB) -> None:
    """The app's tables and images on another server."""
    name = sa.make_url(app.url).database
    writer.run(f"CREATE DATABASE {name}")
    writer.run(*V2, database=name)
    rows = Rows(f"mysql+pymysql://root@127.0.0.1:{writer.port}/{name}")
    for image in app.rows.read("SELECT id, filename FROM images"):
        rows.image(**image)
    rows.close()


def test_a_redis_that_failed_over_is_found_by_its_name_while_the_old_one_still_answers(
    new_app: NewApp, wait_for: Wait
) -> None:
    with running_redis() as old, running_redis() as master, running_proxy(old.port) as name:
        app = new_app(variables=cache_in(old) | {"REDIS_PORT": str(name.port)})
        worker = app.worker()
        process = worker.start("run", "--max-jobs", 2)
        first, second = app.image(PHOTO), app.image(PHOTO)
        app.push(first)
        wait_for(lambda: done(app, first))
        old.command("REPLICAOF", "127.0.0.1", master.port)
        name.lead_to(master.port)
        app.push(second)
        log = worker.end_of(process)[1]
    assert done(app, second)
    assert "read only replica" in log
    assert app.failed() == []
    assert depth(app) == 0
    assert app.leftovers() == NOTHING_LEFT


def test_a_read_only_database_is_waited_for_where_the_cache_is_elsewhere(
    new_app: NewApp, mariadb: MariaDB, redis: Redis, wait_for: Wait
) -> None:
    app = new_app(variables={"DB_USERNAME": "app"} | cache_in(redis))
    image = app.image(PHOTO)
    mariadb.run("SET GLOBAL read_only = 1")
    try:
        app.push(image)
        worker = app.worker()
        process = worker.start("run", "--max-jobs", 1)
        wait_for(lambda: status_of(app).count("read-only"), what="a worker that says what it waits for")
    finally:
        mariadb.run("SET GLOBAL read_only = 0")
    log = worker.end_of(process)[1]
    assert done(app, image)
    assert app.failed() == []
    assert "read-only" in log


def status_of(app: PhotoApp) -> str:
    """Also before there is a worker, where it ends with 1."""
    worker = app.worker()
    return worker.output_of(worker.start("status"))[0]


def hasty(app: PhotoApp) -> tuple[Worker, Popen[str]]:
    """A worker that looks for changes every second."""
    worker = app.worker()
    worker.program = ("-m", "tests.servers.hasty_worker")
    return worker, worker.start()


def test_a_broker_password_that_changed_in_the_app_s_file_makes_the_worker_leave_and_is_not_told(
    new_app: NewApp, wait_for: Wait
) -> None:
    with running_rabbitmq() as rabbitmq:
        app = new_app(rabbitmq=rabbitmq)
        worker, process = hasty(app)
        wait_for(lambda: app.queue in rabbitmq.control("list_consumers"), what="a worker that takes jobs")
        rabbitmq.control("change_password", "guest", "new-word")
        rabbitmq.control("close_all_connections", "changed")
        app.variables = {"RABBITMQ_PASSWORD": "new-word"}
        app.write_env()
        log = worker.end_of(process)[1]
        assert "leaving, to be started anew: the app's settings changed: RABBITMQ_PASSWORD" in log
        assert "new-word" not in log


def test_a_column_that_a_migration_dropped_makes_the_worker_leave(new_app: NewApp, wait_for: Wait) -> None:
    app = new_app()
    first, second = app.image(PHOTO), app.image(PHOTO)
    worker, process = hasty(app)
    app.push(first)
    wait_for(lambda: done(app, first))
    app.rows.run("ALTER TABLE images DROP COLUMN last_error")
    app.push(second)
    log = worker.end_of(process)[1]
    assert "leaving, to be started anew: the database changed: column images.last_error is gone" in log
    assert depth(app) + depth(app, delay_queue(app.queue, 10)) == 1


def test_a_database_password_that_is_put_right_while_the_worker_starts_makes_it_leave(
    new_app: NewApp, wait_for: Wait
) -> None:
    app = new_app(variables={"DB_USERNAME": "nobody"})
    worker, process = hasty(app)
    wait_for(lambda: "Access denied" in status_of(app), what="a worker that says what it waits for")
    app.variables = {}
    app.write_env()
    assert "settings changed: DB_USERNAME" in worker.end_of(process)[1]
