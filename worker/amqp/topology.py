"""Names and arguments of queues as Laravel's driver makes them: RabbitMQ refuses who declares them otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from worker.amqp.settings import QueueOptions

#: Seconds. A delay queue lives twice as long, and RabbitMQ takes no longer life than 2**32 - 1 milliseconds.
LONGEST_DELAY = 2**32 // 2000


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message for a queue goes; `queue` is what the publisher declares, None where an exchange routes."""

    exchange: str
    routing_key: str
    queue: str | None


def target_of(queue: str, options: QueueOptions) -> Target:
    """Where the driver publishes a job of `queue`."""
    key = _formatted(options.routing_key, queue)
    return Target(options.exchange, key, None if options.exchange else key)


def arguments_of(queue: str, options: QueueOptions) -> dict[str, Any]:
    """The arguments of a main queue that is created; quorum queues know no such priority."""
    arguments: dict[str, Any] = {}
    if options.prioritize_delayed and not options.quorum:
        arguments["x-max-priority"] = options.max_priority
    if options.reroute_failed:
        arguments["x-dead-letter-exchange"] = options.failed_exchange
        arguments["x-dead-letter-routing-key"] = _formatted(options.failed_routing_key, queue)
    if options.quorum:
        arguments["x-queue-type"] = "quorum"
    return arguments


def delay_queue_of(queue: str, delay: int) -> str:
    """The queue in which a job of `queue` waits `delay` seconds."""
    return f"{queue}.delay.{delay * 1000}"


def delay_arguments_of(queue: str, delay: int, options: QueueOptions) -> dict[str, Any]:
    """The arguments of that queue: after the delay it hands over to where `queue` is published to."""
    return {
        "x-dead-letter-exchange": options.exchange,
        "x-dead-letter-routing-key": _formatted(options.routing_key, queue),
        "x-message-ttl": delay * 1000,
        "x-expires": delay * 2000,
    }


def _formatted(pattern: str, queue: str) -> str:
    """PHP's `ltrim(sprintf($pattern, $queue), '.')`."""
    return "%".join(part.replace("%s", queue) for part in pattern.split("%%")).lstrip(".")
