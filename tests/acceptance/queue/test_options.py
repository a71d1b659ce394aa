"""The driver's options, starts that are refused, odd numbers on the wire, and the log, as `run` has them."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pika
import pytest

from tests.acceptance.steps import PHOTO, body_of, depth, name_of, push_chain, row_of, take_all, work
from tests.servers.people import PEOPLE
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp, command_of, payload_of
from tests.servers.scripted_api import ScriptedApi, finds, says
from worker.amqp.topology import LONGEST_DELAY

Wait = Callable[..., None]

BOOM = says(500, error="boom")


def on_queue(new_app: NewApp, arguments: dict[str, Any]) -> PhotoApp:
    """An app whose queue has arguments."""
    app = new_app()
    app.queue = app.rabbitmq.new_queue(arguments)
    app.variables["QUEUE_FACES"] = app.queue
    app.write_env()
    return app


def test_jobs_of_a_quorum_queue_come_back_after_their_delay(new_app: NewApp, api: ScriptedApi) -> None:
    app = on_queue(new_app, {"x-queue-type": "quorum"})
    image, after = app.image(PHOTO), app.rabbitmq.new_name()
    api.answer(name_of(app, image), BOOM, finds())
    push_chain(app, image, command_of(1, after), backoff=1)
    work(app, 2, FACE_RABBITMQ_QUORUM="1")
    assert (row_of(app, image)["faces_checked"], app.failed(), depth(app)) == (1, [], 0)
    with app.rabbitmq.channel() as channel:
        # Another declaration than the one that made it would be refused.
        channel.queue_declare(after, durable=True, arguments={"x-queue-type": "quorum"})
    assert len(take_all(app, after)) == 1


def test_with_prioritize_delayed_the_number_of_the_try_is_the_priority(new_app: NewApp, api: ScriptedApi) -> None:
    app = on_queue(new_app, {"x-max-priority": 10})
    image = app.image(PHOTO)
    api.answer(name_of(app, image), BOOM, finds())
    app.push(image, attempts=1)
    work(app, 1, FACE_RABBITMQ_PRIORITIZE_DELAYED="1", FACE_WORKER_BACKOFF="600")
    with app.rabbitmq.channel() as channel:
        _, properties, body = channel.basic_get(f"{app.queue}.delay.600000.sidecar", auto_ack=True)
    assert properties is not None
    assert (properties.priority, properties.headers["laravel"]) == (2, {"attempts": 2})
    assert body is not None


def test_with_an_exchange_jobs_go_through_it_also_after_a_delay(new_app: NewApp, api: ScriptedApi) -> None:
    app = new_app()
    exchange = app.rabbitmq.new_name()
    with app.rabbitmq.channel() as channel:
        channel.exchange_declare(exchange, "topic", durable=True)
        channel.queue_bind(app.queue, exchange, f"app.{app.queue}")
    image = app.image(PHOTO)
    api.answer(name_of(app, image), BOOM, BOOM, finds())
    app.push(image, backoff="0,1")
    options = {"EXCHANGE": exchange, "EXCHANGE_TYPE": "topic", "EXCHANGE_ROUTING_KEY": "app.%s"}
    work(app, 3, **{f"FACE_RABBITMQ_{name}": value for name, value in options.items()})
    assert (row_of(app, image)["faces_checked"], app.failed(), depth(app)) == (1, [], 0)


def test_what_nobody_takes_is_not_acked(new_app: NewApp, api: ScriptedApi, wait_for: Wait) -> None:
    """An exchange without a binding for the chain's next queue returns it: the job stays, though its image is done."""
    app = new_app()
    exchange, image, nowhere = app.rabbitmq.new_name(), app.image(PHOTO), app.rabbitmq.new_name()
    push_chain(app, image, command_of(1, nowhere))
    worker = app.worker(FACE_RABBITMQ_EXCHANGE=exchange)
    process = worker.start("run")
    wait_for(lambda: row_of(app, image)["faces_checked"])
    process.send_signal(signal.SIGTERM)
    _, err = worker.end_of(process)
    assert (depth(app), "given back" in err) == (1, True)
    with app.rabbitmq.channel() as channel:
        channel.queue_declare(nowhere, durable=True)
        channel.queue_bind(nowhere, exchange, nowhere)
    work(app, 1, FACE_RABBITMQ_EXCHANGE=exchange)
    assert (len(take_all(app, nowhere)), depth(app), app.failed(), app.leftovers()) == (1, 0, [], NOTHING_LEFT)


