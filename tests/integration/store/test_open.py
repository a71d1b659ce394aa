"""Opening databases: what is looked at, what is made, what is refused, and what is said."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from faces.errors import SchemaError, SettingsError, StoreUnavailable
from faces.store import migrations
from faces.store.database import Store
from tests.servers.app_schema import (
    FACES,
    IMAGES,
    PERSONS,
    QUEUES,
    SQLITE_V2,
    SQLITE_V4,
    SQLITE_V5,
    V1,
    V2,
    V2_NEW,
    V3,
    V4,
    V5,
)
from tests.servers.mariadb import MariaDB


def test_a_sqlite_file_gets_the_apps_tables_and_ours(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/faces.db", create=True)
    assert store.schema.ours
    assert store.schema.missing == ()
    store.close()
    with closing(sqlite3.connect(tmp_path / "faces.db")) as connection, connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert {"images", "faces", "scan_marks"} <= tables
        assert connection.execute("PRAGMA user_version").fetchone() == (migrations.NEWEST,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_sqlite_file_that_is_not_there_is_only_made_when_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"found no database .*gone\.db"):
        Store.open(f"sqlite:///{tmp_path}/gone.db")
    assert list(tmp_path.iterdir()) == []


def test_a_sqlite_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "faces.db")) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SchemaError, match="made by a newer version of this program"):
        Store.open(f"sqlite:///{tmp_path}/faces.db", create=True)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "faces.db").write_bytes(b"this is a text, and by no means a database" * 100)
    with pytest.raises(SchemaError, match="not a database"):
        Store.open(f"sqlite:///{tmp_path}/faces.db", create=True)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"gone/faces\.db cannot be used now"):
        Store.open(f"sqlite:///{tmp_path}/gone/faces.db", create=True)


def test_an_apps_sqlite_file_is_not_changed(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE images (id, disk, path, filename, debug_filename, faces_checked, last_error, updated_at)"
        )
        connection.execute(
            "CREATE TABLE faces (id, image_id, face_index, parent_id, encoding, status,"
            " created_at, updated_at, deleted_at)"
        )
    connection.close()
    store = Store.open(f"sqlite:///{tmp_path}/app.db", create=True)
    assert not store.schema.ours
    store.close()
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection, connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize(
    "url", ["postgresql://root@host/app", "faces.db", "", "sqlite://", "sqlite:///:memory:", "mysql+mysqldb://host/app"]
)
def test_another_database_is_refused_and_the_sentence_names_the_setting(url: str) -> None:
    with pytest.raises(SettingsError, match=r"FACE_DATABASE_URL: found .*needed mysql\+pymysql://"):
        Store.open(url)


def test_the_apps_first_schema_is_used_as_it_is(mariadb: MariaDB, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        store = Store.open(mariadb.new_database(*V1))
    store.close()
    assert not store.schema.ours
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("faces")]
    for missing in (
        "faces.quality_score",
        "faces.quality_details",
        "faces.is_reference",
        "faces.box",
        "faces.parent_id",
    ):
        assert missing in line


def test_a_later_schema_says_less_is_missing(mariadb: MariaDB) -> None:
    store = Store.open(mariadb.new_database(*V2, "CREATE INDEX parents ON faces (parent_id)"))
    store.close()
    assert store.schema.missing == ("faces.box",)


def test_nothing_is_made_in_the_apps_database(mariadb: MariaDB) -> None:
    with pytest.raises(SchemaError, match="the database lacks table images, table faces"):
        Store.open(mariadb.new_database(), create=True)


def test_all_that_is_missing_is_named_at_once(mariadb: MariaDB) -> None:
    changes = ("ALTER TABLE images DROP COLUMN last_error", "ALTER TABLE faces DROP COLUMN deleted_at")
    with pytest.raises(SchemaError, match=r"images\.last_error, faces\.deleted_at"):
        Store.open(mariadb.new_database(*V1, *changes))


def test_a_schema_with_persons_needs_what_they_are_matched_by(mariadb: MariaDB) -> None:
    changes = (
        "ALTER TABLE persons DROP COLUMN centroid_embedding",
        "ALTER TABLE faces DROP COLUMN person_id",
        "ALTER TABLE faces MODIFY status ENUM('process', 'unknown', 'not_face', 'ok')",
    )
    lacking = r"lacks faces\.person_id, persons\.centroid_embedding, faces\.status 'suggested':"
    with pytest.raises(SchemaError, match=lacking):
        Store.open(mariadb.new_database(*V5, "ALTER TABLE faces DROP FOREIGN KEY faces_person_cascade", *changes))


def test_a_schema_whose_faces_may_be_suggested_needs_persons(mariadb: MariaDB) -> None:
    with pytest.raises(SchemaError, match=r"lacks faces\.person_id, table persons:"):
        Store.open(mariadb.new_database(*V4, "DROP TABLE persons", "ALTER TABLE faces DROP COLUMN person_id"))


#: What people do to a schema by hand, or migrations that were not all run.
PLAIN_STATUS = "ALTER TABLE faces MODIFY status VARCHAR(255) NOT NULL DEFAULT 'process'"
BOX = "ALTER TABLE faces ADD COLUMN box JSON NULL"


@pytest.mark.parametrize(
    ("statements", "version", "has_persons"),
    [
        pytest.param(V1, "v1", False, id="v1"),
        pytest.param(V2, "v2 or v3", False, id="v2"),
        pytest.param(V2_NEW, "v2 or v3", False, id="v2 made new"),
        pytest.param(V3, "v2 or v3", False, id="v3"),
        pytest.param(V4, "v4", True, id="v4"),
        pytest.param(V5, "v5", True, id="v5"),
        pytest.param((*V1, PERSONS), "v1", False, id="v1 beside a table persons"),
        pytest.param((*V1, PLAIN_STATUS), "v1", False, id="v1 without an enum"),
        pytest.param((*V2, PLAIN_STATUS), "v2 or v3", False, id="v2 without an enum"),
        pytest.param((*V4, PLAIN_STATUS), "v4", True, id="v4 without an enum"),
        pytest.param((*V5, PLAIN_STATUS, BOX), "v5", True, id="v5 without an enum"),
        pytest.param((*V4, "ALTER TABLE faces ADD COLUMN name VARCHAR(255)"), "v4", True, id="v4 with names"),
    ],
)
def test_the_apps_version_is_found_out(
    mariadb: MariaDB, statements: tuple[str, ...], version: str, has_persons: bool
) -> None:
    store = Store.open(mariadb.new_database(*statements))
    store.close()
    assert store.schema.version == version
    assert store.schema.has_persons == has_persons
    assert store.schema.wants_webp == (version == "v5")
    store.schema.require_tables("queues", "cache", "cache_locks", "failed_jobs", "job_batches")
    assert {"uuid", "connection", "queue", "payload", "exception", "failed_at"} < store.schema.failed_columns


@pytest.mark.parametrize(
    ("statements", "version", "has_persons"),
    [(SQLITE_V2, "v2 or v3", False), (SQLITE_V4, "v4", True), (SQLITE_V5, "v5", True)],
    ids=["v2", "v4", "v5"],
)
def test_the_apps_version_is_found_out_where_an_enum_is_a_check(
    tmp_path: Path, statements: tuple[str, ...], version: str, has_persons: bool
) -> None:
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    store = Store.open(f"sqlite:///{tmp_path}/app.db")
    store.close()
    assert store.schema.version == version
    assert store.schema.has_persons == has_persons


def test_a_database_without_failed_jobs_has_no_columns_of_it(mariadb: MariaDB) -> None:
    store = Store.open(mariadb.new_database(IMAGES, FACES))
    store.close()
    assert store.schema.failed_columns == frozenset()


def test_rights_to_some_columns_are_enough_to_look(mariadb: MariaDB) -> None:
    """`SELECT *` would ask for the right to all of them."""
    url = mariadb.new_database(*V1)
    database = url.rpartition("/")[2]
    columns = "id, disk, path, filename, debug_filename, faces_checked, last_error, updated_at"
    mariadb.run(
        f"CREATE USER looker_{database}",
        f"GRANT SELECT ({columns}) ON {database}.images TO looker_{database}",
        f"GRANT SELECT, INSERT, UPDATE ON {database}.faces TO looker_{database}",
    )
    store = Store.open(url.replace("root@", f"looker_{database}@"))
    store.close()
    assert store.schema.image_columns == frozenset(columns.split(", "))


def test_tables_that_the_queue_needs_are_named_where_they_lack(mariadb: MariaDB) -> None:
    store = Store.open(mariadb.new_database(IMAGES, FACES, QUEUES))
    store.close()
    with pytest.raises(SchemaError, match="lacks table failed_jobs, table cache_locks: the app's migrations make them"):
        store.schema.require_tables("queues", "failed_jobs", "cache_locks")


def test_a_server_that_does_not_answer_is_told_without_the_password() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        Store.open("mysql+pymysql://root:secret@127.0.0.1:1/app")
    assert "app on 127.0.0.1:1 cannot be used now" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_wrong_password_is_told(mariadb: MariaDB) -> None:
    with pytest.raises(StoreUnavailable, match="Access denied"):
        Store.open(f"mysql+pymysql://nobody:secret@127.0.0.1:{mariadb.port}/app")


def test_the_session_is_as_the_job_needs_it(mariadb: MariaDB) -> None:
    store = Store.open(mariadb.new_database(*V1))
    with store.reading() as transaction:
        query = "SELECT @@tx_isolation, @@character_set_client, @@time_zone, @@sql_mode = @@global.sql_mode"
        row = transaction.connection.exec_driver_sql(query).one()
    store.close()
    isolation, character_set, time_zone, is_the_servers_mode = row
    assert isolation == "READ-COMMITTED"
    assert character_set == "utf8mb4"
    assert time_zone == "SYSTEM"
    assert is_the_servers_mode == 1
