"""What is said of the connection: since when it is so and why, in RabbitMQ's own words."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.integration.amqp.steps import OpenBroker, Wait, send, take
from tests.servers.proxy import running_proxy
from tests.servers.rabbitmq import RabbitMQ, free_port, running_rabbitmq
from worker.amqp.broker import Broker


@pytest.fixture(scope="module")
def own_rabbitmq() -> Iterator[RabbitMQ]:
    """A server whose limits and alarms these tests may set."""
    with running_rabbitmq() as server:
        yield server


def says(broker: Broker, words: str) -> bool:
    report = broker.report()
    return not report.connected and words in (report.reason or "")


def test_a_wrong_password_a_wrong_vhost_and_a_wrong_port_are_said(
    rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait
) -> None:
    before = time.time()
    cases = {
        "(403 ACCESS_REFUSED - Login was refused": {"port": rabbitmq.port, "password": "wrong"},
        "(530 NOT_ALLOWED - vhost photos not found)": {"port": rabbitmq.port, "vhost": "photos"},
        "Connection refused": {"port": free_port()},
    }
    for words, settings in cases.items():
        broker = open_broker("faces", **settings)  # type: ignore[arg-type]
        wait_for(lambda broker=broker, words=words: says(broker, words))
        assert before <= broker.report().since <= time.time()


def test_a_connection_says_since_when_it_is_there(rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker) -> None:
    before = time.time()
    report = open_broker(queue).report()
    assert report.connected is True
    assert report.reason is None
    assert report.blocked is None
    assert report.refused is None
    assert before <= report.since <= time.time()


def test_a_stopped_broker_is_said_in_its_last_words(
    own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait
) -> None:
    broker = open_broker(own_rabbitmq.new_queue(), port=own_rabbitmq.port)
    wait_for(lambda: broker.report().connected)
    own_rabbitmq.stop()
    try:
        wait_for(lambda: says(broker, "Connection refused"))
        since = broker.report().since
        time.sleep(1)
        assert broker.report().since == since, "it counts from the loss, not from the last attempt"
    finally:
        own_rabbitmq.start()


def test_a_queue_that_is_not_there_is_named(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker, wait_for: Wait
) -> None:
    missing = rabbitmq.new_name()
    one, several = open_broker(missing), open_broker(missing, queue)
    assert several.next(0.5) is None
    for broker in (one, several):
        wait_for(lambda broker=broker: broker.report().missing == (missing,))
    rabbitmq.new_queue(name=missing)
    assert several.next(5) is None
    for broker in (one, several):
        wait_for(lambda broker=broker: broker.report().missing == ())


@pytest.mark.parametrize("number_of_queues", [1, 2])
def test_what_may_not_be_read_is_said_until_it_may(
    own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait, number_of_queues: int
) -> None:
    user = own_rabbitmq.new_name()
    own_rabbitmq.control("add_user", user, "word")
    own_rabbitmq.control("set_permissions", user, "^$", "^$", "^$")
    queues = [own_rabbitmq.new_queue() for _ in range(number_of_queues)]
    send(own_rabbitmq, queues[0], b"1")
    broker = open_broker(*queues, port=own_rabbitmq.port, user=user, password="word", longest_pause=1)
    wait_for(lambda: broker.next(0.2) or "403 ACCESS_REFUSED - access to queue" in (broker.report().refused or ""))
    assert broker.report().connected
    own_rabbitmq.control("set_permissions", user, "^$", "^$", ".*")
    take(broker)
    assert broker.report().refused is None


def test_a_queue_that_another_client_has_for_itself_is_said(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker, wait_for: Wait
) -> None:
    theirs = rabbitmq.new_name()
    with rabbitmq.channel() as channel:
        channel.queue_declare(theirs, exclusive=True)
        channel.basic_consume(queue, print, exclusive=True)
        for name, words in ((theirs, "405 RESOURCE_LOCKED"), (queue, "403 ACCESS_REFUSED")):
            broker = open_broker(name)
            wait_for(lambda broker=broker, words=words: words in (broker.report().refused or ""))


@pytest.mark.parametrize(
    ("scope", "limit", "words"),
    [
        ("vhost", '{"max-connections": 0}', "connection limit (0) is reached"),
        ("user", '{"max-connections": 0}', "limit (0) is reached"),
        ("user", '{"max-channels": 0}', "maximum allowed"),
    ],
)
def test_a_limit_is_said_in_its_words(
    own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait, scope: str, limit: str, words: str
) -> None:
    whose = {"vhost": [], "user": ["guest"]}[scope]
    queue = own_rabbitmq.new_queue()
    own_rabbitmq.control(f"set_{scope}_limits", *whose, limit)
    try:
        broker = open_broker(queue, port=own_rabbitmq.port)
        wait_for(lambda: says(broker, words))
        since = broker.report().since
    finally:
        own_rabbitmq.control(f"clear_{scope}_limits", *whose, *(["all"] if scope == "user" else []))
    assert broker.report().since == since or broker.report().connected
    wait_for(lambda: broker.report().connected)


def test_an_alarm_is_said_also_by_a_worker_that_publishes_nothing(
    own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait
) -> None:
    queue = own_rabbitmq.new_queue()
    with running_proxy(own_rabbitmq.port) as proxy:
        idle = open_broker(queue, port=proxy.port)
        wait_for(lambda: idle.is_connected)
        own_rabbitmq.raise_memory_alarm()
        try:
            fresh = open_broker(queue, port=own_rabbitmq.port)
            for broker in (fresh, idle):
                wait_for(lambda broker=broker: broker.report().blocked == "low on memory")
                assert broker.report().connected
        finally:
            own_rabbitmq.end_memory_alarm()
        for broker in (fresh, idle):
            wait_for(lambda broker=broker: broker.report().connected and broker.report().blocked is None)
        assert proxy.accepted == 1
    send(own_rabbitmq, queue, b"1")
    fresh.ack(take(fresh))
