"""Connections to a real database over a network that spoils them: noticed soon, told as our errors, and replaced."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from faces.errors import CacheUnavailable, EngineError, FacesError, StoreUnavailable
from faces.store import failed_jobs, statement_trial
from faces.store.cache import DatabaseCache
from faces.store.database import Store, Transaction
from faces.store.failed_jobs import FailedJob
from faces.store.mysql import FRESH_SECONDS
from tests.servers.app_schema import V2
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.proxy import Proxy, running_proxy
from tests.servers.waiting import wait_for

#: Seconds within which a dead connection is noticed.
SOON = 10

#: No right beside those on tables: a server that is read-only is so for this user.
LOGIN = "app"


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDB]:
    """To be restarted and made read-only."""
    with running_mariadb() as server:
        server.run(f"CREATE USER {LOGIN}@'127.0.0.1'", f"GRANT ALL ON `app%`.* TO {LOGIN}@'127.0.0.1'")
        yield server


@pytest.fixture
def proxy(server: MariaDB) -> Iterator[Proxy]:
    with running_proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def store(server: MariaDB, proxy: Proxy) -> Iterator[Store]:
    """An app's database behind the proxy."""
    url = server.new_database(*V2).replace("root@", f"{LOGIN}@").replace(f":{server.port}/", f":{proxy.port}/")
    store = Store.open(url)
    yield store
    store.close()


def seconds_of(work: Callable[[], object]) -> float:
    start = time.monotonic()
    work()
    return time.monotonic() - start


def error_of(step: Callable[[], object]) -> Exception | None:
    try:
        step()
    except Exception as error:  # noqa: BLE001  which ones come out is the question
        return error
    return None


def mark(transaction: Transaction) -> None:
    transaction.connection.exec_driver_sql("INSERT INTO queues (queue_key) VALUES (UNHEX(MD5(UUID())))")


@pytest.mark.parametrize("way", ["read", "write", "at once"])
def test_a_connection_that_was_forgotten_on_the_way_is_noticed_within_ten_seconds(
    store: Store, proxy: Proxy, way: str
) -> None:
    cache = DatabaseCache(store, "")
    uses: dict[str, Callable[[], object]] = {
        "read": store.ping,
        "write": lambda: store.write(mark),
        "at once": lambda: cache.put("a", b"i:1;", 60),
    }
    uses[way]()
    proxy.swallow()
    # No firewall forgets what spoke a moment ago: such a connection is used unasked.
    silent_since = time.monotonic()
    wait_for(lambda: time.monotonic() > silent_since + FRESH_SECONDS)

    def refused() -> None:
        with pytest.raises((StoreUnavailable, CacheUnavailable)):
            uses[way]()

    assert seconds_of(refused) <= SOON
    proxy.heal()
    uses[way]()


def test_a_connection_is_asked_only_after_a_silence(store: Store, server: MariaDB) -> None:
    cache = DatabaseCache(store, "")
    store.ping()
    before = pings(server)
    for _ in range(20):
        store.ping()
        cache.get("a")
    assert pings(server) - before < 20


def test_one_that_the_server_closed_is_replaced_however_soon(store: Store, server: MariaDB) -> None:
    for _ in range(5):
        with store.reading() as transaction:
            number = transaction.connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
            ours = transaction.connection.connection.driver_connection._sock  # type: ignore[union-attr]
        server.run(f"KILL {number}")
        # The server takes it from its list before it closes it, and the proxy tells us after that.
        wait_for(lambda ours=ours: select.select([ours], [], [], 0)[0])  # type: ignore[misc]
        store.ping()