def test_with_reroute_failed_a_failed_job_goes_to_its_exchange_too(new_app: NewApp, api: ScriptedApi) -> None:
    app, name = new_app(), new_app().rabbitmq.new_name()
    app.queue = name
    app.variables["QUEUE_FACES"] = name
    app.write_env()
    failed = app.rabbitmq.new_queue(name=f"{name}.failed")
    first, second = app.image(PHOTO), app.image(PHOTO)
    api.answer(name_of(app, second), BOOM)
    starter = app.rabbitmq.new_queue()
    app.publish(json.dumps(payload_of(_chain(first, starter, command_of(second, name)))).encode(), queue=starter)
    options = {"FACE_RABBITMQ_REROUTE_FAILED": "1", "FACE_RABBITMQ_FAILED_EXCHANGE": ""}
    # The next job's queue is not there: it is made as the app's publisher would have made it.
    app.worker(**options).run("run", "--queue", starter, "--max-jobs", 1)
    app.worker(**options, FACE_WORKER_TRIES="1").run("run", "--max-jobs", 1)
    (message,) = take_all(app, failed)
    assert [row["uuid"] for row in app.failed()] == [message.payload["uuid"]]


def _chain(image: int, queue: str, following: str) -> str:
    return command_of(image, queue, f's:7:"chained";a:1:{{i:0;s:{len(following)}:"{following}";}}', count=3)


@pytest.mark.parametrize("store", ["file", "array", "memcached"])
def test_a_cache_whose_locks_we_cannot_share_stops_the_start(new_app: NewApp, api: ScriptedApi, store: str) -> None:
    app = new_app(variables={"CACHE_STORE": store})
    image = app.image(PHOTO)
    app.push(image)
    _, err = app.worker().run("run", code=2)
    assert ("CACHE_STORE" in err, "FACE_LOCK=none" in err, depth(app)) == (True, True, 1)
    work(app, 1, FACE_LOCK="none")
    assert (row_of(app, image)["faces_checked"], app.leftovers()) == (1, NOTHING_LEFT)


def test_no_number_on_the_wire_stops_the_worker(app: PhotoApp, api: ScriptedApi) -> None:
    """Each job fails once and comes back by itself, whatever its message counts or asks for."""
    odd: dict[str, dict[str, Any]] = {
        "a header at the end of 32 bits": {"attempts": 2**31 - 1, "maxTries": 0},
        "a header of 64 bits": {"attempts": 2**62, "maxTries": 0},
        "a header at the end of 64 bits": {"attempts": 2**63 - 1, "maxTries": 0},
        "less than no attempts": {"attempts": -5},
        "a wait of years": {"backoff": 10**9},
        "a wait beyond everything": {"backoff": "9" * 30},
        "a wait of less than nothing": {"backoff": -7},
        "no waits": {"backoff": ""},
        "a time of years": {"timeout": 10**15},
        "a time of less than nothing": {"timeout": -1},
        "tries beyond everything": {"maxTries": 10**15},
    }
    for options in odd.values():
        image = app.image(PHOTO)
        api.answer(name_of(app, image), BOOM, finds())
        app.push(image, **options)
    years = [kind for kind, options in odd.items() if options.get("backoff") in {10**9, "9" * 30}]
    log = work(app, 2 * len(odd) - len(years))
    done = app.rows.one("SELECT sum(faces_checked) AS n FROM images")["n"]
    assert (done, app.failed(), "ERROR" in log) == (len(odd) - len(years), [], False), log
    # Forty-nine days are the longest that RabbitMQ can hold a message.
    assert len(take_all(app, f"{app.queue}.delay.{LONGEST_DELAY}000.sidecar")) == len(years)


@pytest.mark.parametrize("headers", [None, {}, {"laravel": 7}, {"laravel": {"attempts": "2"}}, {"laravel": [1]}])
def test_headers_that_say_nothing_are_a_first_attempt(app: PhotoApp, api: ScriptedApi, headers: Any) -> None:
    image = app.image(PHOTO)
    api.answer(name_of(app, image), BOOM)
    with app.rabbitmq.channel() as channel:
        channel.basic_publish("", app.queue, body_of(app, image), pika.BasicProperties(headers=headers))
    work(app, 1, FACE_WORKER_BACKOFF="600")
    (message,) = take_all(app, f"{app.queue}.delay.600000.sidecar")
    assert (message.attempts, message.correlation_id) == (1, message.payload["id"])


def test_a_job_has_two_lines_in_the_log_as_text_and_as_json(app: PhotoApp, api: ScriptedApi) -> None:
    app.rows.master(PEOPLE[0])
    uuids = []
    for _ in range(2):
        image = app.image(PHOTO)
        api.answer(name_of(app, image), finds(PEOPLE[0], PEOPLE[1], scale=1600))
        uuids.append(app.push(image))
    text = work(app, 1)
    lines = [line for line in text.splitlines() if uuids[0] in line]
    assert len(lines) == 2
    for word in ("image=", "attempt=1", "faces=2", "linked=1", "scale=1600", "distance=0.0", "seconds="):
        assert word in lines[1], lines
    log = work(app, 1, FACE_LOG_FORMAT="json")
    started, done = [line for line in map(json.loads, log.splitlines()) if line.get("job") == uuids[1]]
    assert (started["message"], done["message"]) == ("started", "done")
    assert (done["faces"], done["linked"], done["distance"], done["scale"]) == (2, 1, 0.0, 1600)
    assert isinstance(done["seconds"], float)
