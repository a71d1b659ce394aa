"""What is published, where it arrives, and what is said when it does not."""

from __future__ import annotations

from typing import Any

import pika
import pytest

from faces.errors import BrokerRefused, BrokerUnavailable, DeliveryGone
from faces.settings import QueueOptions
from tests.fixtures.laravel import captured
from tests.integration.amqp.steps import OpenBroker, Wait, send, take
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQ, free_port
from worker.amqp.delivery import SameProperties


def peek(rabbitmq: RabbitMQ, queue: str) -> tuple[Any, bytes]:
    """Properties and body of the first message of a queue, which stays there."""
    with rabbitmq.channel() as channel:
        method, properties, body = channel.basic_get(queue)
        assert method, f"found no message in {queue}"
        assert isinstance(body, bytes)
        return properties, body


def test_a_published_job_is_like_laravels_in_all(rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker) -> None:
    row = captured.message("12.19.3", "on_queue_faces")
    sent = captured.bytes_of(row["body"])
    open_broker(rabbitmq.new_queue()).publish(queue, sent, correlation_id=row["correlation_id"], attempts=0)
    properties, body = peek(rabbitmq, queue)
    assert body == sent
    assert properties == pika.BasicProperties(
        content_type="application/json",
        delivery_mode=2,
        correlation_id=row["correlation_id"],
        headers=row["headers"],
    )


def test_a_queue_is_created_by_publishing_as_the_driver_creates_it(rabbitmq: RabbitMQ, open_broker: OpenBroker) -> None:
    broker, new = open_broker(rabbitmq.new_queue()), rabbitmq.new_name()
    broker.publish(new, b"{}", correlation_id="7", attempts=0)
    rabbitmq.new_queue(name=new)
    assert rabbitmq.depth(new) == 1


def test_a_queue_of_other_arguments_is_taken_as_it_is(rabbitmq: RabbitMQ, open_broker: OpenBroker) -> None:
    broker, odd = open_broker(rabbitmq.new_queue()), rabbitmq.new_queue({"x-max-length": 5})
    broker.publish(odd, b"{}", correlation_id="7", attempts=0)
    assert rabbitmq.depth(odd) == 1


def test_a_released_job_waits_in_the_delay_queue_and_comes_back_as_it_was(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    send(rabbitmq, queue, b"\xff{}")
    broker = open_broker(queue)
    delivery = take(broker)
    broker.publish(queue, delivery.body, correlation_id="7", attempts=2, delay=1, for_delivery=delivery)
    assert rabbitmq.depth(f"{queue}.delay.1000.sidecar") == 1
    broker.ack(delivery)
    again = take(broker)
    assert again.body == b"\xff{}"
    assert again.headers["laravel"] == {"attempts": 2}


def test_the_queue_that_a_delay_leads_to_is_created_first(rabbitmq: RabbitMQ, open_broker: OpenBroker) -> None:
    broker, new = open_broker(rabbitmq.new_queue()), rabbitmq.new_name()
    broker.publish(new, b"{}", correlation_id="7", attempts=0, delay=60)
    assert rabbitmq.depth(new) == 0


def test_a_delay_beyond_what_rabbitmq_can_is_as_long_as_it_can(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    open_broker(rabbitmq.new_queue()).publish(queue, b"{}", correlation_id="7", attempts=0, delay=10**9)
    assert rabbitmq.depth(f"{queue}.delay.4291367000.sidecar") == 1


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (QueueOptions(), {}),
        (QueueOptions(prioritize_delayed=True), {"x-max-priority": 10}),
        (QueueOptions(quorum=True), {"x-queue-type": "quorum"}),
        (
            QueueOptions(reroute_failed=True, failed_exchange="failed-x"),
            {"x-dead-letter-exchange": "failed-x", "x-dead-letter-routing-key": "{}.failed"},
        ),
    ],
)
def test_queues_are_created_with_the_drivers_options(
    rabbitmq: RabbitMQ, open_broker: OpenBroker, options: QueueOptions, arguments: dict[str, Any]
) -> None:
    """RabbitMQ refuses a second declaration with other arguments."""
    new = rabbitmq.new_name()
    broker = open_broker(rabbitmq.new_queue(), options=options)
    broker.publish(new, b"{}", correlation_id="7", attempts=3)
    broker.publish(new, b"{}", correlation_id="7", attempts=3, delay=60)
    same = {name: value.format(new) if isinstance(value, str) else value for name, value in arguments.items()}
    rabbitmq.new_queue(same, name=new)
    assert peek(rabbitmq, new)[0].priority == (3 if options.prioritize_delayed else None)


def test_an_exchange_of_the_options_is_created_and_routes(rabbitmq: RabbitMQ, open_broker: OpenBroker) -> None:
    name, bound = rabbitmq.new_name(), rabbitmq.new_queue()
    options = QueueOptions(exchange=f"x-{name}", exchange_type="topic", routing_key="app.%s")
    broker = open_broker(rabbitmq.new_queue(), options=options)
    with pytest.raises(BrokerRefused, match="no queue"):
        broker.publish(name, b"1", correlation_id="7", attempts=0)
    with rabbitmq.channel() as channel:
        channel.queue_bind(bound, f"x-{name}", f"app.{name}")
    broker.publish(name, b"2", correlation_id="7", attempts=0)
    broker.publish(name, b"3", correlation_id="7", attempts=0, delay=1)
    taking = open_broker(bound)
    for body in (b"2", b"3"):
        delivery = take(taking)
        taking.ack(delivery)
        assert delivery.body == body
    assert rabbitmq.depth(name) is None


