"""What the tests of the broker share: sending, taking, and the shapes of their fixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from faces.settings import QueueOptions
from tests.servers.rabbitmq import RabbitMQ
from worker.amqp.broker import Broker
from worker.amqp.delivery import Delivery

Wait = Callable[..., None]


class OpenBroker(Protocol):
    def __call__(self, *queues: str, port: int = 0, options: QueueOptions = ..., **settings: Any) -> Broker: ...


class Php(Protocol):
    def __call__(self, *words: str | int) -> Any: ...


def send(rabbitmq: RabbitMQ, queue: str, *bodies: bytes) -> None:
    with rabbitmq.channel() as channel:
        for body in bodies:
            channel.basic_publish("", queue, body)


def take(broker: Broker, seconds: float = 30) -> Delivery:
    delivery = broker.next(seconds)
    assert delivery, broker.state
    return delivery
