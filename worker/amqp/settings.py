"""The app's RabbitMQ and the patience that we have with it."""

from __future__ import annotations

from dataclasses import dataclass

from faces.laravel.app_rabbitmq import RabbitMQ


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """The way to the broker. All times are seconds."""

    rabbitmq: RabbitMQ
    heartbeat: int = 20
    """What is agreed with the broker, or less where it wants less. A dead peer is noticed within twice this and ten
    seconds more."""
    connect_seconds: float = 15
    """For one node, from the TCP connection to the opened AMQP channel."""
    publish_seconds: float = 30
    """From the first declaration to the confirm; a blocked broker is waited for no longer."""
    longest_pause: float = 30
    """Between two attempts to connect, or to find a queue that is not there."""
    poll_seconds: float = 0.5
    """Between two looks into several empty queues; a single queue is pushed to us."""
