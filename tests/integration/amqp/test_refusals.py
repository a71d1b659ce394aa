"""What RabbitMQ refuses is refused for that message: the delivery in hand, its channel and the connection stay."""

from __future__ import annotations

from collections.abc import Iterator

import pika
import pytest

from faces.errors import BrokerRefused, BrokerUnavailable, DeliveryGone
from faces.settings import QueueOptions
from tests.integration.amqp.steps import OpenBroker, send, take
from tests.servers.proxy import Proxy, running_proxy
from tests.servers.rabbitmq import RabbitMQ, running_rabbitmq

#: Names that cannot be declared, and a word of the reason.
NAMES = {
    "": "1 to 255 bytes",
    "q" * 256: "1 to 255 bytes",
    "ё" * 128: "1 to 255 bytes",
    "amq.faces": "403 ACCESS_REFUSED",
    "\udcff": "not UTF-8",
    "faces\nfaces": "line break",
    "amq.rabbitmq.reply-to": "312 NO_ROUTE",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("delay", [0, 60])
def test_a_name_that_cannot_be_is_refused_and_nothing_else(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker, name: str, delay: int
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue, port=proxy.port)
    delivery = take(broker)
    for _ in range(2):
        with pytest.raises(BrokerRefused, match=NAMES[name] if not delay or len(name) != 21 else "404 NOT_FOUND"):
            broker.publish(name, b"{}", correlation_id="7", attempts=0, delay=delay, for_delivery=delivery)
        with pytest.raises(BrokerRefused):
            broker.set_aside(delivery, name)
    assert broker.holds(delivery)
    broker.publish(queue, b"2", correlation_id="7", attempts=0, delay=delay and 1, for_delivery=delivery)
    broker.ack(delivery)
    assert take(broker).body == b"2"
    assert proxy.accepted == 1


@pytest.mark.parametrize("correlation_id", ["i" * 256, "\ud800", 7, b"\xff" * 300])
def test_a_property_that_no_frame_can_hold_is_refused_and_nothing_else(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker, correlation_id: str
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue, port=proxy.port)
    delivery = take(broker)
    with pytest.raises(BrokerRefused, match="no frame of AMQP can hold"):
        broker.publish(queue, b"{}", correlation_id=correlation_id, attempts=0, for_delivery=delivery)
    with pytest.raises(BrokerRefused):
        broker.publish(queue, b"{}", correlation_id="7", attempts=2**64, for_delivery=delivery)
    broker.publish(queue, b"2", correlation_id="7", attempts=0, for_delivery=delivery)
    broker.ack(delivery)
    assert take(broker).body == b"2"
    assert proxy.accepted == 1


def test_headers_longer_than_a_frame_are_refused_and_nothing_else(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker
) -> None:
    """RabbitMQ ends a connection that sends more than was agreed; another client had agreed on more."""
    big = pika.BasicProperties(headers={"much": "x" * 130_000, "x-delivery-count": 1})
    with rabbitmq.channel() as channel:
        channel.basic_publish("", queue, b"1", big)
    broker = open_broker(queue, port=proxy.port)
    delivery = take(broker)
    broker.set_aside(delivery, rabbitmq.new_name())
    delivery.properties.headers["more"] = "x" * 2_000  # type: ignore[index]
    with pytest.raises(BrokerRefused, match="a frame of"):
        broker.set_aside(delivery, rabbitmq.new_name())
    broker.ack(delivery)
    assert proxy.accepted == 1


def test_an_exchange_of_the_options_that_is_not_to_be_had_is_refused_and_nothing_else(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue, port=proxy.port, options=QueueOptions(exchange="amq.nothing"))
    delivery = take(broker)
    for delay in (0, 60):
        with pytest.raises(BrokerRefused, match="403 ACCESS_REFUSED"):
            broker.publish(queue, b"{}", correlation_id="7", attempts=0, delay=delay, for_delivery=delivery)
    broker.set_aside(delivery, queue)
    broker.ack(delivery)
    assert take(broker).body == b"1"
    assert proxy.accepted == 1


def test_what_makes_rabbitmq_close_the_whole_connection_does_so_once(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker
) -> None:
    """RabbitMQ 3 does so for a type of exchange that it does not know."""
    options = QueueOptions(exchange=f"x-{queue}", exchange_type="x-delayed-message")
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue, port=proxy.port, options=options)
    delivery = take(broker)
    with pytest.raises(BrokerUnavailable, match="503 COMMAND_INVALID"):
        broker.publish("other", b"{}", correlation_id="7", attempts=0, for_delivery=delivery)
    again = take(broker)
    for _ in range(2):
        with pytest.raises(BrokerRefused, match="503 COMMAND_INVALID - unknown exchange type"):
            broker.publish("other", b"{}", correlation_id="7", attempts=0, for_delivery=again)
    broker.ack(again)
    assert proxy.accepted == 2


