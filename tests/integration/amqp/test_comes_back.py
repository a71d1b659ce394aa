"""What becomes of a server and its queues, and that it is there again afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from threading import Thread

import pytest

from faces.errors import BrokerUnavailable, DeliveryGone
from tests.integration.amqp.steps import OpenBroker, Wait, send, take
from tests.servers.proxy import running_proxy
from tests.servers.rabbitmq import RabbitMQ, running_rabbitmq


@pytest.fixture(scope="module")
def own_rabbitmq() -> Iterator[RabbitMQ]:
    """A server that these tests may kill and starve."""
    with running_rabbitmq() as server:
        yield server


@pytest.mark.parametrize("end", [RabbitMQ.stop, RabbitMQ.kill])
def test_a_restarted_broker_is_come_back_to_and_the_message_comes_again(
    own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait, end: object
) -> None:
    queue = own_rabbitmq.new_queue()
    broker = open_broker(queue, port=own_rabbitmq.port)
    wait_for(lambda: broker.is_connected)
    broker.publish(queue, b"1", correlation_id="7", attempts=0)
    delivery = take(broker)
    assert callable(end)
    end(own_rabbitmq)
    wait_for(lambda: not broker.is_connected)
    assert "away since" in broker.state
    with pytest.raises(DeliveryGone):
        broker.ack(delivery)
    assert broker.next(0.1) is None
    own_rabbitmq.start()
    again = take(broker, 60)
    assert again.body == b"1"
    assert again.redelivered is True
    broker.ack(again)


def test_without_memory_publishing_ends_in_time_and_the_message_comes_again_when_there_is_some(
    own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait
) -> None:
    queue = own_rabbitmq.new_queue()
    send(own_rabbitmq, queue, b"1")
    broker = open_broker(queue, port=own_rabbitmq.port, publish_seconds=1)
    delivery = take(broker)
    own_rabbitmq.raise_memory_alarm()
    try:
        with pytest.raises(BrokerUnavailable, match=r"takes no messages \(low on memory\)"):
            broker.publish(queue, b"2", correlation_id="7", attempts=1, for_delivery=delivery)
        with pytest.raises(DeliveryGone):
            broker.ack(delivery)
        wait_for(lambda: "takes no messages yet" in broker.state)
        assert broker.next(2) is None, "a message would be worked on and lost again and again"
    finally:
        own_rabbitmq.end_memory_alarm()
    again = take(broker)
    assert again.body == b"1"
    assert again.redelivered is True
    broker.publish(queue, b"2", correlation_id="7", attempts=1, for_delivery=again)
    broker.ack(again)
    assert take(broker).body == b"2"


def test_a_short_lack_of_memory_is_waited_out(own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait) -> None:
    queue = own_rabbitmq.new_queue()
    send(own_rabbitmq, queue, b"1")
    broker = open_broker(queue, port=own_rabbitmq.port)
    delivery = take(broker)
    own_rabbitmq.raise_memory_alarm()

    def end_it() -> None:
        wait_for(lambda: "takes no messages" in broker.state)
        own_rabbitmq.end_memory_alarm()

    ending = Thread(target=end_it)
    ending.start()
    broker.publish(queue, b"2", correlation_id="7", attempts=1, for_delivery=delivery)
    ending.join()
    broker.ack(delivery)
    assert take(broker).body == b"2"


def test_closing_does_not_wait_for_memory(own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait) -> None:
    queue = own_rabbitmq.new_queue()
    broker = open_broker(queue, port=own_rabbitmq.port, publish_seconds=1)
    wait_for(lambda: broker.is_connected)
    own_rabbitmq.raise_memory_alarm()
    try:
        with pytest.raises(BrokerUnavailable):
            broker.publish(queue, b"2", correlation_id="7", attempts=1)
        wait_for(lambda: "takes no messages yet" in broker.state)
        broker.close()
    finally:
        own_rabbitmq.end_memory_alarm()


@pytest.fixture
def impatient(own_rabbitmq: RabbitMQ) -> Iterator[RabbitMQ]:
    """A server that takes a message back after a second instead of half an hour."""
    set_patience = (
        "application:set_env(rabbit, consumer_timeout, {}), application:set_env(rabbit, channel_tick_interval, {})."
    )
    own_rabbitmq.control("eval", set_patience.format(1_000, 1_000))
    yield own_rabbitmq
    own_rabbitmq.control("eval", set_patience.format(1_800_000, 60_000))


def test_a_job_that_outlives_rabbitmqs_patience_loses_its_message_and_not_the_connection(
    impatient: RabbitMQ, open_broker: OpenBroker
) -> None:
    queue = impatient.new_queue()
    send(impatient, queue, b"1")
    with running_proxy(impatient.port) as proxy:
        broker = open_broker(queue, port=proxy.port)
        delivery = take(broker)
        again = take(broker)
        broker.ack(again)
        assert again.body == b"1"
        assert again.redelivered is True
        with pytest.raises(DeliveryGone):
            broker.publish(queue, b"2", correlation_id="7", attempts=1, for_delivery=delivery)
        assert proxy.accepted == 1


def test_a_deleted_queue_is_waited_for_and_said_once(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker, wait_for: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue)
    delivery = take(broker)
    with rabbitmq.channel() as channel:
        channel.queue_delete(queue)
    wait_for(lambda: said(caplog, "found no queue"))
    broker.ack(delivery)
    assert broker.next(7) is None
    assert rabbitmq.depth(queue) is None, "a worker never creates its queue by reading it"
    rabbitmq.new_queue(name=queue)
    send(rabbitmq, queue, b"2")
    assert take(broker).body == b"2"
    assert len(said(caplog, "found no queue")) == 1


def test_the_release_of_a_job_whose_queue_was_deleted_creates_it_anew(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue)
    delivery = take(broker)
    with rabbitmq.channel() as channel:
        channel.queue_delete(queue)
    broker.publish(queue, delivery.body, correlation_id="7", attempts=1, for_delivery=delivery)
    broker.ack(delivery)
    assert take(broker).headers["laravel"] == {"attempts": 1}


def test_a_changed_password_is_said_in_so_many_words_and_the_right_one_is_noticed(
    own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait
) -> None:
    own_rabbitmq.control("add_user", "faces", "first")
    own_rabbitmq.control("set_permissions", "faces", ".*", ".*", ".*")
    queue = own_rabbitmq.new_queue()
    with running_proxy(own_rabbitmq.port) as proxy:
        broker = open_broker(queue, port=proxy.port, user="faces", password="first")
        wait_for(lambda: broker.is_connected)
        own_rabbitmq.control("change_password", "faces", "second")
        proxy.reset()
        wait_for(lambda: "refuses the user faces: is RABBITMQ_PASSWORD still right?" in broker.state)
        own_rabbitmq.control("change_password", "faces", "first")
        wait_for(lambda: broker.is_connected)


def test_a_queue_that_the_user_may_not_read_is_said_once(
    own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    own_rabbitmq.control("add_user", "stranger", "first")
    own_rabbitmq.control("set_permissions", "stranger", "^$", "^$", "^$")
    queue = own_rabbitmq.new_queue()
    broker = open_broker(queue, port=own_rabbitmq.port, user="stranger", password="first")
    wait_for(lambda: said(caplog, "RabbitMQ closed our channel: 403 ACCESS_REFUSED"))
    assert broker.next(4) is None
    assert len(said(caplog, "403 ACCESS_REFUSED")) == 1


def test_a_vhost_that_does_not_exist_is_named(rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait) -> None:
    broker = open_broker("faces", port=rabbitmq.port, vhost="photos")
    wait_for(lambda: "into the vhost photos (RABBITMQ_VHOST)" in broker.state)


def said(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if words in record.getMessage()]


def test_the_connections_thread_answers_whether_rabbitmq_is_there_or_not(
    open_broker: OpenBroker, wait_for: Wait
) -> None:
    broker = open_broker("faces", port=1)
    assert broker.answers(10)
    broker._ask(_hang)
    wait_for(lambda: not broker.answers(0.1))
    assert broker.answers(30)
    broker.close()
    assert broker.answers(0.1)


async def _hang() -> None:
    asyncio.get_running_loop().call_later(0.1, time.sleep, 2)
