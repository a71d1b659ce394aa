"""How a session of ours begins, beside one of real Laravel's: time zone, strictness, socket, letters."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from faces.errors import SettingsError, StoreUnavailable
from faces.laravel.app_database import in_time_zone
from faces.store.database import Store
from tests.servers.app_schema import V1
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.php import run_php

#: Writes a queue's row as the app does, and reads those that are there.
_IN_PHP = """
$manager = new Illuminate\\Database\\Capsule\\Manager;
$manager->addConnection([
    'driver' => 'mysql', 'host' => '127.0.0.1', 'port' => $in->port, 'database' => $in->database, 'username' => 'root',
    'password' => '', 'charset' => 'utf8mb4', 'collation' => 'utf8mb4_unicode_ci', 'strict' => true,
    'timezone' => $in->zone, 'prefix' => '',
]);
$table = $manager->getConnection()->table('moments');
$table->insert(['who' => 'php', 'at' => $in->now]);
answer($table->orderBy('who')->pluck('at', 'who'));
"""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[MariaDB]:
    """A server in another zone than everybody, that by itself cuts what is too long."""
    with running_mariadb("--default-time-zone=+03:00", "--sql-mode=") as server:
        yield server


def select(store: Store, question: str) -> Any:
    with store.reading() as transaction:
        return transaction.connection.execute(sa.text(question)).scalar_one()


@pytest.mark.parametrize("zone", [None, "+00:00", "-07:00"])
def test_moments_are_written_and_read_as_php_does(elsewhere: MariaDB, zone: str | None) -> None:
    url = elsewhere.new_database(*V1, "CREATE TABLE moments (who VARCHAR(9), at TIMESTAMP NULL)")
    now = datetime(2026, 7, 1, 12, 0, 0)
    with contextlib.closing(Store.open(in_time_zone(url, zone))) as store:
        insert = sa.text("INSERT INTO moments VALUES ('ours', :now)")
        store.write(lambda transaction: transaction.connection.execute(insert, {"now": now}))
        asked = {"port": elsewhere.port, "database": url.rpartition("/")[2], "zone": zone, "now": str(now)}
        assert run_php(_IN_PHP, asked) == {"ours": str(now), "php": str(now)}
        assert select(store, "SELECT COUNT(DISTINCT UNIX_TIMESTAMP(at)) FROM moments") == 1
        assert select(store, "SELECT CAST(MIN(at) AS CHAR) FROM moments") == str(now)
        assert select(store, "SELECT @@session.time_zone") == (zone or "+03:00")


def test_a_zone_that_the_server_does_not_know_is_refused_by_name(elsewhere: MariaDB) -> None:
    with pytest.raises(SettingsError, match=r"^FACE_DATABASE_TIMEZONE.*Nowhere/City"):
        Store.open(in_time_zone(elsewhere.new_database(*V1), "Nowhere/City"))


def test_what_is_too_long_is_an_error_also_where_the_server_would_cut_it(elsewhere: MariaDB) -> None:
    url = elsewhere.new_database(*V1, "CREATE TABLE short (text VARCHAR(3))")
    with contextlib.closing(Store.open(url)) as store:
        assert select(store, "SELECT @@session.sql_mode LIKE '%STRICT_TRANS_TABLES%'") == 1
        insert = sa.text("INSERT INTO short VALUES ('long')")
        with pytest.raises(Exception, match="Data too long"):
            store.write(lambda transaction: transaction.connection.execute(insert))


def test_of_several_sockets_the_first_that_is_there_is_taken_at_each_connect(
    elsewhere: MariaDB, tmp_path: Path
) -> None:
    url = elsewhere.new_database(*V1)
    link = tmp_path / "socket"
    came_from = "SELECT SUBSTRING_INDEX(HOST, ':', 1) FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()"
    came_from = came_from.replace("':'", "CHAR(58)")
    with contextlib.closing(Store.open(f"{url}?sockets=/nowhere/socket:{link}")) as store:
        assert select(store, came_from) == "127.0.0.1"
        link.symlink_to(elsewhere.socket)
        store.close()
        assert select(store, came_from) == "localhost"


def test_an_option_that_the_driver_does_not_know_is_refused_by_name(elsewhere: MariaDB) -> None:
    with pytest.raises(SettingsError, match=r"^FACE_DATABASE_URL: found the options sslmode, needed PyMySQL's"):
        Store.open(f"{elsewhere.new_database(*V1)}?sslmode=require")


def test_a_command_of_the_url_stands_alone(elsewhere: MariaDB) -> None:
    url = f"{elsewhere.new_database(*V1)}?init_command=SET+%40mine=7"
    with contextlib.closing(Store.open(url)) as store:
        assert select(store, "SELECT @mine") == 7
    with pytest.raises(SettingsError, match=r"^FACE_DATABASE_TIMEZONE: found an init_command"):
        Store.open(in_time_zone(url, "+00:00"))


def test_a_password_that_is_wrong_stays_unavailable(elsewhere: MariaDB) -> None:
    url = elsewhere.new_database(*V1).replace("root@", "root:größe@")
    with pytest.raises(StoreUnavailable, match="Access denied"):
        Store.open(url)
