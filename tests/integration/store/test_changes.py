"""What a worker notices of other settings and of a migration while something refuses it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faces.laravel import app_settings
from faces.store.database import Store
from faces.store.sidecar import layout
from tests.servers.app_schema import V1, V2
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.waiting import wait_for
from worker.queue.changes import Changes

TABLES = ("images", "faces", "persons", "failed_jobs")


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """The app's file, as it is at the start."""
    return write(tmp_path / ".env")


def write(file: Path, more: str = "", word: str = "old-word") -> Path:
    """Write it as it would be read now: its last change is a while ago."""
    lines = f"APP_NAME=Photos\nDB_HOST=db\nDB_USERNAME=app\nDB_DATABASE=app\nRABBITMQ_PASSWORD={word}\n{more}"
    file.write_text(lines)
    return aged(file)


def aged(file: Path) -> Path:
    os.utime(file, (time.time() - 60, time.time() - 60))
    return file


def changes_of(env: Path, pause: float = 0) -> Changes:
    environment = {"LARAVEL_ENV_FILE": str(env)}
    return Changes(app_settings.load(environment), environment, pause)


def test_a_changed_setting_is_named_and_its_value_is_not(env: Path) -> None:
    changes = changes_of(env)
    assert changes.reason_to_leave(refusing=True) is None
    write(env, word="new-word")
    assert changes.reason_to_leave(refusing=True) == "the app's settings changed: RABBITMQ_PASSWORD"


def test_while_nothing_refuses_nothing_is_looked_at(env: Path) -> None:
    changes = changes_of(env)
    write(env, word="new-word")
    assert changes.reason_to_leave(refusing=False) is None


def test_what_no_setting_of_ours_comes_from_is_no_change(env: Path) -> None:
    changes = changes_of(env)
    write(env, "MAIL_PASSWORD=new-word\n")
    assert changes.reason_to_leave(refusing=True) is None


def test_the_process_s_own_environment_still_wins(env: Path) -> None:
    environment = {"LARAVEL_ENV_FILE": str(env), "RABBITMQ_PASSWORD": "ours"}
    changes = Changes(app_settings.load(environment), environment, 0)
    write(env, word="new-word")
    assert changes.reason_to_leave(refusing=True) is None


@pytest.mark.parametrize("text", [None, "", "RABBITMQ_PASSWORD='never closed", "DB_CONNECTION=pgsql\nDB_HOST=a\n"])
def test_a_file_that_cannot_be_read_is_no_change(env: Path, text: str | None) -> None:
    changes = changes_of(env)
    env.unlink()
    if text is not None:
        env.write_text(text)
        aged(env)
    assert changes.reason_to_leave(refusing=True) is None


def test_a_file_that_is_just_being_written_is_read_later(env: Path) -> None:
    changes = changes_of(env)
    env.write_text("APP_NAME=Photos\nRABBITMQ_PASS")
    assert changes.reason_to_leave(refusing=True) is None
    write(env)
    assert changes.reason_to_leave(refusing=True) is None


def test_it_is_looked_when_the_refusing_has_lasted_and_then_once_in_so_long(env: Path) -> None:
    changes = changes_of(env, pause=0.5)
    write(env, word="new-word")
    start = time.monotonic()
    assert changes.reason_to_leave(refusing=True) is None
    wait_for(lambda: changes.reason_to_leave(refusing=True))
    assert time.monotonic() - start >= 0.5
    assert changes.reason_to_leave(refusing=True) is None


def test_a_good_moment_in_between_does_not_put_the_look_off(env: Path) -> None:
    changes = changes_of(env, pause=0.5)
    write(env, word="new-word")
    answers: list[str | None] = []

    def look() -> bool:
        answers.append(changes.reason_to_leave(refusing=True) or changes.reason_to_leave(refusing=False))
        return answers[-1] is not None

    wait_for(look, seconds=5)


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDB]:
    """To be killed."""
    with running_mariadb() as server:
        yield server


@pytest.fixture
def store(server: MariaDB) -> Iterator[Store]:
    store = Store.open(server.new_database(*V2, "DROP TABLE persons"))
    yield store
    store.close()


@pytest.mark.parametrize(
    ("migration", "said"),
    [
        ("ALTER TABLE faces DROP COLUMN quality_score", "column faces.quality_score is gone"),
        ("ALTER TABLE faces ADD COLUMN extra INT NOT NULL", "column faces.extra is new"),
        ("ALTER TABLE images MODIFY filename VARCHAR(100) NULL", "column images.filename is another"),
        ("DROP TABLE failed_jobs", "table failed_jobs is gone"),
        ("CREATE TABLE persons (id INT)", "table persons is new"),
    ],
)
def test_a_migration_is_told_by_table_and_column(
    env: Path, store: Store, server: MariaDB, migration: str, said: str
) -> None:
    changes = changes_of(env)
    changes.watch(store, TABLES)
    server.run("CREATE TABLE somebody_elses (id INT)", database=store.name.split()[0])
    assert changes.reason_to_leave(refusing=True) is None
    server.run(migration, database=store.name.split()[0])
    assert changes.reason_to_leave(refusing=True) == f"the database changed: {said}"


@pytest.mark.parametrize("database", [None, "faces_of_changes"])
def test_that_our_own_tables_are_gone_is_told_wherever_they_lay(
    env: Path, server: MariaDB, database: str | None
) -> None:
    url = server.new_database(*V2)
    for options in ({"any_sidecar": True}, {}):
        store = Store.open(url, tables_database=database, **options)
        layout.run(store, layout.look(store).creating)
        if not options:
            changes = changes_of(env)
            changes.watch(store, TABLES)
            assert changes.reason_to_leave(refusing=True) is None
            layout.run(store, layout.look(store).dropping)
            assert "table face_sidecar_people is gone" in str(changes.reason_to_leave(refusing=True))
        store.close()


def test_a_migration_of_a_sqlite_file_is_told_too(env: Path, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/faces.db", create=True)
    changes = changes_of(env)
    changes.watch(store, TABLES)
    assert changes.reason_to_leave(refusing=True) is None
    with store.reading() as transaction:
        transaction.connection.exec_driver_sql("ALTER TABLE faces DROP COLUMN quality_score")
        transaction.connection.commit()
    assert changes.reason_to_leave(refusing=True) == "the database changed: column faces.quality_score is gone"
    store.close()


def test_a_database_that_is_away_is_no_change(env: Path, server: MariaDB) -> None:
    store = Store.open(server.new_database(*V1))
    changes = changes_of(env)
    changes.watch(store, TABLES)
    server.kill()
    assert changes.reason_to_leave(refusing=True) is None
    server.start()
    assert changes.reason_to_leave(refusing=True) is None
    store.close()
