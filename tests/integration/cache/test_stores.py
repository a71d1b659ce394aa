"""What both stores promise, without PHP on the other side."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from faces.laravel.app_redis import redis_place
from faces.laravel.environment import LaravelEnvironment
from faces.store.cache import DatabaseCache
from faces.store.database import Store
from tests.servers.app_schema import V1
from tests.servers.mariadb import MariaDB
from tests.servers.redis import Redis
from worker.laravel.app_cache import AppCache
from worker.laravel.lock_and_mark import CrashMarks
from worker.laravel.redis_cache import RedisCache


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def in_threads(work: Callable[[], object], number: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_renewing_twice_within_a_second_is_not_losing_it(cache: AppCache) -> None:
    cache.acquire("a", "me", 60)
    assert [cache.renew("a", "me", 60) for _ in range(3)] == [True] * 3


def test_whoever_has_it_may_take_it_again(cache: AppCache) -> None:
    assert [cache.acquire("a", "me", 60) for _ in range(2)] == [True] * 2
    assert not cache.acquire("a", "you", 60)


def test_a_lock_that_ran_out_is_nobodys(cache: AppCache) -> None:
    cache.acquire("a", "me", 1)
    wait_for(lambda: cache.owner_of("a") is None)
    assert cache.acquire("a", "you", 60)
    assert not cache.release("a", "me")


def test_what_is_not_there_is_nothing(cache: AppCache) -> None:
    assert cache.get("a") is None
    assert cache.owner_of("a") is None
    assert not cache.renew("a", "me", 60)
    assert not cache.release("a", "me")
    cache.forget("a")
    cache.forget_lock("a")


def test_a_value_goes_with_its_time_and_a_counter_starts_again(cache: AppCache) -> None:
    cache.put("a", b"b:1;", 1)
    cache.increment("count", 1)
    wait_for(lambda: cache.get("a") is None and cache.get("count") is None)
    assert cache.increment("count", 60) == 1
    assert cache.increment("count", 60) == 2


def test_the_last_value_written_stays(cache: AppCache) -> None:
    cache.put("a", b"i:1;", 60)
    cache.put("a", b"i:2;", 60)
    assert cache.get("a") == b"i:2;"


def test_a_value_is_added_only_where_there_is_none(cache: AppCache) -> None:
    assert cache.add("a", b's:1:"x";', 60)
    assert not cache.add("a", b's:1:"y";', 60)
    assert cache.get("a") == b's:1:"x";'
    cache.forget("a")
    assert cache.add("a", b"i:3;", 1)
    assert cache.get("a") == b"i:3;"
    wait_for(lambda: cache.get("a") is None)


def test_of_threads_that_add_at_once_one_does(cache: AppCache) -> None:
    added: list[bool] = []
    for key in "abcdefgh":
        in_threads(lambda key=key: added.append(cache.add(key, b"i:1;", 60)), 4)  # type: ignore[misc]
    assert sum(added) == 8


def test_a_value_that_another_one_took_the_place_of_is_not_forgotten(cache: AppCache) -> None:
    for value, other in ((b's:1:"x";', b's:1:"X";'), (b"i:1;", b"i:2;")):
        cache.put("a", value, 60)
        cache.forget_this("a", other)
        assert cache.get("a") == value
        cache.forget_this("a", value)
        assert cache.get("a") is None
    cache.forget_this("a", b"i:1;")


def test_locks_and_values_of_one_key_are_two_things(cache: AppCache) -> None:
    cache.acquire("a", "me", 60)
    cache.put("a", b"i:1;", 60)
    cache.forget("a")
    assert cache.owner_of("a") == "me"


def test_threads_count_together_and_miss_nothing(cache: AppCache) -> None:
    counts: list[int] = []
    in_threads(lambda: counts.extend(cache.increment("a", 60) for _ in range(10)), 4)
    assert sorted(counts) == list(range(1, 41))


def test_of_threads_that_want_it_at_once_one_gets_it(cache: AppCache) -> None:
    got: list[bool] = []
    for key in "abcdefgh":
        in_threads(lambda key=key: got.append(cache.acquire(key, secrets.token_hex(8), 60)), 4)  # type: ignore[misc]
    assert sum(got) == 8


def test_the_prefixes_that_are_in_use_can_be_found(cache: DatabaseCache | RedisCache) -> None:
    cache.acquire("x_face-processing:1", "me", 60)
    cache.acquire("other-work:1", "me", 60)
    cache.put("y_illuminate:queue:restart", b"i:1;", 60)
    found = cache.prefixes_in_use("face-processing:", "illuminate:queue:restart")
    assert {name.rpartition("laravel_cache_")[2].removeprefix(":") for name in found} == {"x_", "y_"}


def test_marks_of_crashes_are_kept_as_values_of_the_app(cache: AppCache) -> None:
    assert CrashMarks(cache, "one").begin("uuid") == 0
    assert CrashMarks(cache, "two").begin("uuid") == 1
    assert cache.get("face-crash:uuid") == b's:5:"1:two";'


def test_the_databases_clock_decides_and_not_ours(mariadb: MariaDB) -> None:
    url = mariadb.new_database(*V1)
    mariadb.run("CREATE USER IF NOT EXISTS app@'127.0.0.1'", "GRANT ALL ON *.* TO app@'127.0.0.1'")
    mariadb.run("REVOKE SUPER, CONNECTION ADMIN ON *.* FROM app@'127.0.0.1'")
    mariadb.run("SET GLOBAL init_connect = 'SET timestamp = 2000000000'")
    try:
        ahead = Store.open(url.replace("root@", "app@"))
        cache = DatabaseCache(ahead, "")
        cache.acquire("a", "me", 120)
        cache.put("a", b"i:1;", 60)
        assert cache.owner_of("a") == "me"
        assert cache.get("a") == b"i:1;"
    finally:
        mariadb.run("SET GLOBAL init_connect = ''")
    with ahead.reading() as transaction:
        rows = transaction.connection.exec_driver_sql(
            "SELECT expiration FROM cache_locks UNION ALL SELECT expiration FROM cache"
        ).scalars()
        assert list(rows) == [2000000120, 2000000060]
    ahead.close()


def test_a_lock_that_is_being_taken_holds_nobody_up(store: Store) -> None:
    """An insert in an open transaction would let the other side wait for `innodb_lock_wait_timeout`."""
    with store.reading() as transaction:
        inserted = threading.Event()

        def slow(now: object) -> None:
            now.connection.exec_driver_sql("INSERT INTO cache_locks VALUES ('a', 'me', UNIX_TIMESTAMP() + 60)")  # type: ignore[attr-defined]
            inserted.set()
            release.wait(30)

        release = threading.Event()
        thread = threading.Thread(target=store.write_at_once, args=(slow,))
        thread.start()
        inserted.wait(30)
        seen = transaction.connection.exec_driver_sql("SELECT owner FROM cache_locks").scalars().all()
        release.set()
        thread.join()
    assert seen == ["me"]


def test_what_commits_itself_leaves_the_connection_as_it_was(store: Store) -> None:
    cache = DatabaseCache(store, "")
    # Which of the two names there is depends on the server's version.
    asked = "SHOW VARIABLES WHERE Variable_name IN ('autocommit', 'tx_isolation', 'transaction_isolation')"
    before = store.write(lambda now: now.connection.exec_driver_sql(asked).all())
    cache.acquire("a", "me", 60)
    assert store.write(lambda now: now.connection.exec_driver_sql(asked).all()) == before
    assert {value for _, value in before} == {"OFF", "READ-COMMITTED"}


def test_tables_of_other_names_are_used(mariadb: MariaDB) -> None:
    url = mariadb.new_database(*V1, "RENAME TABLE cache TO values_of_app, cache_locks TO locks_of_app")
    store = Store.open(url)
    cache = DatabaseCache(store, "", "values_of_app", "locks_of_app")
    cache.put("a", b"i:1;", 60)
    cache.acquire("a", "me", 60)
    assert cache.get("a") == b"i:1;"
    assert cache.owner_of("a") == "me"
    store.close()


def test_a_socket_leads_to_redis_too(tmp_path: Path) -> None:
    server = Redis()
    try:
        server.start("--unixsocket", str(tmp_path / "s"))
        cache = RedisCache(redis_place(LaravelEnvironment({"REDIS_HOST": str(tmp_path / "s")}, None)), "")
        assert cache.acquire("a", "me", 60)
        assert server.command("GET", "a") == "me"
        cache.close()
    finally:
        server.close()
