"""The end of a job that failed for good, on real databases: one transaction, once, and not once an hour."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from faces.errors import LockLost, StoreUnavailable, UnreadableMessage
from faces.store.database import Store
from faces.store.failed_jobs import FailedJob, uuid_of
from tests.servers.rows import Rows
from worker.jobs.context import ALONE, Context
from worker.laravel.failures import Failure, ImageOf, record_failure
from worker.laravel.message import Command, Envelope

pytestmark = pytest.mark.parametrize("url", ["sqlite with a queue", "mariadb v1", "mariadb v5"], indirect=True)

CLASS = "App\\Jobs\\FaceProcessJob"
KEY = hashlib.md5(b"job", usedforsecurity=False).digest()
LAST_ERROR = 'HTTP 415: {"error":"no picture"}'


def body(image_id: int, name: str = "job", class_name: str = CLASS, *, as_text: bool = False) -> bytes:
    """A message as Laravel writes it, for an image; a form's post makes the id a text."""
    image = f's:{len(str(image_id))}:"{image_id}";' if as_text else f"i:{image_id};"
    command = f'O:{len(class_name)}:"{class_name}":1:{{s:11:"\0*\0taskData";a:1:{{s:8:"image_id";{image}}}}}'
    payload = {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
        "displayName": class_name,
        "job": "Illuminate\\Queue\\CallQueuedHandler@call",
        "data": {"commandName": class_name, "command": command},
        "id": name,
    }
    return json.dumps(payload, separators=(",", ":")).encode()


def image_of(payload: bytes) -> int | None:
    try:
        return Command.read(Envelope.decode(payload), []).image_id
    except UnreadableMessage:
        return None


def failure(image_id: int, name: str = "job", **values: Any) -> Failure:
    envelope = Envelope.decode(body(image_id, name))
    job = FailedJob.of(envelope.uuid, "rabbitmq", "faces", envelope.body, f"faces.errors.PhotoError: {name}")
    return Failure(job, **{"class_name": CLASS, "image_id": image_id, "last_error": LAST_ERROR} | values)


def record(store: Store, failure: Failure, image_of: ImageOf, context: Context = ALONE) -> bool:
    """Without waiting for anybody to retry a job."""
    return record_failure(store, failure, image_of, context, patience=0)


def failed(rows: Rows) -> list[dict[str, Any]]:
    return rows.read("SELECT * FROM failed_jobs ORDER BY id")


def test_a_failure_is_a_row_an_error_and_no_dedup_key_any_more(rows: Rows, store: Store) -> None:
    image = rows.image()
    rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=KEY)
    record(store, failure(image), image_of, Context(dedup_key=KEY))
    (row,) = failed(rows)
    assert row["connection"] == "rabbitmq"
    assert row["queue"] == "faces"
    assert row["payload"] == body(image).decode()
    assert row["uuid"] == json.loads(row["payload"])["uuid"]
    assert row["exception"] == "faces.errors.PhotoError: job"
    at = datetime.fromisoformat(str(row["failed_at"])).replace(tzinfo=timezone.utc)
    assert abs(datetime.now(timezone.utc) - at) < timedelta(minutes=5)
    assert len(str(row["failed_at"])) == len("2026-01-01 00:00:00")
    assert rows.one("SELECT last_error FROM images")["last_error"] == LAST_ERROR
    assert rows.read("SELECT * FROM queues") == []


def test_a_second_delivery_of_a_failed_job_updates_its_row(rows: Rows, store: Store) -> None:
    """The worker ended between the row and the reject."""
    image = rows.image()
    first = failure(image)
    record(store, first, image_of)
    record(store, replace(first, job=replace(first.job, exception="again")), image_of)
    assert [row["exception"] for row in failed(rows)] == ["again"]


def test_everything_fits_its_column(rows: Rows, store: Store) -> None:
    image = rows.image()
    record(store, failure(image, last_error="日" * 5000), image_of)
    assert rows.one("SELECT last_error FROM images")["last_error"].startswith("日" * 100)
    job = FailedJob.of("u" * 300, "rabbitmq", "faces", b"{}", "x" * 100_000)
    record(store, Failure(job), image_of)
    assert failed(rows)[1]["uuid"] == str(uuid_of(b"{}"))
    for large in ("😀".encode() * 20_000_000, b"\0'\\" * 20_000_000, b"\xff" * 20_000_000):
        job = FailedJob.of(None, "rabbitmq", "faces", large, "too large")
        whole = record(store, Failure(job), image_of)
        (row,) = rows.read("SELECT * FROM failed_jobs WHERE uuid = :uuid", uuid=job.uuid)
        assert whole == (row["payload"].encode() == large)
        assert whole or "is whole in RabbitMQ's queue faces.unrecorded" in row["exception"]
        assert whole or json.loads(row["payload"])["bytes"] == len(large)


