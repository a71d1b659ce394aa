"""What comes over the queue and is no plain job of ours: handed on, recorded or rejected; never lost or in a loop."""

from __future__ import annotations

import json
import uuid
from typing import Any

from faces.store.failed_jobs import uuid_of
from tests.acceptance.steps import PHOTO, body_of, delay_queue, depth, row_of, take_all, work
from tests.fixtures.laravel import captured
from tests.servers.photo_app import CLASS, NOTHING_LEFT, command_of, payload_of
from tests.servers.php import run_php
from tests.stubs.app import StubApp

#: Encrypts jobs as `ShouldBeEncrypted` ones: `$in` is a list of serialized jobs and keys.
_ENCRYPT = """
answer(array_map(function ($one) {
    [$job, $key] = $one;
    return (new Illuminate\\Encryption\\Encrypter(base64_decode($key), 'AES-256-CBC'))->encrypt($job);
}, $in));
"""


def foreign(app: StubApp, class_name: str = "App\\Jobs\\ImageProcessJob") -> bytes:
    """A job of another class, with what later versions may add."""
    payload = payload_of(command_of(1, app.queue, class_name=class_name), class_name, extra={"ключ": [1.50, "\u2028"]})
    return json.dumps(payload, ensure_ascii=False, indent=1).encode()


def test_a_queue_for_other_jobs_that_is_not_there_is_created_as_php_would(app: StubApp) -> None:
    other, body = app.rabbitmq.new_name(), foreign(app)
    app.publish(body)
    work(app, 1, FACE_FOREIGN_JOBS_QUEUE=other)
    assert [message.body for message in take_all(app, other)] == [body]


def test_a_job_of_another_class_fails_with_a_clear_text_where_no_queue_is_set(app: StubApp) -> None:
    body = foreign(app)
    app.publish(body)
    work(app, 1)
    (row,) = app.failed()
    assert row["uuid"] == json.loads(body)["uuid"]
    assert row["payload"].encode() == body
    assert row["queue"] == app.queue
    for words in ("App\\Jobs\\ImageProcessJob", "FACE_FOREIGN_JOBS_QUEUE", CLASS):
        assert words in row["exception"]
    assert depth(app) == 0


def envelope(app: StubApp, **changes: Any) -> bytes:
    return body_of(app, 1, **changes)


def unreadable(app: StubApp) -> dict[str, bytes]:
    """Bodies that are no job, by what is wrong with them; none has a uuid that a row could have."""
    data = {"commandName": CLASS, "command": command_of(1, app.queue)}
    return {
        "nothing": b"",
        "not JSON": b"hello",
        "an empty object": b"{}",
        "an empty list": b"[]",
        "null": b"null",
        "a text": b'"text"',
        "not UTF-8": b"\xff\xfe\x00",
        "cut off": envelope(app)[:100],
        "nested": b"[" * 20_000,
        "no command": json.dumps({"job": payload_of("")["job"], "data": {"commandName": CLASS}}).encode(),
        "no uuid and no id of an image": envelope(
            app, uuid=None, data=data | {"command": f'O:23:"{CLASS}":1:{{s:11:"\0*\0taskData";a:0:{{}}}}'}
        ),
        "a uuid longer than its column": envelope(app, uuid="u" * 300),
        "a uuid that is a number": envelope(app, uuid=7),
        "half a character": b'{"uuid": "\\ud800"}',
        "larger than we read": b'{"uuid": "' + b"x" * 5_000_000 + b'"}',
    }


def test_what_is_no_job_is_recorded_once_over_two_deliveries_and_rejected(app: StubApp) -> None:
    """A row that is there already costs two seconds: `queue:retry` may be about to delete it."""
    bodies = unreadable(app)
    again = [bodies[kind] for kind in ("not JSON", "an empty object", "not UTF-8")]
    for body in [*bodies.values(), *again]:
        app.publish(body, attempts=None)
    image = app.image(PHOTO)
    app.push(image)
    work(app, len(bodies) + len(again) + 1)
    rows = {row["uuid"]: row for row in app.failed()}
    assert sorted(rows) == sorted(str(uuid_of(body)) for body in bodies.values())
    for kind, body in bodies.items():
        row = rows[str(uuid_of(body))]
        assert uuid.UUID(row["uuid"]).version == 5, kind
        assert row["queue"] == app.queue, kind
        assert row["connection"] == "rabbitmq", kind
        assert "UnreadableMessage" in row["exception"], kind
        if kind == "not UTF-8":
            assert f"is whole in RabbitMQ's queue {app.queue}.unrecorded" in row["exception"]
        else:
            assert row["payload"].encode() == body, kind
    aside = [message.body for message in take_all(app, f"{app.queue}.unrecorded")]
    assert aside == [bodies["not UTF-8"]] * 2
    assert row_of(app, image)["faces_checked"] == 1
    assert depth(app) == 0
    assert app.leftovers() == NOTHING_LEFT


