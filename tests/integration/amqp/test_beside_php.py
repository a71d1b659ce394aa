"""The real php-amqplib and us on the same queues: what one writes the other reads, and no declaration clashes."""

from __future__ import annotations

import pytest

from tests.fixtures.laravel import captured
from tests.integration.amqp.steps import OpenBroker, Php, Wait, take
from tests.servers.rabbitmq import RabbitMQ

ROW = captured.message("12.19.3", "on_queue_faces")
BODY, ID = ROW["body"], ROW["correlation_id"]


def test_php_reads_what_we_publish(rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker, php: Php) -> None:
    open_broker(rabbitmq.new_queue()).publish(queue, BODY.encode(), correlation_id=ID, attempts=3)
    read = php("pop", queue)
    assert read == {
        "properties": {"content_type": "application/json", "delivery_mode": 2, "correlation_id": ID},
        "headers": {"laravel": {"attempts": 3}},
        "body": BODY,
    }


def test_we_read_what_php_publishes(queue: str, open_broker: OpenBroker, php: Php) -> None:
    php("push", queue, BODY, 2)
    delivery = take(open_broker(queue))
    assert delivery.body == BODY.encode()
    assert delivery.correlation_id == ID
    assert delivery.headers == {"laravel": {"attempts": 2}}


@pytest.mark.parametrize("delay", [1, 2_000_000])
def test_delay_queues_of_php_and_ours_lie_beside_each_other(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker, php: Php, wait_for: Wait, delay: int
) -> None:
    broker = open_broker(rabbitmq.new_queue())
    for _ in range(2):
        broker.publish(queue, BODY.encode(), correlation_id=ID, attempts=1, delay=delay)
        php("later", queue, BODY, 1, delay)
    if delay == 1:
        wait_for(lambda: rabbitmq.depth(queue) == 4)
    else:
        names = (f"{queue}.delay.{delay}000", f"{queue}.delay.{delay}000.sidecar")
        assert [rabbitmq.depth(name) for name in names] == [2, 2]


@pytest.mark.parametrize("php_first", [True, False])
def test_main_queues_of_php_and_ours_are_the_same(
    rabbitmq: RabbitMQ, open_broker: OpenBroker, php: Php, *, php_first: bool
) -> None:
    new, broker = rabbitmq.new_name(), open_broker(rabbitmq.new_queue())
    if php_first:
        php("push", new, BODY, 0)
    broker.publish(new, BODY.encode(), correlation_id=ID, attempts=0)
    php("push", new, BODY, 0)
    assert rabbitmq.depth(new) == (3 if php_first else 2)


def test_a_php_worker_beside_us_takes_what_we_do_not_hold(queue: str, open_broker: OpenBroker, php: Php) -> None:
    broker = open_broker(queue)
    php("push", queue, BODY, 0)
    held = take(broker)
    php("push", queue, BODY, 1)
    assert php("pop", queue)["headers"] == {"laravel": {"attempts": 1}}
    broker.give_back(held)
    assert take(broker).redelivered


def test_every_captured_body_goes_through_unchanged(rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker) -> None:
    broker = open_broker(queue)
    for row in captured.MESSAGES:
        body = captured.bytes_of(row["body"])
        broker.publish(queue, body, correlation_id=row["correlation_id"], attempts=0, priority=row["priority"])
        delivery = take(broker)
        broker.ack(delivery)
        assert delivery.body == body
        assert delivery.priority == row["priority"]
        assert delivery.headers["laravel"] == row["headers"]["laravel"]
