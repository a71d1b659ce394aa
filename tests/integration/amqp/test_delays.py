"""Jobs that wait for their time: all arrive, in vhosts of both kinds, also when RabbitMQ is restarted meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from faces.errors import BrokerRefused
from faces.settings import QueueOptions
from tests.integration.amqp.steps import OpenBroker, Wait, send, take
from tests.servers.rabbitmq import RabbitMQ, running_rabbitmq
from worker.amqp.broker import Broker

VHOSTS = ("/", "quorum")


@pytest.fixture(scope="module")
def own_rabbitmq() -> Iterator[RabbitMQ]:
    """A server that may be restarted, with a vhost whose queues are quorum queues unless they say otherwise."""
    with running_rabbitmq() as server:
        server.control("add_vhost", "quorum", "--default-queue-type", "quorum")
        server.control("set_permissions", "-p", "quorum", "guest", ".*", ".*", ".*")
        yield server


@pytest.fixture
def both(own_rabbitmq: RabbitMQ, open_broker: OpenBroker, wait_for: Wait) -> dict[str, Broker]:
    """A broker of ours in each vhost."""
    both = {vhost: open_broker("nothing", port=own_rabbitmq.port, vhost=vhost) for vhost in VHOSTS}
    wait_for(lambda: all(broker.is_connected for broker in both.values()))
    return both


def publish(broker: Broker, queue: str, *bodies: bytes, delay: int) -> None:
    for body in bodies:
        broker.publish(queue, body, correlation_id="7", attempts=1, delay=delay)


@pytest.mark.parametrize("vhost", VHOSTS)
def test_each_of_many_jobs_arrives_that_go_one_by_one_into_the_same_delay_queue(
    own_rabbitmq: RabbitMQ, both: dict[str, Broker], wait_for: Wait, vhost: str
) -> None:
    """For longer than a queue lives that is not renewed, as PHP's in a vhost of quorum queues: twice the delay.

    RabbitMQ looks for quorum queues whose life is over every five seconds.
    """
    queue, broker = own_rabbitmq.new_name(), both[vhost]
    for number in range(8):
        publish(broker, queue, str(number).encode(), delay=4)
        time.sleep(2)
    wait_for(lambda: broker.depth(queue) == 8)


def test_each_delayed_job_arrives_when_rabbitmq_is_restarted_meanwhile(
    own_rabbitmq: RabbitMQ, both: dict[str, Broker], wait_for: Wait
) -> None:
    """In a vhost of classic queues also one whose time comes while RabbitMQ is stopped."""
    late, due = own_rabbitmq.new_name(), own_rabbitmq.new_name()
    bodies = [str(number).encode() for number in range(8)]
    for broker in both.values():
        publish(broker, late, *bodies, delay=45)
    publish(both["/"], due, *bodies, delay=1)
    own_rabbitmq.stop()
    own_rabbitmq.start()
    wait_for(lambda: all(broker.is_connected for broker in both.values()))
    wait_for(lambda: both["/"].depth(due) == 8)
    wait_for(lambda: [broker.depth(late) for broker in both.values()] == [8, 8], 90)


def test_no_change_of_the_options_meets_a_queue_of_other_arguments(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    exchange = f"x-{queue}"
    with rabbitmq.channel() as channel:
        for name in (exchange, f"{exchange}-2"):
            channel.exchange_declare(name, "topic", durable=True)
            channel.queue_bind(queue, name, "#")
    changes = [
        QueueOptions(),
        QueueOptions(exchange=exchange, exchange_type="topic"),
        QueueOptions(exchange=exchange, exchange_type="topic", routing_key="app.%s"),
        QueueOptions(exchange=f"{exchange}-2", exchange_type="topic"),
        QueueOptions(routing_key="app.%s"),
        QueueOptions(quorum=True),
        QueueOptions(prioritize_delayed=True),
        QueueOptions(reroute_failed=True),
    ]
    for options in changes:
        publish(open_broker("nothing", options=options), queue, b"1", delay=60)


def test_what_php_left_under_its_own_name_is_not_met(rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker) -> None:
    rabbitmq.new_queue({"x-message-ttl": 1}, name=f"{queue}.delay.60000")
    publish(open_broker("nothing"), queue, b"1", delay=60)
    assert rabbitmq.depth(f"{queue}.delay.60000.sidecar") == 1


def test_a_name_that_leaves_no_room_for_the_delay_queue_s_is_refused(
    rabbitmq: RabbitMQ, queue: str, open_broker: OpenBroker
) -> None:
    send(rabbitmq, queue, b"1")
    broker, long = open_broker(queue), "q" * 240
    delivery = take(broker)
    with pytest.raises(BrokerRefused, match="1 to 255 bytes, found 260"):
        broker.publish(long, b"1", correlation_id="7", attempts=0, delay=60, for_delivery=delivery)
    broker.publish(long, b"2", correlation_id="7", attempts=0, for_delivery=delivery)
    broker.ack(delivery)
    assert rabbitmq.depth(long) == 1