def test_what_no_queue_can_take_is_refused_and_the_delivery_stays_ours(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    full = rabbitmq.new_queue({"x-max-length": 0, "x-overflow": "reject-publish"})
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue)
    delivery = take(broker)
    with pytest.raises(BrokerRefused, match="did not take"):
        broker.publish(full, b"{}", correlation_id="7", attempts=0, for_delivery=delivery)
    broker.ack(delivery)
    assert broker.next(0.2) is None


def test_a_delay_queue_of_other_arguments_is_said_and_costs_no_delivery(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    rabbitmq.new_queue({"x-message-ttl": 1}, name=f"{queue}.delay.60000.sidecar")
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue)
    delivery = take(broker)
    with pytest.raises(BrokerRefused, match=r"delay\.60000\.sidecar: 406 PRECONDITION_FAILED"):
        broker.publish(queue, b"{}", correlation_id="7", attempts=0, delay=60, for_delivery=delivery)
    broker.publish(queue, b"2", correlation_id="7", attempts=0, for_delivery=delivery)
    broker.ack(delivery)
    assert take(broker).body == b"2"


def test_for_a_delivery_that_is_gone_nothing_is_published(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker, wait_for: Wait
) -> None:
    other = rabbitmq.new_queue()
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue, port=proxy.port)
    delivery = take(broker)
    proxy.reset()
    wait_for(lambda: not broker.is_connected)
    wait_for(lambda: broker.is_connected)
    with pytest.raises(DeliveryGone, match="comes again"):
        broker.publish(other, b"{}", correlation_id="7", attempts=0, for_delivery=delivery)
    with pytest.raises(DeliveryGone):
        broker.forward(delivery, other)
    for settle in (broker.ack, broker.reject, broker.give_back):
        with pytest.raises(DeliveryGone):
            settle(delivery)
    assert rabbitmq.depth(other) == 0
    again = take(broker)
    assert again.body == b"1"
    assert again.redelivered is True


def test_without_a_broker_nothing_is_published(open_broker: OpenBroker) -> None:
    with pytest.raises(BrokerUnavailable, match="away since"):
        open_broker("faces", port=free_port()).publish("faces", b"{}", correlation_id="7", attempts=0)


def test_a_message_is_forwarded_as_it_came(rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker) -> None:
    other = rabbitmq.new_name()
    headers: dict[str, object] = {
        "laravel": {"attempts": 4},
        "big": 2**40,
        "none": None,
        "list": [1, "a", True, {"deep": b"\xff"}],
    }
    sent = pika.BasicProperties(
        content_type="application/json",
        content_encoding="utf-8",
        headers=headers,
        delivery_mode=2,
        priority=4,
        correlation_id="7",
        reply_to="r",
        message_id="m",
        timestamp=1_700_000_000,
        type="t",
        app_id="a",
        user_id="guest",
    )
    with rabbitmq.channel() as channel:
        channel.basic_publish("", queue, b"\x00\xff", sent)
    broker = open_broker(queue)
    delivery = take(broker)
    broker.forward(delivery, other)
    broker.ack(delivery)
    properties, body = peek(rabbitmq, other)
    sent.user_id = None
    assert properties == sent
    assert body == b"\x00\xff"


#: A header that pika reads as another number, and one with a time that it cannot read; neither can it write them.
ODD_HEADERS = [b"\x01xd\x3f\xf8" + bytes(6), b"\x01xT\x7f" + bytes(7)]


@pytest.mark.parametrize("header", ODD_HEADERS)
def test_no_header_ends_the_connection_or_is_changed(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker, wait_for: Wait, header: bytes
) -> None:
    other, sent = rabbitmq.new_queue(), SameProperties(b"\x20\x00" + len(header).to_bytes(4, "big") + header)
    with rabbitmq.channel() as channel:
        channel.basic_publish("", queue, b"1", sent)  # type: ignore[arg-type]
    broker = open_broker(queue, port=proxy.port)
    delivery = take(broker)
    proxy.sent.clear()
    broker.forward(delivery, other)
    broker.ack(delivery)
    broker.close()
    assert header in proxy.sent
    assert proxy.accepted == 1
    assert rabbitmq.depth(queue) == 0
    assert rabbitmq.depth(other) == 1


def test_a_quorum_queues_message_that_came_back_often_is_copied_before_it_is_dropped(
    rabbitmq: RabbitMQ, open_broker: OpenBroker
) -> None:
    """As with RabbitMQ 4, which drops a message after 20 returns."""
    quorum = rabbitmq.new_queue({"x-queue-type": "quorum", "x-delivery-limit": 20})
    send(rabbitmq, quorum, b"1")
    broker = open_broker(quorum)
    for _ in range(45):
        broker.give_back(take(broker))
    broker.ack(take(broker))
    broker.close()
    assert rabbitmq.depth(quorum) == 0


def test_the_priority_of_a_job_is_kept_over_a_release_and_a_counted_one_counts_on(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    broker = open_broker(queue, options=QueueOptions(prioritize_delayed=True))
    sent = []
    for own in (9, None):
        broker.publish(queue, b"{}", correlation_id="7", attempts=1, priority=own)
        first = take(broker)
        broker.publish(queue, first.body, correlation_id="7", attempts=2, for_delivery=first, priority=first.priority)
        broker.ack(first)
        second = take(broker)
        broker.ack(second)
        sent.append((first.priority, second.priority))
    assert sent == [(9, 9), (1, 2)]
