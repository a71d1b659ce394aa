"""Names and arguments of queues: the main ones as Laravel's driver makes them, those of delays our own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from worker.amqp.settings import QueueOptions

#: Milliseconds for which a delay queue outlives the last message in it. In a vhost whose default queue type is quorum
#: a new declaration does not renew a queue's life, and a queue takes its messages along.
_SPARE = 3_600_000

#: Seconds: RabbitMQ takes no longer life than 2**32 - 1 milliseconds.
LONGEST_DELAY = (2**32 - 1 - _SPARE) // 1000


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


def delay_queue_of(queue: str, delay: int, options: QueueOptions) -> str:
    """The queue in which a job of `queue` waits `delay` seconds: ours alone, PHP declares its own otherwise.

    All that its arguments depend on is in its name, so that no change of settings meets a queue of other arguments.
    """
    name = f"{queue}.delay.{delay * 1000}.sidecar"
    target = target_of(queue, options)
    if (target.exchange, target.routing_key) == ("", queue):
        return name
    place = f"{target.exchange}\0{target.routing_key}".encode("utf-8", "surrogatepass")
    return f"{name}.{hashlib.sha256(place).hexdigest()[:8]}"


def delay_arguments_of(queue: str, delay: int, options: QueueOptions) -> dict[str, Any]:
    """The arguments of that queue: after the delay it hands over to where `queue` is published to."""
    target = target_of(queue, options)
    return {
        "x-queue-type": "classic",
        "x-dead-letter-exchange": target.exchange,
        "x-dead-letter-routing-key": target.routing_key,
        "x-message-ttl": delay * 1000,
        "x-expires": delay * 1000 + _SPARE,
    }


def _formatted(pattern: str, queue: str) -> str:
    """PHP's `ltrim(sprintf($pattern, $queue), '.')`."""
    return "%".join(part.replace("%s", queue) for part in pattern.split("%%")).lstrip(".")
