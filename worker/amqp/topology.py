"""Queues and exchanges, their names, arguments and declaration: as Laravel's driver has them, for delays our own."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

from faces.errors import BrokerRefused
from faces.settings import QueueOptions
from worker.amqp.channel import Channel, ChannelClosed
from worker.amqp.transport import Transport

_NOT_FOUND = 404

#: Milliseconds for which a delay queue outlives the last message in it. In a vhost whose default queue type is quorum
#: a new declaration does not renew a queue's life, and a queue takes its messages along.
_SPARE = 3_600_000

#: Seconds: RabbitMQ takes no longer life than 2**32 - 1 milliseconds.
LONGEST_DELAY = (2**32 - 1 - _SPARE) // 1000


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message for a queue is published; `queue` is what is declared for it, None where an exchange routes."""

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


class Declarer:
    """Looks for queues and exchanges first, and creates only what is missing, as Laravel's publisher does.

    One per connection, for its publisher and its intake. Has a channel of its own, because RabbitMQ closes the one on
    which a declaration fails.
    """

    def __init__(self, transport: Transport, options: QueueOptions) -> None:
        self._options = options
        self._channel = Channel(transport)
        self._one_at_a_time = asyncio.Lock()

    async def messages_in(self, queue: str) -> int | None:
        """How many messages wait in a queue; None where there is no such queue.

        Raises:
            BrokerRefused: the queue cannot be looked at.
            ChannelClosed: the connection is gone.
        """
        async with self._one_at_a_time:
            return await self._look(queue)

    async def target(self, target: Target) -> None:
        """Have what a message for the target needs.

        Raises:
            BrokerRefused: it cannot be had.
            ChannelClosed: the connection is gone.
        """
        async with self._one_at_a_time:
            if target.queue is None:
                await self._exchange(target.exchange)
            elif await self._look(target.queue) is None:
                await self._create(target.queue, arguments_of(target.queue, self._options))

    async def plain_queue(self, queue: str) -> None:
        """Have a durable queue of this name, whatever the options say; one that is there is taken as it is.

        Raises:
            BrokerRefused: it cannot be had.
            ChannelClosed: the connection is gone.
        """
        async with self._one_at_a_time:
            if await self._look(queue) is None:
                await self._create(queue, {})

    async def delay_queue(self, queue: str, delay: int) -> str:
        """Have the queue in which jobs of `queue` wait `delay` seconds; returns its name.

        Where the vhost allows it, to declare it keeps it alive: publishing does not, and an expired one takes its
        messages along.

        Raises:
            BrokerRefused: its name is too long, or RabbitMQ refuses to have it.
            ChannelClosed: the connection is gone.
        """
        name = delay_queue_of(queue, delay, self._options)
        async with self._one_at_a_time:
            await self._create(name, delay_arguments_of(queue, delay, self._options))
        return name

    async def _look(self, queue: str) -> int | None:
        try:
            return await (await self._opened()).declare(queue, passive=True)
        except ChannelClosed as closed:
            if closed.code == _NOT_FOUND:
                return None
            raise _refused(queue, closed) from closed

    async def _create(self, queue: str, arguments: dict[str, Any]) -> None:
        try:
            await (await self._opened()).declare(queue, arguments)
        except ChannelClosed as closed:
            raise _refused(queue, closed) from closed

    async def _exchange(self, exchange: str) -> None:
        kind = self._options.exchange_type
        try:
            await (await self._opened()).declare_exchange(exchange, kind, passive=True)
        except ChannelClosed as closed:
            if closed.code != _NOT_FOUND:
                raise _refused(exchange, closed) from closed
        else:
            return
        try:
            await (await self._opened()).declare_exchange(exchange, kind)
        except ChannelClosed as closed:
            raise _refused(exchange, closed) from closed

    async def _opened(self) -> Channel:
        self._channel = await self._channel.opened()
        return self._channel


def _formatted(pattern: str, queue: str) -> str:
    """PHP's `ltrim(sprintf($pattern, $queue), '.')`."""
    return "%".join(part.replace("%s", queue) for part in pattern.split("%%")).lstrip(".")


def _refused(name: str, closed: ChannelClosed) -> Exception:
    """The broker's refusal; or the loss of the connection as it is."""
    return BrokerRefused(f"RabbitMQ refuses {name}: {closed}") if closed.code else closed
