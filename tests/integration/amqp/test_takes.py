"""Messages handed out: one at a time, in order, and never lost between us and the queue."""

from __future__ import annotations

import pika
import pytest

from faces.errors import BrokerUnavailable, DeliveryGone
from tests.integration.amqp.steps import OpenBroker, Wait, send, take
from tests.servers.rabbitmq import RabbitMQ


def test_a_message_is_handed_out_with_all_that_came_with_it(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    with rabbitmq.channel() as channel:
        properties = pika.BasicProperties(correlation_id="7", priority=3, headers={"laravel": {"attempts": 2}})
        channel.basic_publish("", queue, b"\x00\xff", properties)
    delivery = take(open_broker(queue))
    assert delivery.body == b"\x00\xff"
    assert delivery.queue == queue
    assert delivery.redelivered is False
    assert delivery.correlation_id == "7"
    assert delivery.priority == 3
    assert delivery.headers == {"laravel": {"attempts": 2}}


def test_a_message_without_properties_has_no_headers(rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker) -> None:
    send(rabbitmq, queue, b"{}")
    delivery = take(open_broker(queue))
    assert delivery.headers == {}
    assert delivery.correlation_id is None
    assert delivery.priority is None


def test_a_worker_holds_one_message_and_leaves_the_others_to_the_others(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    send(rabbitmq, queue, b"1", b"2")
    first, second = open_broker(queue), open_broker(queue)
    held = {take(first).body, take(second).body}
    assert held == {b"1", b"2"}


def test_the_next_comes_after_the_ack_and_an_acked_one_is_gone(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    send(rabbitmq, queue, b"1", b"2")
    broker = open_broker(queue)
    delivery = take(broker)
    assert broker.next(0.2) is None
    broker.ack(delivery)
    broker.ack(take(broker))
    broker.close()
    assert rabbitmq.depth(queue) == 0


def test_a_message_given_back_comes_again_as_a_redelivery(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue)
    broker.give_back(take(broker))
    again = take(broker)
    assert again.body == b"1"
    assert again.redelivered is True


def test_a_rejected_message_goes_to_the_dead_letter_queue(rabbitmq: RabbitMQ, open_broker: OpenBroker) -> None:
    dead = rabbitmq.new_queue()
    queue = rabbitmq.new_queue({"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    send(rabbitmq, queue, b"1")
    broker, dead_letters = open_broker(queue), open_broker(dead)
    broker.reject(take(broker))
    assert take(dead_letters).body == b"1"


def test_a_paused_worker_takes_nothing_and_gives_back_what_was_not_asked_for(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker, wait_for: Wait
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue)
    wait_for(lambda: rabbitmq.depth(queue) == 0)
    broker.pause()
    wait_for(lambda: rabbitmq.depth(queue) == 1)
    assert broker.next(0.2) is None
    broker.resume()
    assert take(broker).body == b"1"


def test_the_message_in_hand_stays_ours_through_a_pause(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    send(rabbitmq, queue, b"1", b"2")
    broker = open_broker(queue)
    delivery = take(broker)
    broker.pause()
    broker.ack(delivery)
    assert broker.next(0.2) is None
    broker.resume()
    assert take(broker).body == b"2"


def test_pausing_or_resuming_twice_is_as_once(rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker) -> None:
    broker = open_broker(queue)
    for act in (broker.pause, broker.pause, broker.resume, broker.resume):
        act()
    send(rabbitmq, queue, b"1")
    assert take(broker).body == b"1"


def test_a_pause_before_the_connection_holds_after_it(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker, wait_for: Wait
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue)
    broker.pause()
    wait_for(lambda: broker.is_connected)
    assert broker.next(0.2) is None
    assert rabbitmq.depth(queue) == 1


def test_of_several_queues_the_first_that_has_a_message_is_asked_for_each_message(
    rabbitmq: RabbitMQ, open_broker: OpenBroker
) -> None:
    high, low = rabbitmq.new_queue(), rabbitmq.new_queue()
    send(rabbitmq, low, b"low 1", b"low 2")
    send(rabbitmq, high, b"high 1")
    broker = open_broker(high, low)
    seen = []
    for _ in range(4):
        delivery = take(broker)
        seen.append((delivery.queue, delivery.body))
        if delivery.body == b"low 1":
            send(rabbitmq, high, b"high 2")
        broker.ack(delivery)
    assert seen == [(high, b"high 1"), (low, b"low 1"), (high, b"high 2"), (low, b"low 2")]


def test_a_queue_that_is_left_out_holds_up_no_other(rabbitmq: RabbitMQ, open_broker: OpenBroker) -> None:
    left_out, other = rabbitmq.new_queue(), rabbitmq.new_queue()
    broker = open_broker(left_out, other)
    broker.skip([left_out])
    send(rabbitmq, left_out, b"1")
    send(rabbitmq, other, b"2")
    delivery = take(broker)
    assert delivery.queue == other
    broker.ack(delivery)
    assert broker.next(1) is None
    broker.skip([])
    assert take(broker).queue == left_out


def test_while_a_job_of_several_queues_runs_no_other_message_is_hoarded(
    rabbitmq: RabbitMQ, open_broker: OpenBroker
) -> None:
    high, low = rabbitmq.new_queue(), rabbitmq.new_queue()
    send(rabbitmq, low, b"1")
    broker = open_broker(high, low)
    take(broker)
    send(rabbitmq, high, b"2")
    assert rabbitmq.depth(high) == 1


def test_a_queue_that_does_not_exist_yet_does_not_hide_the_others(rabbitmq: RabbitMQ, open_broker: OpenBroker) -> None:
    missing, low = rabbitmq.new_name(), rabbitmq.new_queue()
    broker = open_broker(missing, low)
    send(rabbitmq, low, b"1")
    broker.ack(take(broker))
    rabbitmq.new_queue(name=missing)
    send(rabbitmq, missing, b"2")
    assert take(broker).body == b"2"


def test_what_was_not_acked_goes_back_when_the_worker_ends(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker, wait_for: Wait
) -> None:
    send(rabbitmq, queue, b"1", b"2")
    broker = open_broker(queue)
    take(broker)
    broker.close()
    wait_for(lambda: rabbitmq.depth(queue) == 2)


def test_an_ack_just_before_the_end_counts(rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue)
    broker.ack(take(broker))
    broker.close()
    assert rabbitmq.depth(queue) == 0


def test_a_closed_broker_says_so(queue: str, open_broker: OpenBroker) -> None:
    broker = open_broker(queue)
    broker.close()
    broker.close()
    with pytest.raises(BrokerUnavailable, match="closed"):
        broker.next(1)


def test_a_delivery_is_settled_once_and_a_second_time_costs_nothing(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    """RabbitMQ would close the channel, and take another delivery along."""
    send(rabbitmq, queue, b"1", b"2")
    broker = open_broker(queue)
    delivery = take(broker)
    broker.ack(delivery)
    other = take(broker)
    for settle in (broker.ack, broker.reject, broker.give_back):
        with pytest.raises(DeliveryGone, match="before"):
            settle(delivery)
    with pytest.raises(DeliveryGone, match="before"):
        broker.publish(queue, b"3", correlation_id="3", attempts=0, for_delivery=delivery)
    assert not broker.holds(delivery)
    assert broker.holds(other)
    broker.ack(other)
    broker.close()
    assert rabbitmq.depth(queue) == 0
