"""What a database does not take of a failed job: each refusal has a plainer form, and nothing of it stops the queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from faces.store.database import Store
from faces.store.failed_jobs import FailedJob
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows
from worker.jobs.context import ALONE
from worker.laravel.failures import Failure, record_failure

pytestmark = pytest.mark.parametrize("url", ["mariadb v1"], indirect=True)

EMOJI = '{"uuid": "11111111-1111-1111-1111-111111111111", "name": "😀 Łódź"}'
PLAIN = '{"uuid": "22222222-2222-2222-2222-222222222222"}'


def record(store: Store, payload: str, image: int | None = None, exception: str = "why 😀") -> bool:
    uuid = json.loads(payload)["uuid"]
    job = FailedJob.of(uuid, "rabbitmq", "faces", payload.encode(), exception)
    failure = Failure(job, class_name="X", image_id=image, last_error="HTTP 500: 😀" if image else None)
    return record_failure(store, failure, lambda _body: None, ALONE, patience=0)


def only_row(rows: Rows) -> dict[str, Any]:
    (row,) = rows.read("SELECT * FROM failed_jobs")
    return row


def test_a_table_of_utf8mb3_gets_the_same_content_in_ascii(rows: Rows, store: Store) -> None:
    rows.run("ALTER TABLE failed_jobs CONVERT TO CHARACTER SET utf8mb3")
    rows.run("ALTER TABLE images CONVERT TO CHARACTER SET utf8mb3")
    image = rows.image()
    assert record(store, EMOJI, image)
    row = only_row(rows)
    assert row["payload"].isascii()
    assert json.loads(row["payload"]) == json.loads(EMOJI)
    assert row["exception"].startswith("why \\U0001f600")
    assert rows.one("SELECT last_error FROM images")["last_error"] == "HTTP 500: ?"


def test_a_message_larger_than_a_packet_is_kept_elsewhere_and_its_row_says_where(
    rows: Rows, url: str, mariadb: MariaDB
) -> None:
    before = rows.one("SELECT @@global.max_allowed_packet AS size")["size"]
    rows.run("SET GLOBAL max_allowed_packet = 1048576")
    store = Store.open(url)
    try:
        for text in ("x" * 2_000_000, "'" * 900_000):
            large = json.dumps({"uuid": "11111111-1111-1111-1111-111111111111", "text": text})
            assert not record(store, large)
            row = only_row(rows)
            assert json.loads(row["payload"])["bytes"] == len(large)
            assert "whole in RabbitMQ's queue faces.unrecorded" in row["exception"]
        fits = json.dumps({"uuid": "11111111-1111-1111-1111-111111111111", "text": "x" * 900_000})
        assert record(store, fits)
        assert only_row(rows)["payload"] == fits
    finally:
        store.close()
        rows.run(f"SET GLOBAL max_allowed_packet = {before}")


@pytest.mark.parametrize(
    "refusal",
    [
        "ALTER TABLE failed_jobs ADD COLUMN team_id INT NOT NULL",
        "ALTER TABLE failed_jobs ADD CONSTRAINT never CHECK (length(payload) < 2)",
        "ALTER TABLE failed_jobs MODIFY payload TINYTEXT NOT NULL, MODIFY exception VARCHAR(3) NOT NULL",
        "CREATE TRIGGER no BEFORE INSERT ON failed_jobs FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
        "DROP TABLE failed_jobs",
        "ALTER TABLE failed_jobs DROP COLUMN exception",
    ],
)
def test_a_table_that_takes_nothing_has_no_row_and_the_rest_is_written(
    rows: Rows, store: Store, caplog: pytest.LogCaptureFixture, refusal: str
) -> None:
    rows.run(refusal)
    image = rows.image()
    assert not record(store, PLAIN, image)
    assert rows.one("SELECT last_error FROM images")["last_error"] == "HTTP 500: 😀".replace("😀", "?")
    errors = [entry.getMessage() for entry in caplog.records if entry.levelname == "ERROR"]
    assert len(errors) == 1
    assert "kept whole in faces.unrecorded" in errors[0]


def test_columns_that_are_not_there_are_not_written(rows: Rows, url: str) -> None:
    rows.run("ALTER TABLE failed_jobs DROP COLUMN uuid, DROP COLUMN failed_at")
    store = Store.open(url)
    assert record(store, PLAIN)
    store.close()
    assert only_row(rows)["payload"] == PLAIN


@pytest.fixture
def limited(rows: Rows, url: str) -> Iterator[Callable[..., Store]]:
    """The store of a user who may do only what a test says."""
    name = url.rpartition("/")[2]
    opened: list[Store] = []

    def make(*rights: str) -> Store:
        rows.run(f"CREATE OR REPLACE USER 'limited_{name}'@'%'")
        for right in rights:
            rows.run(f"GRANT {right} TO 'limited_{name}'@'%'".replace(" ON ", f" ON {name}."))
        opened.append(Store.open(url.replace("root@", f"limited_{name}@")))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def test_a_user_who_may_not_insert_it_loses_no_message(
    rows: Rows, limited: Callable[..., Store], caplog: pytest.LogCaptureFixture
) -> None:
    for rights in (("SELECT ON *", "UPDATE ON images"), ("SELECT ON images", "SELECT ON faces", "UPDATE ON images")):
        image = rows.image()
        assert not record(limited(*rights), PLAIN, image)
        assert rows.one("SELECT last_error FROM images WHERE id = :id", id=image)["last_error"] == "HTTP 500: ?"
    assert "denied" in caplog.text


def test_a_user_who_may_only_insert_it_writes_one_row(rows: Rows, limited: Callable[..., Store]) -> None:
    store = limited("SELECT ON images", "SELECT ON faces", "UPDATE ON images", "INSERT ON failed_jobs")
    assert record(store, PLAIN, rows.image())
    assert only_row(rows)["payload"] == PLAIN


def test_no_words_of_ours_hold_what_rows_hold(rows: Rows, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    rows.run("ALTER TABLE failed_jobs CONVERT TO CHARACTER SET latin1")
    record(store, '{"uuid": "33333333-3333-3333-3333-333333333333", "secret": "Ада Лавлейс"}')
    said = caplog.text + "".join(str(entry.exc_info) for entry in caplog.records)
    assert "Incorrect string value" in said
    assert not any(part in said for part in ("secret", "Ада", "Лавлейс", "\\xD0"))