@pytest.fixture(scope="module")
def strict() -> Iterator[RabbitMQ]:
    """A server whose user `faces` may read everything and write to nothing but queues that exist."""
    with running_rabbitmq("max_message_size = 1000000") as server:
        server.control("add_user", "faces", "word")
        server.control("set_permissions", "faces", "^$", "^amq\\.default$|^x-", ".*")
        yield server


def test_without_the_right_to_declare_a_release_is_refused_and_the_delivery_stays(
    strict: RabbitMQ, open_broker: OpenBroker
) -> None:
    queue = strict.new_queue()
    send(strict, queue, b"1")
    with running_proxy(strict.port) as proxy:
        broker = open_broker(queue, port=proxy.port, user="faces", password="word")
        delivery = take(broker)
        for _ in range(3):
            with pytest.raises(BrokerRefused, match=r"sidecar: 403 ACCESS_REFUSED - access to queue"):
                broker.publish(queue, b"2", correlation_id="7", attempts=1, delay=60, for_delivery=delivery)
        with pytest.raises(BrokerRefused, match="403 ACCESS_REFUSED"):
            broker.set_aside(delivery, strict.new_name())
        broker.publish(queue, b"2", correlation_id="7", attempts=1, for_delivery=delivery)
        broker.ack(delivery)
        broker.ack(take(broker))
        assert proxy.accepted == 1


def test_a_message_larger_than_the_broker_takes_is_refused_and_the_delivery_stays(
    strict: RabbitMQ, open_broker: OpenBroker
) -> None:
    queue = strict.new_queue()
    send(strict, queue, b"1")
    with running_proxy(strict.port) as proxy:
        broker = open_broker(queue, port=proxy.port)
        delivery = take(broker)
        for _ in range(2):
            with pytest.raises(BrokerRefused, match="message size 2000000 is larger"):
                broker.publish(queue, b"2" * 2_000_000, correlation_id="7", attempts=1, for_delivery=delivery)
        broker.ack(delivery)
        assert proxy.accepted == 1


def test_a_vhost_s_limit_of_queues_is_refused_in_its_words(strict: RabbitMQ, open_broker: OpenBroker) -> None:
    queue = strict.new_queue()
    send(strict, queue, b"1")
    broker = open_broker(queue, port=strict.port)
    delivery = take(broker)
    strict.control("set_vhost_limits", '{"max-queues": 1}')
    try:
        with pytest.raises(BrokerRefused, match=r"queue limit in vhost '/' .* is reached"):
            broker.publish(queue, b"2", correlation_id="7", attempts=1, delay=60, for_delivery=delivery)
        broker.publish(queue, b"2", correlation_id="7", attempts=1, for_delivery=delivery)
    finally:
        strict.control("clear_vhost_limits")
    broker.ack(delivery)


def test_a_message_is_set_aside_unchanged_whatever_the_options_say(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    aside = f"{queue}.unrecorded"
    sent = pika.BasicProperties(headers={"laravel": {"attempts": 4}}, correlation_id="7", priority=3, delivery_mode=2)
    with rabbitmq.channel() as channel:
        channel.basic_publish("", queue, b"\x00\xff", sent)
    options = QueueOptions(exchange="nowhere", quorum=True, prioritize_delayed=True, reroute_failed=True)
    broker = open_broker(queue, options=options)
    assert broker.depth(aside) is None
    delivery = take(broker)
    broker.set_aside(delivery, aside)
    broker.reject(delivery)
    rabbitmq.new_queue(name=aside)
    assert broker.depth(aside) == 1
    with rabbitmq.channel() as channel:
        _, properties, body = channel.basic_get(aside)
    assert properties == sent
    assert body == b"\x00\xff"
    with pytest.raises(DeliveryGone):
        broker.set_aside(delivery, aside)


def test_the_depth_of_a_queue_that_is_another_client_s_own_is_refused(
    rabbitmq: RabbitMQ, open_broker: OpenBroker
) -> None:
    broker, theirs = open_broker("nothing"), rabbitmq.new_name()
    with rabbitmq.channel() as channel:
        channel.queue_declare(theirs, exclusive=True)
        with pytest.raises(BrokerRefused, match="405 RESOURCE_LOCKED"):
            broker.depth(theirs)
    broker.close()
    with pytest.raises(BrokerUnavailable):
        broker.depth(theirs)