def pings(server: MariaDB) -> int:
    with contextlib.closing(server._connect(None)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Com_admin_commands'")
        return int(cursor.fetchone()[1])  # type: ignore[index]


def test_a_server_that_was_restarted_meanwhile_is_reached_without_an_error(store: Store, server: MariaDB) -> None:
    cache = DatabaseCache(store, "")
    store.ping()
    cache.put("a", b"i:1;", 60)
    server.kill()
    server.start()
    store.ping()
    assert cache.get("a") == b"i:1;"


def test_a_statement_may_take_longer_than_a_ping(store: Store) -> None:
    store.ping()
    with store.reading() as transaction:
        assert transaction.connection.exec_driver_sql("SELECT SLEEP(5)").scalar_one() == 0


def test_the_kernel_watches_the_connection_for_less_than_ten_seconds(store: Store) -> None:
    with store.reading() as transaction:
        watched = transaction.connection.connection.driver_connection._sock  # type: ignore[union-attr]
        assert watched.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert watched.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 8000
        assert watched.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 4


def test_dropped_idle_connections_lead_to_the_server_that_the_name_means_now(store: Store, proxy: Proxy) -> None:
    with running_mariadb() as other:
        name = store.name.split()[0]
        other.run(
            f"CREATE DATABASE {name}", f"CREATE USER {LOGIN}@'127.0.0.1'", f"GRANT ALL ON *.* TO {LOGIN}@'127.0.0.1'"
        )
        store.ping()
        proxy.lead_to(other.port)
        cache = DatabaseCache(store, "")
        with store.reading() as in_use:
            cache.drop_idle()
            in_use.connection.exec_driver_sql("SELECT 1 FROM images")
        with store.reading() as transaction:
            assert transaction.connection.exec_driver_sql("SHOW TABLES").all() == []


def test_cuts_anywhere_are_our_errors_and_the_connections_come_back(
    store: Store, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection lost while it went back to its pool was raised raw, and its place in the pool was gone for good."""
    caplog.set_level(logging.ERROR)
    cache = DatabaseCache(store, "")
    steps: tuple[Callable[[], object], ...] = (
        lambda: cache.acquire("lock", "me", 60),
        lambda: cache.put("mark", b"i:1;", 60),
        lambda: store.write(mark),
        lambda: cache.increment("count", 60),
        lambda: cache.forget("mark"),
        lambda: cache.release("lock", "me"),
    )
    errors = []
    for answered in range(1, 480, 11):
        proxy.break_after(answered)
        errors += [error for step in steps * 3 if (error := error_of(step))]
    assert len(errors) > 20
    assert {type(error) for error in errors} <= {StoreUnavailable, CacheUnavailable}
    assert [record.getMessage() for record in caplog.records] == []
    for step in steps:
        step()


@pytest.mark.parametrize("code", [1290, 1836, 1792, 3100, 1114, 1021])
def test_a_server_that_takes_no_writes_counts_as_away(store: Store, server: MariaDB, code: int) -> None:
    name = store.name.split()[0]
    refusal = f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'no writes here'"
    server.run(f"CREATE TRIGGER refusal BEFORE INSERT ON failed_jobs FOR EACH ROW {refusal}", database=name)
    with pytest.raises(StoreUnavailable, match="cannot be used now: no writes here"):
        statement_trial.require_writes(store)


def test_a_read_only_server_is_noticed_by_a_write_that_is_rolled_back(store: Store, server: MariaDB) -> None:
    statement_trial.require_writes(store)
    server.run("SET GLOBAL read_only = 1")
    try:
        store.ping()
        with pytest.raises(StoreUnavailable, match="read-only"):
            statement_trial.require_writes(store)
    finally:
        server.run("SET GLOBAL read_only = 0")
    statement_trial.require_writes(store)
    with store.reading() as transaction:
        assert transaction.connection.exec_driver_sql("SELECT count(*) FROM failed_jobs").scalar_one() == 0


def test_without_the_table_of_failed_jobs_a_read_only_server_is_noticed_too(server: MariaDB, proxy: Proxy) -> None:
    tables = [statement for statement in V2 if "failed_jobs" not in statement]
    url = server.new_database(*tables).replace("root@", f"{LOGIN}@").replace(f":{server.port}/", f":{proxy.port}/")
    store = Store.open(url)
    statement_trial.require_writes(store)
    server.run("SET GLOBAL read_only = 1")
    try:
        with pytest.raises(StoreUnavailable, match="read-only"):
            statement_trial.require_writes(store)
    finally:
        server.run("SET GLOBAL read_only = 0")
        store.close()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE failed_jobs ADD COLUMN tenant INT NOT NULL",
        "ALTER TABLE failed_jobs DROP COLUMN uuid",
        "CREATE TRIGGER refusal BEFORE INSERT ON failed_jobs FOR EACH ROW SIGNAL SQLSTATE '45000'",
    ],
)
def test_a_table_that_refuses_a_row_is_no_server_that_takes_none(store: Store, server: MariaDB, change: str) -> None:
    server.run(change, database=store.name.split()[0])
    statement_trial.require_writes(store)


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("INSERT INTO cache VALUES ('it''s secret', 1, 1), ('it''s secret', 1, 1)", "Duplicate entry '…' for key"),
        ("INSERT INTO failed_jobs (connection) VALUES ('secret", "near '…' at line"),
        ("INSERT INTO cache VALUES ('a', 1, 'secret')", "Incorrect integer value: '…' for column"),
    ],
)
def test_what_the_server_repeats_of_a_row_is_in_no_error(store: Store, statement: str, left: str) -> None:
    def work(transaction: Transaction) -> None:
        transaction.connection.exec_driver_sql(statement)

    with pytest.raises(EngineError) as caught:
        store.write(work)
    error: BaseException | None = caught.value
    assert left in str(error)
    while error := error.__cause__:
        assert "secret" not in str(error).partition("[SQL:")[0]


def test_a_row_s_values_are_in_no_error(store: Store) -> None:
    row = FailedJob("a", "secret", "secret", "secret", "secret")
    store.write(
        lambda transaction: transaction.connection.exec_driver_sql("ALTER TABLE failed_jobs DROP COLUMN payload")
    )
    with pytest.raises(FacesError) as caught:
        store.write(lambda transaction: failed_jobs.record(transaction, row))
    assert "secret" not in f"{caught.value}{caught.value.__cause__}"


def test_a_text_that_is_no_text_is_the_row_s_fault_and_not_the_server_s(store: Store) -> None:
    with pytest.raises(EngineError, match="no text"):
        store.write(lambda transaction: transaction.connection.exec_driver_sql("SELECT '\ud800'"))
    store.ping()
