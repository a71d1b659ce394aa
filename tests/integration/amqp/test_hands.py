"""To which side a delivery belongs: ours until it is settled or its channel closes, then RabbitMQ's again."""

from __future__ import annotations

import pytest

from tests.integration.amqp.steps import OpenBroker, Wait, send, take
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQ
from worker.amqp.broker import Broker


@pytest.mark.parametrize("settle", [Broker.ack, Broker.reject, Broker.give_back, Broker.drop])
def test_a_delivery_is_held_until_it_is_settled(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker, settle: object
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue)
    delivery = take(broker)
    assert broker.holds(delivery)
    assert callable(settle)
    settle(broker, delivery)
    assert not broker.holds(delivery)


def test_a_delivery_whose_connection_went_is_not_held_and_dropping_it_raises_nothing(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker, wait_for: Wait
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue, port=proxy.port)
    delivery = take(broker)
    proxy.cut()
    wait_for(lambda: not broker.holds(delivery))
    broker.drop(delivery)
    proxy.heal()
    again = take(broker)
    broker.drop(delivery)
    assert broker.holds(again)
    broker.close()
    assert not broker.holds(again)
    broker.drop(again)


@pytest.mark.parametrize("others", [0, 2])
def test_a_dropped_delivery_comes_again_over_the_same_connection(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker, others: int, caplog: pytest.LogCaptureFixture
) -> None:
    """With one queue, and with several."""
    send(rabbitmq, queue, b"1", b"2")
    broker = open_broker(queue, *(rabbitmq.new_queue() for _ in range(others)), port=proxy.port)
    for _ in range(4):
        delivery = take(broker, 2)
        assert delivery.body == b"1"
        broker.drop(delivery)
    again = take(broker)
    assert again.body == b"1"
    assert again.redelivered is True
    broker.ack(again)
    broker.ack(take(broker))
    broker.close()
    assert rabbitmq.depth(queue) == 0
    assert proxy.accepted == 1
    assert "closed our channel" not in caplog.text


def test_another_worker_gets_what_was_dropped(rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue)
    delivery = take(broker)
    broker.pause()
    broker.drop(delivery)
    assert rabbitmq.depth(queue) == 1
    assert broker.next(0.2) is None
    assert take(open_broker(queue)).redelivered


@pytest.mark.parametrize("back", [Broker.give_back, Broker.drop])
def test_a_quorum_queue_s_message_is_published_anew_after_it_came_back_five_times(
    rabbitmq: RabbitMQ, open_broker: OpenBroker, back: object
) -> None:
    """RabbitMQ 4 drops one that came back twenty times; this queue drops it after six."""
    quorum = rabbitmq.new_queue({"x-queue-type": "quorum", "x-delivery-limit": 6})
    send(rabbitmq, quorum, b"1")
    broker = open_broker(quorum)
    seen = []
    assert callable(back)
    for _ in range(14):
        delivery = take(broker)
        seen.append(delivery.times_returned)
        back(broker, delivery)
    assert seen == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3]


def test_what_was_not_taken_is_published_anew_too(rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait) -> None:
    """A worker that is paused gives back what was pushed to it meanwhile."""
    quorum = rabbitmq.new_queue({"x-queue-type": "quorum", "x-delivery-limit": 6})
    send(rabbitmq, quorum, b"1")
    broker = open_broker(quorum)
    for _ in range(9):
        wait_for(lambda: rabbitmq.depth(quorum) == 0)
        broker.pause()
        wait_for(lambda: rabbitmq.depth(quorum) == 1)
        broker.resume()
    assert take(broker).times_returned < 5


def test_a_queue_that_one_may_not_read_holds_up_no_other(rabbitmq: RabbitMQ, open_broker: OpenBroker) -> None:
    low, theirs = rabbitmq.new_queue(), rabbitmq.new_name()
    send(rabbitmq, low, b"1")
    with rabbitmq.channel() as channel:
        channel.queue_declare(theirs, exclusive=True)
        assert take(open_broker(theirs, low)).body == b"1"
