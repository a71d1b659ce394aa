"""Starts that are refused, odd numbers in messages, and headers that say nothing."""

from __future__ import annotations

from typing import Any

import pika
import pytest

from tests.acceptance.steps import PHOTO, body_of, delay_queue, depth, name_of, row_of, take_all, work
from tests.servers.photo_app import NOTHING_LEFT
from tests.servers.scripted_api import finds, says
from tests.stubs.api import StubApi
from tests.stubs.app import StubApp
from tests.stubs.fixtures import NewStubApp
from worker.amqp.topology import LONGEST_DELAY

BOOM = says(409, error="boom")


@pytest.mark.parametrize("store", ["file", "array", "memcached"])
def test_a_cache_whose_locks_we_cannot_share_stops_the_start(new_app: NewStubApp, api: StubApi, store: str) -> None:
    app = new_app(variables={"CACHE_STORE": store})
    image = app.image(PHOTO)
    app.push(image)
    _, err = app.worker().run("run", code=2)
    assert "CACHE_STORE" in err
    assert "FACE_LOCK=none" in err
    assert depth(app) == 1
    work(app, 1, FACE_LOCK="none")
    assert row_of(app, image)["faces_checked"] == 1
    assert app.leftovers() == NOTHING_LEFT


def test_no_number_on_the_wire_stops_the_worker(app: StubApp, api: StubApi) -> None:
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
    assert done == len(odd) - len(years), log
    assert app.failed() == [], log
    assert "ERROR" not in log, log
    # Forty-nine days are the longest that RabbitMQ can hold a message.
    assert len(take_all(app, delay_queue(app.queue, LONGEST_DELAY))) == len(years)


@pytest.mark.parametrize("headers", [None, {}, {"laravel": 7}, {"laravel": {"attempts": "2"}}, {"laravel": [1]}])
def test_headers_that_say_nothing_are_a_first_attempt(app: StubApp, api: StubApi, headers: Any) -> None:
    image = app.image(PHOTO)
    api.answer(name_of(app, image), BOOM)
    with app.rabbitmq.channel() as channel:
        channel.basic_publish("", app.queue, body_of(app, image), pika.BasicProperties(headers=headers))
    work(app, 1, FACE_WORKER_BACKOFF="600")
    (message,) = take_all(app, delay_queue(app.queue, 600))
    assert message.attempts == 1
    assert message.correlation_id == message.payload["id"]