def test_the_error_of_an_image_whose_faces_are_there_is_left_alone(rows: Rows, store: Store) -> None:
    record(store, failure(rows.image(faces_checked=1)), image_of)
    assert rows.one("SELECT last_error FROM images")["last_error"] is None
    assert len(failed(rows)) == 1


def test_a_job_for_an_image_that_is_not_there_fails_too(rows: Rows, store: Store) -> None:
    record(store, failure(77, repeated=True), image_of)
    assert len(failed(rows)) == 1


@pytest.mark.parametrize("garbage", [b"", b"not JSON", b"{}", b"[]", b"null", b"\xff\xfe\x00", "é\0😀".encode()])
def test_what_is_no_job_gets_the_same_row_at_each_delivery(rows: Rows, store: Store, garbage: bytes) -> None:
    for _ in range(2):
        job = FailedJob.of(None, "rabbitmq", "faces", garbage, "faces.errors.UnreadableMessage: not a job")
        record(store, Failure(job), image_of)
    (row,) = failed(rows)
    assert uuid.UUID(row["uuid"]).version == 5
    is_text = garbage != b"\xff\xfe\x00"
    assert (row["payload"].encode() == garbage) == is_text
    assert ("is whole in RabbitMQ's queue faces.unrecorded" in row["exception"]) != is_text


def test_a_photo_that_fails_every_hour_keeps_one_row(rows: Rows, store: Store) -> None:
    image = rows.image()
    for hour in range(4):
        record(store, failure(image, f"hour {hour}", repeated=hour > 0), image_of)
    (row,) = failed(rows)
    assert row["payload"] == body(image, "hour 3").decode()
    assert row["uuid"] == json.loads(row["payload"])["uuid"], "so that queue:retry and queue:forget find it"
    assert row["exception"] == "faces.errors.PhotoError: hour 3"


def test_an_image_that_said_something_else_gets_a_new_row(rows: Rows, store: Store) -> None:
    image = rows.image()
    record(store, failure(image, "first"), image_of)
    record(store, failure(image, "second", repeated=False), image_of)
    assert len(failed(rows)) == 2


def test_of_several_earlier_rows_the_newest_is_written_over(rows: Rows, store: Store) -> None:
    image = rows.image()
    for name in ("first", "second"):
        record(store, failure(image, name), image_of)
    record(store, failure(image, "third", repeated=True), image_of)
    assert [row["exception"].split()[-1] for row in failed(rows)] == ["first", "third"]
    record(store, failure(image, "third", repeated=True), image_of)
    assert [row["exception"].split()[-1] for row in failed(rows)] == ["first", "third"], "a second delivery"


@pytest.mark.parametrize(
    "payload",
    [
        body(12, "other"),
        body(120, "other"),
        body(1, "other", "App\\Jobs\\OtherJob"),
        b'{"data": {"commandName": "App\\\\Jobs\\\\FaceProcessJob", "command": "s:8:\\"image_id\\";i:1;"}}',
        b's:8:\\"image_id\\";i:1; App\\\\Jobs\\\\FaceProcessJob',
    ],
    ids=["another image", "a longer id", "another class", "no job", "no JSON"],
)
def test_rows_of_other_jobs_are_left_alone(rows: Rows, store: Store, payload: bytes) -> None:
    image = rows.image()
    assert image == 1
    job = FailedJob.of(None, "rabbitmq", "faces", payload, "another's")
    record(store, Failure(job), image_of)
    record(store, failure(image, repeated=True), image_of)
    assert [row["exception"] for row in failed(rows)] == ["another's", "faces.errors.PhotoError: job"]


def test_an_earlier_row_is_known_by_an_id_that_a_form_made_a_text(rows: Rows, store: Store) -> None:
    image = rows.image()
    earlier = FailedJob.of("earlier", "rabbitmq", "faces", body(image, "earlier", as_text=True), "earlier")
    record(store, Failure(earlier), image_of)
    record(store, failure(image, repeated=True), image_of)
    assert [row["exception"] for row in failed(rows)] == ["faces.errors.PhotoError: job"]


def test_an_encrypted_earlier_row_is_looked_into(rows: Rows, store: Store) -> None:
    """What the command says, only the one who has the key can tell."""
    image = rows.image()
    payload = json.dumps({"data": {"commandName": CLASS, "command": "eyJpdiI6Ii4uLiJ9"}}, separators=(",", ":"))
    record(store, Failure(FailedJob.of("earlier", "rabbitmq", "faces", payload.encode(), "earlier")), image_of)
    asked: list[bytes] = []

    def decrypting(one: bytes) -> int | None:
        asked.append(one)
        return image

    record(store, failure(image, repeated=True), decrypting)
    assert asked == [payload.encode()]
    assert [row["exception"] for row in failed(rows)] == ["faces.errors.PhotoError: job"]


