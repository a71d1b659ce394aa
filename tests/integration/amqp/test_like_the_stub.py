"""The broker in memory keeps the rules of the real one: the same steps, seen the same way, upon both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pika
import pytest

from faces.errors import BrokerRefused, BrokerUnavailable, DeliveryGone
from tests.integration.amqp.steps import OpenBroker, Wait
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQ
from tests.stubs.broker import StubBroker
from tests.stubs.clock import Clock
from tests.stubs.rabbitmq import StubRabbitMQ
from worker.amqp.broker import Broker
from worker.amqp.delivery import Delivery

#: Seconds in which a real message must have come.
SOON = 10.0

BODY = '{"id": "a", "ключ": [1.50, "\\u2028"]}'.encode()


@dataclass
class Side:
    """The stub, or the real thing."""

    server: RabbitMQ | StubRabbitMQ
    open: Callable[..., Broker | StubBroker]
    cut: Callable[[Broker | StubBroker], None]
    """Cut the connection; it is opened again by itself."""
    wait_for: Wait

    def queue(self, **arguments: Any) -> str:
        return self.server.new_queue({name.replace("_", "-"): value for name, value in arguments.items()})

    def send(self, queue: str, *bodies: bytes, **properties: Any) -> None:
        with self.server.channel() as channel:
            for body in bodies:
                channel.basic_publish("", queue, body, pika.BasicProperties(**properties))

    def holds(self, queue: str, messages: int | None) -> None:
        """Whether so many wait there, at once or soon."""
        self.wait_for(lambda: self.server.depth(queue) == messages, SOON)


@pytest.fixture(params=["stub", "real"])
def side(request: pytest.FixtureRequest) -> Side:
    return _stub() if request.param == "stub" else _real(request)


def _stub() -> Side:
    clock = Clock()
    server = StubRabbitMQ(clock)

    def opened(*queues: str) -> StubBroker:
        broker = StubBroker(server, clock, queues)
        broker.start()
        return broker

    def at_once(condition: Callable[[], object], _seconds: float = 0) -> None:
        assert condition()

    return Side(server, opened, lambda broker: broker.lose_connection(), at_once)


def _real(request: pytest.FixtureRequest) -> Side:
    open_broker: OpenBroker = request.getfixturevalue("open_broker")
    wait_for: Wait = request.getfixturevalue("wait_for")
    proxy: Proxy = request.getfixturevalue("proxy")

    def opened(*queues: str) -> Broker:
        broker = open_broker(*queues, port=proxy.port)
        wait_for(lambda: broker.is_connected)
        return broker

    def cut(broker: Broker) -> None:
        before = proxy.accepted
        proxy.reset()
        wait_for(lambda: proxy.accepted > before and broker.is_connected)

    return Side(request.getfixturevalue("rabbitmq"), opened, cut, wait_for)


def taken(broker: Broker | StubBroker) -> Delivery:
    delivery = broker.next(SOON)
    assert delivery, broker.state
    return delivery


def told(delivery: Delivery) -> tuple[bytes, str, bool, Mapping[str, Any], str | None, int | None, int]:
    """What a worker sees of a message."""
    return (
        delivery.body,
        delivery.queue,
        delivery.redelivered,
        delivery.headers,
        delivery.correlation_id,
        delivery.priority,
        delivery.times_returned,
    )


def test_one_message_at_a_time_comes_in_order_and_goes_with_its_ack(side: Side) -> None:
    queue = side.queue()
    side.send(queue, b"1", b"2", headers={"laravel": {"attempts": 2}}, correlation_id="a", priority=3)
    broker = side.open(queue)
    first = taken(broker)
    assert told(first) == (b"1", queue, False, {"laravel": {"attempts": 2}}, "a", 3, 0)
    assert broker.next(0.3) is None
    broker.ack(first)
    second = taken(broker)
    assert second.body == b"2"
    assert second.redelivered is False
    broker.ack(second)
    side.holds(queue, 0)
    assert broker.next(0.3) is None


def test_what_is_given_back_comes_again_and_says_so(side: Side) -> None:
    """To the head of a classic queue; a quorum queue promises no place."""
    for kind, bodies in (("classic", [b"1", b"2"]), ("quorum", [b"1"])):
        queue = side.queue(x_queue_type=kind)
        side.send(queue, *bodies)
        broker = side.open(queue)
        for returned in range(3):
            delivery = taken(broker)
            assert delivery.body == b"1", kind
            assert delivery.redelivered == (returned > 0), kind
            assert delivery.times_returned == (returned if kind == "quorum" else 0)
            broker.give_back(delivery)
        broker.close()
        side.holds(queue, len(bodies))


def test_a_rejected_message_is_gone_or_where_its_queue_sends_it(side: Side) -> None:
    failed = side.queue()
    plain = side.queue()
    sending = side.queue(**{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": failed})
    for queue in (plain, sending):
        side.send(queue, BODY, headers={"laravel": {"attempts": 1}})
        broker = side.open(queue)
        broker.reject(taken(broker))
        side.holds(queue, 0)
        broker.close()
    side.holds(failed, 1)
    dead = taken(side.open(failed))
    assert dead.body == BODY
    assert dead.headers["laravel"] == {"attempts": 1}
    assert dead.headers["x-first-death-reason"] == "rejected"


def test_a_published_job_is_as_the_driver_sends_it_and_waits_for_its_delay(side: Side) -> None:
    queue = side.queue()
    broker = side.open(queue)
    broker.publish(queue, BODY, correlation_id="a", attempts=2, priority=5)
    delivery = taken(broker)
    assert told(delivery) == (BODY, queue, False, {"laravel": {"attempts": 2}}, "a", 5, 0)
    properties = delivery.properties
    assert properties.content_type == "application/json"
    assert properties.delivery_mode == 2
    broker.publish(queue, BODY, correlation_id="a", attempts=3, delay=1, for_delivery=delivery)
    broker.ack(delivery)
    side.holds(queue, 0)
    assert broker.next(0.3) is None
    again = taken(broker)
    assert again.body == BODY
    assert again.redelivered is False
    assert again.headers["laravel"] == {"attempts": 3}
    assert again.headers["x-first-death-reason"] == "expired"
    assert again.headers["x-death"][0]["count"] == 1
    broker.ack(again)


def test_a_queue_that_is_not_there_is_made_by_publishing_only(side: Side) -> None:
    missing, other = side.server.new_name(), side.server.new_name()
    broker = side.open(missing)
    assert broker.next(0.3) is None
    side.holds(missing, None)
    broker.publish(other, BODY, correlation_id=None, attempts=0)
    side.holds(other, 1)


def test_a_message_is_handed_on_unchanged(side: Side) -> None:
    queue, other = side.queue(), side.queue()
    headers = {"laravel": {"attempts": 2}, "x-own": [1, "б", True]}
    side.send(queue, BODY, headers=headers, message_id="m", type="t", expiration="60000")
    broker = side.open(queue)
    delivery = taken(broker)
    broker.forward(delivery, other)
    broker.ack(delivery)
    there = taken(side.open(other))
    assert there.body == BODY
    assert there.headers == headers
    assert there.redelivered is False
    properties = there.properties
    assert properties.message_id == "m"
    assert properties.type == "t"
    assert properties.expiration == "60000"


def test_with_the_connection_goes_what_was_in_hand_and_nothing_is_published_for_it(side: Side) -> None:
    queue = side.queue()
    side.send(queue, BODY)
    broker = side.open(queue)
    delivery = taken(broker)
    side.cut(broker)
    for act in (broker.ack, broker.reject, broker.give_back):
        with pytest.raises(DeliveryGone):
            act(delivery)
    with pytest.raises(DeliveryGone):
        broker.publish(queue, BODY, correlation_id=None, attempts=0, for_delivery=delivery)
    with pytest.raises(DeliveryGone):
        broker.forward(delivery, queue)
    again = taken(broker)
    assert again.body == BODY
    assert again.redelivered is True
    broker.ack(again)
    side.holds(queue, 0)


def test_a_pause_takes_nothing_and_keeps_what_is_in_hand(side: Side) -> None:
    queue = side.queue()
    side.send(queue, b"1", b"2")
    broker = side.open(queue)
    delivery = taken(broker)
    broker.pause()
    broker.ack(delivery)
    assert broker.next(0.3) is None
    side.holds(queue, 1)
    broker.resume()
    assert taken(broker).body == b"2"


def test_of_several_queues_the_first_one_comes_first_and_some_may_be_left_out(side: Side) -> None:
    first, second = side.queue(), side.queue()
    side.send(second, b"second", b"second")
    side.send(first, b"first")
    broker = side.open(first, second)
    one = taken(broker)
    broker.skip([second])
    further = broker.next(0.3)
    assert one.body == b"first"
    assert further is None
    broker.skip([])
    two = taken(broker)
    assert two.body == b"second"
    assert two.queue == second
    broker.ack(one)
    broker.ack(two)


def test_closing_gives_back_what_is_in_hand_and_ends_all_questions(side: Side) -> None:
    queue = side.queue()
    side.send(queue, BODY)
    broker = side.open(queue)
    delivery = taken(broker)
    broker.close()
    side.holds(queue, 1)
    for ask in (lambda: broker.next(0), lambda: broker.ack(delivery), broker.pause, broker.resume):
        with pytest.raises(BrokerUnavailable):
            ask()
    assert taken(side.open(queue)).redelivered


def test_a_message_that_comes_back_without_end_is_published_anew(side: Side) -> None:
    """A quorum queue of RabbitMQ 4 would drop it."""
    queue = side.queue(x_queue_type="quorum")
    side.send(queue, BODY, headers={"laravel": {"attempts": 1}})
    broker = side.open(queue)
    most = 0
    for _ in range(25):
        delivery = taken(broker)
        most = max(most, delivery.times_returned)
        assert delivery.body == BODY
        assert delivery.headers["laravel"] == {"attempts": 1}
        broker.give_back(delivery)
    assert 0 < most < 20
    broker.close()
    side.holds(queue, 1)


def test_a_name_that_the_wire_cannot_carry_is_not_published_to(side: Side) -> None:
    broker = side.open(side.queue())
    with pytest.raises(BrokerRefused):
        broker.publish("ф" * 200, BODY, correlation_id=None, attempts=0)


def test_what_was_settled_or_went_is_not_held(side: Side) -> None:
    queue = side.queue()
    side.send(queue, b"1", b"2", b"3")
    broker = side.open(queue)
    for settle in (broker.ack, broker.reject):
        delivery = taken(broker)
        assert broker.holds(delivery)
        settle(delivery)
        assert not broker.holds(delivery)
    delivery = taken(broker)
    side.cut(broker)
    assert not broker.holds(delivery)
    again = taken(broker)
    assert broker.holds(again)
    broker.close()
    assert not broker.holds(again)


def test_a_dropped_delivery_comes_again_and_others_go_on_to_come(side: Side) -> None:
    queue = side.queue()
    side.send(queue, b"1", b"2")
    broker = side.open(queue)
    delivery = taken(broker)
    broker.drop(delivery)
    assert not broker.holds(delivery)
    with pytest.raises(DeliveryGone):
        broker.ack(delivery)
    again = taken(broker)
    assert again.body == b"1"
    assert again.redelivered is True
    broker.ack(again)
    assert taken(broker).body == b"2"
    broker.close()
    broker.drop(again)


def test_a_message_is_set_aside_unchanged_in_a_queue_of_just_that_name(side: Side) -> None:
    queue, aside = side.queue(), side.server.new_name()
    headers = {"laravel": {"attempts": 2}}
    side.send(queue, BODY, headers=headers, correlation_id="a")
    broker = side.open(queue)
    delivery = taken(broker)
    assert broker.depth(queue) == 0
    assert broker.depth(aside) is None
    broker.set_aside(delivery, aside)
    broker.ack(delivery)
    assert broker.depth(aside) == 1
    there = taken(side.open(aside))
    assert there.body == BODY
    assert there.headers == headers
    assert there.correlation_id == "a"


def test_a_report_says_what_is_there_and_what_is_missing(side: Side) -> None:
    queue, missing = side.queue(), side.server.new_name()
    broker = side.open(queue, missing)
    assert broker.next(0.3) is None
    side.wait_for(lambda: broker.report().missing == (missing,), SOON)
    report = broker.report()
    assert report.connected is True
    assert report.reason is None
    assert report.blocked is None
    assert report.refused is None
    broker.close()
    assert not broker.report().connected
