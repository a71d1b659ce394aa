"""What a worker will write, tried with the rights and tables of real servers; and nothing of it stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from faces.errors import SchemaError, StoreUnavailable
from faces.store import images
from faces.store.database import Store, Transaction
from faces.store.statement_trial import Needed, try_statements
from tests.servers.app_schema import ALL, CACHE, SQLITE_V5, V1, V2, V4, V5
from tests.servers.mariadb import MariaDB
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows

WITHOUT_UUID = ("connection", "queue", "payload", "exception", "failed_at")
NEEDED = Needed(("uuid", *WITHOUT_UUID), cache_table="cache", lock_table="cache_locks")

SIGNAL = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'frozen'"

#: The rights that the job and the trial need, by table.
RIGHTS = {
    "images": "SELECT, UPDATE",
    "faces": "SELECT, INSERT, UPDATE",
    "persons": "SELECT",
    "queues": "SELECT, DELETE",
    "failed_jobs": "INSERT",
    "cache": "SELECT, INSERT, UPDATE, DELETE",
    "cache_locks": "SELECT, INSERT, UPDATE, DELETE",
}


class Limited:
    """A database, and a user who may do there what the test says."""

    def __init__(self, mariadb: MariaDB, *statements: str, **rights: str | None) -> None:
        root = mariadb.new_database(*statements)
        self.rows = Rows(root)
        database = root.rpartition("/")[2]
        mariadb.run(f"CREATE USER u_{database}")
        for table, right in {**RIGHTS, **rights}.items():
            if right and self.rows.read(f"SHOW TABLES LIKE '{table}'"):
                mariadb.run(f"GRANT {right} ON {database}.{table} TO u_{database}")
        self.url = root.replace("root@", f"u_{database}@")
        self.store = Store.open(self.url)

    def refusal(self, needed: Needed = NEEDED) -> str:
        with pytest.raises(SchemaError) as caught:
            try_statements(self.store, needed)
        return str(caught.value)

    def close(self) -> None:
        self.store.close()
        self.rows.close()


MakeLimited = Callable[..., Limited]


@pytest.fixture
def limited(mariadb: MariaDB) -> Iterator[MakeLimited]:
    made: list[Limited] = []

    def make(*statements: str, **rights: str | None) -> Limited:
        made.append(Limited(mariadb, *statements, **rights))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("statements", [V1, V2, ALL, V4, V5], ids=["v1", "v2", "all", "v4", "v5"])
@pytest.mark.parametrize("is_empty", [True, False], ids=["empty", "in use"])
def test_these_rights_and_no_more_are_enough_and_nothing_stays(
    limited: MakeLimited, statements: tuple[str, ...], is_empty: bool
) -> None:
    app = limited(*statements)
    rows = app.rows
    if not is_empty:
        rows.master(PEOPLE[0])
        rows.face(rows.image(), PEOPLE[1])
    if not is_empty and rows.read("SHOW TABLES LIKE 'persons'"):
        rows.run("INSERT INTO persons (name, centroid_embedding, embeddings_count) VALUES ('Ann', '[0]', 1)")
    before = rows.everything()
    assert try_statements(app.store, NEEDED) == []
    assert rows.everything() == before
    for table in ("failed_jobs", "cache", "cache_locks", "queues"):
        assert rows.read(f"SELECT * FROM {table}") == []


def test_at_most_one_number_of_each_sequence_is_spent(limited: MakeLimited) -> None:
    app = limited(*V2)
    first = app.rows.master(PEOPLE[0])
    try_statements(app.store, NEEDED)
    assert app.rows.face(app.rows.image()) <= first + 2
    number = app.rows.run(
        "INSERT INTO failed_jobs (uuid, connection, queue, payload, exception) VALUES ('u', 'c', 'q', 'p', 'e')"
    )
    assert number <= 2


@pytest.mark.parametrize(
    ("table", "rights", "told"),
    [
        ("failed_jobs", "SELECT", "INSERT on failed_jobs refused: INSERT command denied"),
        ("failed_jobs", "INSERT (uuid, connection, queue, payload, failed_at), SELECT", "'exception' in table"),
        ("faces", "SELECT, UPDATE", "INSERT on faces refused: INSERT command denied"),
        ("faces", "SELECT, INSERT", "UPDATE on faces refused: UPDATE command denied"),
        (
            "faces",
            "SELECT, INSERT, UPDATE (face_index, encoding, updated_at)",
            "for column 'parent_id' in table 'faces'",
        ),
        ("images", "SELECT", "UPDATE on images refused: UPDATE command denied"),
        ("images", "SELECT, UPDATE (faces_checked, debug_filename, updated_at)", "'last_error' in table 'images'"),
        ("queues", "SELECT", "DELETE on queues refused: DELETE command denied"),
        ("cache", "SELECT, INSERT, UPDATE", "DELETE on cache refused: DELETE command denied"),
        ("cache_locks", "SELECT, INSERT, DELETE", "DELETE on cache_locks refused: UPDATE command denied"),
    ],
)
def test_a_right_that_is_missing_is_named_by_table_and_column(
    limited: MakeLimited, table: str, rights: str, told: str
) -> None:
    app = limited(*V2, **{table: rights})
    app.rows.image()
    refusal = app.refusal()
    assert told in refusal
    assert "this user needs the right to it" in refusal
    assert refusal.count("refused") == 1, "and nothing else is"


def test_all_refusals_are_told_at_once(limited: MakeLimited) -> None:
    app = limited(*V2, faces="SELECT, UPDATE", queues="SELECT", failed_jobs="SELECT")
    refusal = app.refusal()
    assert [table for table in RIGHTS if f" on {table} refused" in refusal] == ["faces", "queues", "failed_jobs"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE failed_jobs ADD note VARCHAR(9) NOT NULL", "INSERT on failed_jobs refused: Field 'note'"),
        ("ALTER TABLE faces ADD owner INT NOT NULL", "INSERT on faces refused: Field 'owner'"),
        ("ALTER TABLE faces ADD CONSTRAINT young CHECK (deleted_at IS NULL)", "UPDATE on faces refused: CONSTRAINT"),
        ("ALTER TABLE faces ADD CONSTRAINT few CHECK (face_index > 250)", "CONSTRAINT `few` failed"),
        ("ALTER TABLE cache DROP COLUMN expiration", "on cache refused: Unknown column 'expiration'"),
        (
            "ALTER TABLE queues CHANGE queue_key kuh BINARY(16)",
            "DELETE on queues refused: Unknown column 'queues.queue_key'",
        ),
        (
            f"CREATE TRIGGER no BEFORE UPDATE ON images FOR EACH ROW {SIGNAL}",
            "UPDATE on images refused: frozen (the trigger must let through",
        ),
        (
            f"CREATE TRIGGER no BEFORE INSERT ON faces FOR EACH ROW {SIGNAL}",
            "INSERT on faces refused: frozen (the trigger must let through",
        ),
    ],
)
def test_what_the_tables_refuse_is_told_with_what_is_needed(limited: MakeLimited, change: str, told: str) -> None:
    app = limited(*V2, change)
    app.rows.image()
    assert told in app.refusal()


def test_without_any_image_a_foreign_key_is_no_fault_and_a_column_is(limited: MakeLimited) -> None:
    assert try_statements(limited(*V2).store, NEEDED) == []
    app = limited(*V2, "ALTER TABLE faces ADD owner INT NOT NULL")
    assert "Field 'owner' doesn't have a default value (that column needs a default value" in app.refusal()


def test_no_start_waits_for_an_image_that_a_job_has_in_hand(limited: MakeLimited) -> None:
    one = limited(*V2)
    image = one.rows.image()
    other = Store.open(one.url)
    told: list[list[str]] = []

    def holding(transaction: Transaction) -> None:
        assert images.lock(transaction, image)
        start = time.monotonic()
        told.append(try_statements(one.store, NEEDED))
        assert time.monotonic() - start < 30

    other.write(holding)
    other.close()
    assert told == [[]]


def test_a_uuid_is_needed_where_the_app_uses_it(limited: MakeLimited) -> None:
    app = limited(*V2, "ALTER TABLE failed_jobs DROP COLUMN uuid")
    assert "it lacks failed_jobs.uuid (the app's migrations make it)" in app.refusal()
    assert try_statements(app.store, replace(NEEDED, failed_jobs=WITHOUT_UUID)) == []


def test_what_this_configuration_does_not_use_is_not_tried(limited: MakeLimited) -> None:
    app = limited(*V2, failed_jobs=None, cache=None, cache_locks=None)
    assert try_statements(app.store, Needed(None, None, None)) == []


def test_the_caches_tables_may_have_other_names(limited: MakeLimited) -> None:
    named = CACHE.replace("TABLE cache", "TABLE app_cache")
    app = limited(*V2, named, app_cache="SELECT", cache=None)
    assert "on app_cache refused: INSERT command denied" in app.refusal(replace(NEEDED, cache_table="app_cache"))


def test_a_unique_number_of_faces_is_told_and_lets_the_worker_start(limited: MakeLimited) -> None:
    app = limited(*V2, "CREATE UNIQUE INDEX numbers ON faces (image_id, face_index)")
    image = app.rows.image()
    app.rows.face(image, PEOPLE[0], deleted_at="2020-01-01 00:00:00")
    (warning,) = try_statements(app.store, NEEDED)
    assert "UNIQUE index over faces.image_id and faces.face_index" in warning


@pytest.mark.parametrize("variable", ["read_only", "tx_read_only"])
def test_a_read_only_server_is_away(limited: MakeLimited, mariadb: MariaDB, variable: str) -> None:
    app = limited(*V2)
    mariadb.run(f"SET GLOBAL {variable} = 1")
    try:
        fresh = Store.open(app.url)
        with pytest.raises(StoreUnavailable, match=r"read.only|READ ONLY"):
            try_statements(fresh, NEEDED)
        fresh.close()
    finally:
        mariadb.run(f"SET GLOBAL {variable} = 0")
    assert try_statements(app.store, NEEDED) == []


def test_on_sqlite_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/app.db"
    Store.open(url, create=True).close()
    rows = Rows(url)
    for statement in SQLITE_V5[2:]:
        rows.run(statement)
    store = Store.open(url)
    assert try_statements(store, NEEDED) == []
    rows.run("ALTER TABLE failed_jobs ADD note TEXT NOT NULL DEFAULT ''")
    rows.run("CREATE TRIGGER no BEFORE INSERT ON failed_jobs BEGIN SELECT RAISE(ABORT, 'frozen'); END")
    with pytest.raises(SchemaError, match="INSERT on failed_jobs refused: frozen"):
        try_statements(store, NEEDED)
    assert rows.everything() == []
    rows.close()
    store.close()
