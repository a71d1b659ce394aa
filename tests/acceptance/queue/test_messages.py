"""What comes over the queue and is no plain job of ours: handed on, rejected or decrypted."""

from __future__ import annotations

import base64
import json

from tests.acceptance.steps import PHOTO, depth, row_of, take_all, work
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp, command_of, payload_of
from tests.servers.php import run_php
from tests.servers.scripted_api import ScriptedApi

KEYS = [base64.b64encode(bytes([letter]) * 32).decode() for letter in b"abc"]

#: Encrypts jobs as `ShouldBeEncrypted` ones: `$in` is a list of serialized jobs and keys.
_ENCRYPT = """
answer(array_map(function ($one) {
    [$job, $key] = $one;
    return (new Illuminate\\Encryption\\Encrypter(base64_decode($key), 'AES-256-CBC'))->encrypt($job);
}, $in));
"""


def foreign(app: PhotoApp, class_name: str = "App\\Jobs\\ImageProcessJob") -> bytes:
    """A job of another class, with what later versions may add."""
    payload = payload_of(command_of(1, app.queue, class_name=class_name), class_name, extra={"ключ": [1.50, "\u2028"]})
    return json.dumps(payload, ensure_ascii=False, indent=1).encode()


def test_a_job_of_another_class_is_handed_on_unchanged(app: PhotoApp) -> None:
    other, image, body = app.rabbitmq.new_queue(), app.image(PHOTO), foreign(app)
    app.publish(body, attempts=2)
    app.push(image)
    log = work(app, 2, FACE_FOREIGN_JOBS_QUEUE=other)
    (message,) = take_all(app, other)
    assert message.body == body
    assert message.attempts == 2
    assert row_of(app, image)["faces_checked"] == 1
    assert app.failed() == []
    assert depth(app) == 0
    assert f"handed on to {other}" in log


def test_the_face_jobs_own_queue_cannot_be_the_one_for_others(app: PhotoApp) -> None:
    _, err = app.worker(FACE_FOREIGN_JOBS_QUEUE=app.queue).run("run", code=2)
    assert "FACE_FOREIGN_JOBS_QUEUE" in err
    _, err = app.worker(FACE_FOREIGN_JOBS_QUEUE="b").run("run", "--queue", f"{app.queue},b", code=2)
    assert "FACE_FOREIGN_JOBS_QUEUE" in err


def test_a_rejected_message_goes_where_the_app_s_option_sends_it(new_app: NewApp, api: ScriptedApi) -> None:
    """reroute_failed: the broker, not we, moves what is rejected."""
    app = new_app()
    failed = app.rabbitmq.new_queue()
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": failed}
    app.queue = app.rabbitmq.new_queue(arguments)
    app.variables["QUEUE_FACES"] = app.queue
    app.write_env()
    app.publish(b"{}")
    work(app, 1)
    bodies = [message.body for message in take_all(app, failed)]
    assert bodies == [b"{}"]
    assert len(app.failed()) == 1


def encrypted(app: PhotoApp, images: list[int], keys: list[str]) -> list[bytes]:
    """Their jobs, encrypted by Laravel itself."""
    jobs = [command_of(image, app.queue) for image in images]
    commands = run_php(_ENCRYPT, list(zip(jobs, keys, strict=True)))
    return [json.dumps(payload_of(command)).encode() for command in commands]


def test_encrypted_jobs_are_read_with_the_app_s_key_and_its_former_ones(new_app: NewApp) -> None:
    app = new_app(variables={"APP_KEY": f"base64:{KEYS[0]}", "APP_PREVIOUS_KEYS": f"base64:{KEYS[1]}"})
    images = [app.image(PHOTO) for _ in range(4)]
    now, before, unknown, bent = encrypted(app, images, [KEYS[0], KEYS[1], KEYS[2], KEYS[0]])
    parts = json.loads(base64.b64decode(json.loads(bent)["data"]["command"]))
    parts["value"] = base64.b64encode(bytes(len(base64.b64decode(parts["value"])))).decode()
    payload = json.loads(bent)
    payload["data"]["command"] = base64.b64encode(json.dumps(parts).encode()).decode()
    for body in (now, before, unknown, json.dumps(payload).encode()):
        app.publish(body)
    work(app, 4)
    assert [row_of(app, image)["faces_checked"] for image in images] == [1, 1, 0, 0]
    assert [row["uuid"] for row in app.failed()] == [json.loads(unknown)["uuid"], payload["uuid"]]
    assert all("APP_KEY and APP_PREVIOUS_KEYS" in row["exception"] for row in app.failed())
    assert depth(app) == 0
    assert app.leftovers() == NOTHING_LEFT


def test_an_encrypted_job_s_dedup_key_goes_too(app: PhotoApp) -> None:
    app.variables["APP_KEY"] = f"base64:{KEYS[0]}"
    app.write_env()
    image = app.image(PHOTO)
    app.push(image)
    take_all(app, app.queue)
    (body,) = encrypted(app, [image], [KEYS[0]])
    app.publish(body)
    work(app, 1)
    assert row_of(app, image)["faces_checked"] == 1
    assert app.leftovers() == NOTHING_LEFT
