"""Our tables in another database of the app's server: one transaction with its rows, and left alone by its drops."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from faces.errors import SchemaError, SettingsError
from faces.store import images
from faces.store.database import Store, Transaction
from faces.store.schema import images as images_table
from faces.store.sidecar import layout
from faces.store.sidecar.tables import sidecar_tables
from faces.store.statement_trial import Needed, try_statements
from tests.integration.store.test_layout import Limited
from tests.servers.app_schema import V1, V2, V4, V5
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows

_numbers = itertools.count(1)


@pytest.fixture
def other() -> str:
    """A name that needs quotes."""
    return f"faces-{next(_numbers)}$"


@pytest.fixture
def url(mariadb: MariaDB) -> str:
    return mariadb.new_database(*V2)


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    rows = Rows(url)
    yield rows
    rows.close()


def create(url: str, database: str) -> None:
    store = Store.open(url, tables_database=database, any_sidecar=True)
    layout.run(store, layout.look(store).creating)
    store.close()


@pytest.fixture
def store(url: str, other: str) -> Iterator[Store]:
    create(url, other)
    store = Store.open(url, tables_database=other)
    yield store
    store.close()


def people(store: Store) -> sa.Table:
    assert store.schema.sidecar
    return store.schema.sidecar.people


@pytest.mark.parametrize("statements", [V1, V2, V4, V5], ids=["v1", "v2", "v4", "v5"])
def test_the_database_and_the_tables_are_made_there_and_nothing_in_the_apps(
    mariadb: MariaDB, other: str, statements: tuple[str, ...]
) -> None:
    url = mariadb.new_database(*statements)
    rows = Rows(url)
    before = rows.read("SHOW TABLES")
    create(url, other)
    store = Store.open(url, tables_database=other)
    assert people(store).schema == other
    assert try_statements(store, Needed(None, None, None)) == []
    assert layout.look(store).creating == ()
    assert rows.read("SHOW TABLES") == before
    assert len(rows.read(f"SHOW TABLES FROM `{other}`")) == len(sidecar_tables().metadata.tables)
    store.close()
    rows.close()


def write_both(transaction: Transaction) -> None:
    """A person of ours and a row of the app's."""
    assert transaction.schema.sidecar
    transaction.connection.execute(sa.insert(transaction.schema.sidecar.people).values(name="Ada"))
    changed = sa.update(images_table).where(images_table.c.id == 1).values(last_error="seen")
    transaction.connection.execute(changed)


def test_one_transaction_over_both_commits_both(store: Store, rows: Rows, other: str) -> None:
    rows.image()
    store.write(write_both)
    assert rows.one(f"SELECT name FROM `{other}`.face_sidecar_people") == {"name": "Ada"}
    assert rows.one("SELECT last_error FROM images") == {"last_error": "seen"}


def test_one_transaction_over_both_rolls_back_both(store: Store, rows: Rows, other: str) -> None:
    rows.image()

    def stopped(transaction: Transaction) -> None:
        write_both(transaction)
        assert transaction.connection.execute(sa.select(people(store).c.name)).scalar() == "Ada"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(stopped)
    assert rows.read(f"SELECT name FROM `{other}`.face_sidecar_people") == []
    assert rows.one("SELECT last_error FROM images") == {"last_error": None}


def test_a_connection_that_is_lost_rolls_back_both(store: Store, rows: Rows, other: str) -> None:
    image = rows.image()

    def lost(transaction: Transaction) -> None:
        write_both(transaction)
        number = transaction.connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
        rows.run(f"KILL {number}")
        images.lock(transaction, image)

    with pytest.raises(Exception, match=r"cannot be used now|was lost"):
        store.write(lost)
    assert rows.read(f"SELECT name FROM `{other}`.face_sidecar_people") == []
    assert rows.one("SELECT last_error FROM images") == {"last_error": None}


def test_dropping_all_of_the_apps_tables_as_migrate_fresh_does_leaves_them_alone(
    store: Store, rows: Rows, url: str, other: str, mariadb: MariaDB
) -> None:
    rows.image()
    store.write(write_both)
    database = url.rpartition("/")[2]
    tables = ", ".join(next(iter(row.values())) for row in rows.read("SHOW TABLES"))
    mariadb.run("SET FOREIGN_KEY_CHECKS = 0", f"DROP TABLE {tables}", database=database)
    mariadb.run(*V2, database=database)
    again = Store.open(url, tables_database=other)
    with again.reading() as transaction:
        assert transaction.connection.execute(sa.select(people(again).c.name)).scalar() == "Ada"
    again.close()


def test_a_database_that_has_them_not_ends_the_start_and_the_setting_is_named(url: str, other: str, rows: Rows) -> None:
    refusal = r"FACE_TABLES_DATABASE: found no tables face_sidecar_… in the database faces-\d+\$, needed all of them: "
    with pytest.raises(SettingsError, match=refusal + "`worker tables --create` makes them"):
        Store.open(url, tables_database=other)
    create(url, other)
    rows.run(f"DELETE FROM `{other}`.face_sidecar_library")
    with pytest.raises(SettingsError, match="found only a part of the tables"):
        Store.open(url, tables_database=other)


def test_tables_in_the_apps_database_are_not_taken_for_those_in_the_other(url: str, other: str) -> None:
    own = Store.open(url)
    layout.run(own, layout.look(own).creating)
    own.close()
    with pytest.raises(SettingsError, match="FACE_TABLES_DATABASE: found no tables"):
        Store.open(url, tables_database=other)


def test_a_file_has_its_own_tables_whatever_is_set(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/faces.db", create=True, tables_database="faces")
    assert people(store).schema is None
    assert store.schema.match_rule == "calibrated"
    store.close()


def test_missing_rights_are_told_with_the_grants_that_are_enough(mariadb: MariaDB, other: str) -> None:
    app = Limited(mariadb, mariadb.new_database(*V2))
    with pytest.raises(
        SchemaError, match=r"Access denied .*: this user needs rights: GRANT CREATE, .* ON `faces-"
    ) as made:
        create(app.url, other)
    app.granted(made.value)
    create(app.url, other)
    store = Store.open(app.url, tables_database=other)
    assert try_statements(store, Needed(None, None, None)) == []
    layout.run(store, layout.look(store).dropping)
    assert layout.look(store).beside.there == frozenset()
    store.close()
    app.rows.close()
    app.as_root.rows.close()


def test_the_right_to_the_apps_index_is_asked_for_apart(mariadb: MariaDB, other: str) -> None:
    app = Limited(mariadb, mariadb.new_database(*V2))
    create(app.as_root.url, other)
    mariadb.run(f"GRANT SELECT ON `{other}`.* TO u_{app.database}")
    store = Store.open(app.url, tables_database=other)
    with pytest.raises(SchemaError, match=rf"INDEX command .*: GRANT INDEX ON `{app.database}`\.`faces` TO ") as caught:
        layout.run(store, layout.look(store).indexing)
    app.granted(caught.value)
    layout.run(store, layout.look(store).indexing)
    assert layout.look(store).index == layout.UPDATED_AT_INDEX
    store.close()
    app.rows.close()
    app.as_root.rows.close()