def test_a_row_that_goes_while_it_is_being_replaced_is_made_anew(rows: Rows, store: Store) -> None:
    image = rows.image()
    record(store, failure(image, "earlier"), image_of)

    def deleting(payload: bytes) -> int | None:
        if store.name.endswith(".db"):  # SQLite's writer is alone: nobody can delete now
            return None
        rows.run("DELETE FROM failed_jobs")
        return image_of(payload)

    record(store, failure(image, repeated=True), deleting)
    assert failed(rows)[-1]["exception"] == "faces.errors.PhotoError: job"


def test_a_row_that_queue_retry_is_about_to_delete_is_waited_for(rows: Rows, store: Store) -> None:
    """queue:retry pushes first and deletes after; the job may fail in between, and must not lose its row."""
    image = rows.image()
    first = failure(image)
    record(store, first, image_of)
    started = threading.Event()

    def retry() -> None:
        assert started.wait(30)
        threading.Event().wait(0.3)
        rows.run("DELETE FROM failed_jobs WHERE uuid = :uuid", uuid=first.job.uuid)

    with ThreadPoolExecutor(1) as pool:
        retrying = pool.submit(retry)
        started.set()
        record_failure(store, replace(first, job=replace(first.job, exception="again")), image_of)
        retrying.result(30)
    assert [row["exception"] for row in failed(rows)] == ["again"]


def test_a_worker_whose_lock_is_lost_fails_nothing(rows: Rows, store: Store) -> None:
    image = rows.image()
    rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=KEY)
    with pytest.raises(LockLost):
        record(store, failure(image), image_of, Context(lambda: False, dedup_key=KEY))
    assert failed(rows) == []
    assert len(rows.read("SELECT * FROM queues")) == 1
    assert rows.one("SELECT last_error FROM images")["last_error"] is None


def test_nothing_is_half_written(rows: Rows, store: Store) -> None:
    """The database goes away in the middle, after the dedup key and the image."""
    image = rows.image()
    rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=KEY)
    earlier = failure(image, "earlier")
    record(store, earlier, image_of)
    rows.run("UPDATE images SET last_error = NULL")

    def going(_payload: bytes) -> int | None:
        raise StoreUnavailable("it went away")

    with pytest.raises(StoreUnavailable):
        record(store, failure(image, repeated=True), going, Context(dedup_key=KEY))
    assert len(rows.read("SELECT * FROM queues")) == 1
    assert rows.one("SELECT last_error FROM images")["last_error"] is None
    assert [row["uuid"] for row in failed(rows)] == [earlier.job.uuid]


def test_two_workers_that_fail_one_image_at_once_keep_one_row_an_image(rows: Rows, store: Store) -> None:
    image = rows.image()
    record(store, failure(image, "earlier"), image_of)
    together = threading.Barrier(6, timeout=30)

    def work(number: int) -> None:
        together.wait()
        record(store, failure(image, f"job {number}", repeated=True), image_of)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(failed(rows)) == 1


def test_without_the_table_the_rest_is_written_and_the_message_must_be_kept(
    rows: Rows, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    image = rows.image()
    rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=KEY)
    rows.run("DROP TABLE failed_jobs")
    for seen in (store.schema, replace(store.schema, failed_columns=frozenset())):
        assert not record(Store(store._engine, store.name, seen), failure(image), image_of, Context(dedup_key=KEY))
    assert rows.one("SELECT last_error FROM images")["last_error"] == LAST_ERROR
    assert rows.read("SELECT * FROM queues") == []
    assert "its message is kept whole in faces.unrecorded" in caplog.text


def test_an_app_that_keeps_no_failed_jobs_gets_no_row(rows: Rows, store: Store) -> None:
    image = rows.image()
    assert record(store, failure(image, has_row=False), image_of)
    assert failed(rows) == []
    assert rows.one("SELECT last_error FROM images")["last_error"] == LAST_ERROR


def test_a_table_of_the_older_driver_has_no_uuid_and_still_one_row_a_job(rows: Rows, store: Store) -> None:
    rows.run("DROP TABLE failed_jobs")
    rows.run(
        "CREATE TABLE failed_jobs (id INTEGER PRIMARY KEY "
        + ("AUTOINCREMENT" if store.name.endswith(".db") else "AUTO_INCREMENT")
        + ", connection TEXT NOT NULL, queue TEXT NOT NULL, payload TEXT NOT NULL, exception TEXT NOT NULL"
        + ", failed_at TEXT)"
    )
    image = rows.image()
    reopened = Store.open(store._engine.url.render_as_string(hide_password=False))
    for repeated in (False, True):
        assert record(reopened, failure(image, repeated=repeated), image_of)
    reopened.close()
    (row,) = failed(rows)
    assert row["payload"] == body(image).decode()
    assert row["queue"] == "faces"


def test_without_a_table_of_dedup_keys_there_are_none(rows: Rows, store: Store) -> None:
    rows.run("DROP TABLE queues")
    image = rows.image()
    reopened = Store.open(store._engine.url.render_as_string(hide_password=False))
    record(reopened, failure(image), image_of, Context(dedup_key=KEY))
    reopened.close()
    assert len(failed(rows)) == 1
