"""What networks do to a connection, and that it is there again afterwards."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from threading import Timer

import pytest

from faces.errors import BrokerUnavailable, DeliveryGone
from faces.system.address import Address
from tests.integration.amqp.steps import OpenBroker, Wait, send, take
from tests.servers.proxy import Proxy, running_proxy
from tests.servers.rabbitmq import RabbitMQ, free_port


def spin(seconds: float) -> None:
    """Work as a job does that leaves other threads little time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_it_waits_for_a_broker_that_is_not_there_yet(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker
) -> None:
    send(rabbitmq, queue, b"1")
    proxy.cut()
    broker = open_broker(queue, port=proxy.port)
    assert broker.next(2) is None
    assert "Connection refused" in broker.state
    proxy.heal()
    assert take(broker).body == b"1"


def test_a_half_open_connection_is_noticed_by_its_heartbeats(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker, wait_for: Wait
) -> None:
    send(rabbitmq, queue, b"1")
    broker = open_broker(queue, port=proxy.port, heartbeat=1, connect_seconds=2, publish_seconds=60)
    delivery = take(broker)
    proxy.swallow()
    with pytest.raises(BrokerUnavailable, match="before it confirmed"):
        broker.publish(queue, b"2", correlation_id="7", attempts=0, for_delivery=delivery)
    wait_for(lambda: "did not answer within 2 s" in broker.state)
    proxy.heal()
    assert take(broker, 60).body in {b"1", b"2"}


def test_a_publish_into_a_black_hole_ends_in_time(
    queue: str, proxy: Proxy, open_broker: OpenBroker, wait_for: Wait
) -> None:
    broker = open_broker(queue, port=proxy.port, publish_seconds=1)
    wait_for(lambda: broker.is_connected)
    proxy.swallow()
    with pytest.raises(BrokerUnavailable, match="did not confirm"):
        broker.publish(queue, b"2", correlation_id="7", attempts=0)
    wait_for(lambda: not broker.is_connected)


def test_closing_does_not_wait_for_a_black_hole(
    queue: str, proxy: Proxy, open_broker: OpenBroker, wait_for: Wait
) -> None:
    broker = open_broker(queue, port=proxy.port)
    wait_for(lambda: broker.is_connected)
    proxy.swallow()
    broker.close()
    assert not broker.is_connected


def test_closing_does_not_wait_for_a_connection_that_is_just_made(
    queue: str, proxy: Proxy, open_broker: OpenBroker, wait_for: Wait
) -> None:
    proxy.swallow()
    broker = open_broker(queue, port=proxy.port)
    wait_for(lambda: proxy.accepted)
    broker.close()
    assert not broker.is_connected


def test_a_slow_network_is_no_dead_one(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker, wait_for: Wait
) -> None:
    proxy.delay = 0.2
    broker = open_broker(queue, port=proxy.port, heartbeat=2)
    wait_for(lambda: broker.is_connected)
    broker.publish(queue, b"1", correlation_id="7", attempts=0)
    broker.ack(take(broker))
    assert proxy.accepted == 1


def test_heartbeats_go_on_while_a_job_runs(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker, wait_for: Wait
) -> None:
    """RabbitMQ ends a connection that is silent for twice its heartbeat; here it is busy for seven of them."""
    broker = open_broker(queue, port=proxy.port, heartbeat=1)
    send(rabbitmq, queue, b"1")
    delivery = take(broker)
    spin(7)
    broker.ack(delivery)
    broker.close()
    assert proxy.accepted == 1
    assert rabbitmq.depth(queue) == 0


@pytest.mark.long
def test_a_job_of_90_seconds_keeps_its_message_under_a_heartbeat_of_10(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker
) -> None:
    broker = open_broker(queue, port=proxy.port, heartbeat=10)
    send(rabbitmq, queue, b"1")
    delivery = take(broker)
    spin(90)
    broker.publish(queue, b"2", correlation_id="7", attempts=1, for_delivery=delivery)
    broker.ack(delivery)
    assert take(broker).body == b"2"
    assert proxy.accepted == 1


def test_something_else_than_rabbitmq_is_told_apart(open_broker: OpenBroker, wait_for: Wait) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        broker = open_broker("faces", port=listener.getsockname()[1])
        client, _ = listener.accept()
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        client.close()
        wait_for(lambda: "speaks something else than AMQP" in broker.state)
        broker.close()


def test_through_many_cuts_no_message_is_lost_and_every_release_arrives(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker
) -> None:
    """Each is released once, then acked; a cut may double one, which the job must bear anyway."""
    bodies = {str(number).encode() for number in range(150)}
    send(rabbitmq, queue, *bodies)
    broker = open_broker(queue, port=proxy.port, longest_pause=0.05)
    done: set[bytes] = set()
    taken = 0
    while done != bodies or rabbitmq.depth(queue):
        delivery = take(broker)
        taken += 1
        if taken % 13 == 0:
            Timer(0.001, proxy.reset).start()
        with suppress(DeliveryGone, BrokerUnavailable):
            if "laravel" in delivery.headers:
                broker.ack(delivery)
                done.add(delivery.body)
            else:
                broker.publish(queue, delivery.body, correlation_id="7", attempts=1, for_delivery=delivery)
                broker.ack(delivery)
    assert proxy.accepted > 20


def test_of_several_hosts_the_next_is_taken_when_one_goes(
    rabbitmq: RabbitMQ, queue: str, proxy: Proxy, open_broker: OpenBroker, wait_for: Wait
) -> None:
    unused = Address("127.0.0.1", free_port())
    with running_proxy(rabbitmq.port) as second:
        addresses = (unused, Address("127.0.0.1", proxy.port), Address("127.0.0.1", second.port))
        broker = open_broker(queue, port=proxy.port, addresses=addresses)
        wait_for(lambda: broker.is_connected)
        used, left = (proxy, second) if proxy.accepted else (second, proxy)
        used.cut()
        wait_for(lambda: left.accepted)
        send(rabbitmq, queue, b"1")
        assert take(broker).body == b"1"
        left.cut()
        wait_for(lambda: broker.state.count("Connection refused") == len(addresses))
