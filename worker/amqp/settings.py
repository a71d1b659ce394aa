"""Where RabbitMQ is, how to get in, and how Laravel's queue driver is set up there."""

from __future__ import annotations

from dataclasses import dataclass, field

from faces.system.address import Address


@dataclass(frozen=True, slots=True)
class Tls:
    """How the broker's certificate is checked, and our own one; files as the driver's `ssl_options` name them."""

    ca_file: str | None = None
    certificate: str | None = None
    key: str | None = None
    passphrase: str | None = field(default=None, repr=False)
    verify_peer: bool = True


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """The way to the broker. All times are seconds."""

    addresses: tuple[Address, ...]
    user: str
    password: str = field(repr=False)
    vhost: str = "/"
    tls: Tls | None = None
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


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """The driver's `options.queue`; the defaults are the driver's."""

    prioritize_delayed: bool = False
    max_priority: int = 10
    quorum: bool = False
    exchange: str = ""
    exchange_type: str = "direct"
    routing_key: str = "%s"
    reroute_failed: bool = False
    failed_exchange: str = ""
    failed_routing_key: str = "%s.failed"