#: Commands in a good envelope that are no face job, by what is wrong with them.
NO_JOBS = {
    "image 0": f'O:23:"{CLASS}":1:{{s:11:"\0*\0taskData";a:1:{{s:8:"image_id";i:0;}}}}',
    "half an image": f'O:23:"{CLASS}":1:{{s:11:"\0*\0taskData";a:1:{{s:8:"image_id";d:1.5;}}}}',
    "a text that is no number": f'O:23:"{CLASS}":1:{{s:11:"\0*\0taskData";a:1:{{s:8:"image_id";s:2:"1x";}}}}',
    "no list of data": f'O:23:"{CLASS}":1:{{s:11:"\0*\0taskData";s:1:"x";}}',
    "cut off": f'O:23:"{CLASS}":1:{{s:11:"\0*\0taskData";a:1:{{s:8:"image_id"',
    "another class than the envelope's": 'O:8:"stdClass":0:{}',
    "no object": "i:1;",
}


def test_a_job_that_cannot_be_read_fails_at_once_under_its_own_uuid(app: StubApp) -> None:
    payloads = {kind: payload_of(command) for kind, command in NO_JOBS.items()}
    for payload in [*payloads.values(), payloads["image 0"]]:
        app.publish(json.dumps(payload).encode())
    work(app, len(payloads) + 1)
    found = {row["uuid"]: json.loads(row["payload"]) for row in app.failed()}
    assert found == {payload["uuid"]: payload for payload in payloads.values()}
    assert len(app.failed()) == len(payloads)
    assert depth(app) == 0
    assert app.leftovers() == NOTHING_LEFT


def encrypted(app: StubApp, images: list[int], keys: list[str]) -> list[bytes]:
    """Their jobs, encrypted by Laravel itself."""
    jobs = [command_of(image, app.queue) for image in images]
    commands = run_php(_ENCRYPT, list(zip(jobs, keys, strict=True)))
    return [json.dumps(payload_of(command)).encode() for command in commands]


def test_a_form_s_image_id_is_a_text_and_has_a_key_of_its_own(app: StubApp) -> None:
    image = app.image(PHOTO)
    row = next(one for one in captured.DEDUP_KEYS if str(one["json"]).endswith('"image_id":"1"}'))
    assert image == 1
    app.rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=bytes.fromhex(row["md5"]))
    command = f'O:23:"{CLASS}":1:{{s:11:"\0*\0taskData";a:1:{{s:8:"image_id";s:1:"1";}}}}'
    app.publish(json.dumps(payload_of(command)).encode())
    work(app, 1)
    assert row_of(app, image)["faces_checked"] == 1
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT


def test_a_job_s_class_may_have_another_name(app: StubApp) -> None:
    name = "Photo\\Queue\\FindFaces"
    ours, usual = app.image(PHOTO), app.image(PHOTO)
    app.publish(json.dumps(payload_of(command_of(ours, app.queue, class_name=name), name)).encode())
    app.push(usual, dedup=False)
    work(app, 2, FACE_JOB_CLASS=name)
    assert row_of(app, ours)["faces_checked"] == 1
    assert row_of(app, usual)["faces_checked"] == 0
    (row,) = app.failed()
    assert CLASS in row["exception"]


#: The captured messages that are plain jobs of ours, of every generation of the framework.
OURS = [row for row in captured.MESSAGES if json.loads(row["body"])["data"]["commandName"] == CLASS]


def test_every_captured_message_of_ours_is_done_by_the_worker(app: StubApp) -> None:
    """Ten cases of five Laravels as they came over the wire, with their headers."""
    wanted = {}
    for number, row in enumerate(OURS):
        app.publish(captured.bytes_of(row["body"]), attempts=number % 3)
        wanted[json.loads(row["body"])["uuid"]] = row
    app.image(PHOTO)
    for image in range(2, 20):
        app.rows.image(id=image, filename="1.jpg")
    work(app, len(OURS), FACE_WORKER_BACKOFF="600")
    assert [row["exception"] for row in app.failed()] == []
    assert depth(app) == 0
    assert depth(app, delay_queue(app.queue, 600)) == 0
    assert app.leftovers() == NOTHING_LEFT
    assert len(wanted) > 30
