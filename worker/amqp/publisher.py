"""What we publish over one connection: declared for, sent as mandatory, and confirmed in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from pika.spec import BasicProperties

from faces.errors import BrokerRefused, BrokerUnavailable
from faces.settings import QueueOptions
from worker.amqp.channel import Channel, ChannelClosed
from worker.amqp.delivery import Delivery, Properties, copied
from worker.amqp.settings import BrokerSettings
from worker.amqp.topology import LONGEST_DELAY, Declarer, target_of
from worker.amqp.transport import Transport

_T = TypeVar("_T")

#: A queue that does not exist: RabbitMQ returns such a message, as soon as it takes messages at all.
_NOWHERE = "face-worker.does-rabbitmq-take-messages"

#: Seconds for which nothing more is published to a queue that cost the connection; after them RabbitMQ may have been
#: set up otherwise.
_FATAL_SECONDS = 60.0

#: The first code that is an error of what was sent; below are the broker's own reasons, as its shutdown.
_FIRST_ERROR = 500


class Fatal:
    """What made RabbitMQ close the whole connection, per queue that was published to.

    Outlives connections: without it the next one would be lost to the same message, and the one after it.
    """

    def __init__(self) -> None:
        self._refusals: dict[str, tuple[float, str]] = {}

    def note(self, queue: str, code: int, why: str) -> None:
        """RabbitMQ closed the connection with this code while something was published to the queue."""
        if code >= _FIRST_ERROR:
            self._refusals[queue] = (time.monotonic() + _FATAL_SECONDS, why)

    def require_none(self, queue: str) -> None:
        """Refuse to publish to a queue for which the connection was lost a moment ago.

        Raises:
            BrokerRefused: with the broker's words.
        """
        until, why = self._refusals.get(queue, (0.0, ""))
        if time.monotonic() < until:
            raise BrokerRefused(f"RabbitMQ closed the connection over what was published to {queue}: {why}")
        self._refusals.pop(queue, None)


class Publisher:
    """Belongs to one connection and its event loop.

    Has a channel of its own: RabbitMQ closes a channel for what it refuses, and a delivery would be lost with it.
    What is asked of a queue raises:

        BrokerRefused: there is no queue for it, or RabbitMQ did not take it.
        BrokerUnavailable: no confirm came, and the connection is gone.
    """

    def __init__(
        self, transport: Transport, declarer: Declarer, settings: BrokerSettings, options: QueueOptions, fatal: Fatal
    ) -> None:
        self._transport = transport
        self._declarer = declarer
        self._settings = settings
        self._options = options
        self._fatal = fatal
        self._channel = Channel(transport)
        self._one_at_a_time = asyncio.Lock()

    async def publish(self, queue: str, body: bytes, properties: Properties, delay: int) -> None:
        """Declare what is needed, publish as Laravel's driver does, and wait for the confirm."""
        await self._in_time(self._publish(queue, body, properties, min(delay, LONGEST_DELAY)), queue)

    async def set_aside(self, delivery: Delivery, queue: str) -> None:
        """Publish a copy to the durable queue of this very name, whatever the options say; created where missing."""
        await self._in_time(self._set_aside(delivery, queue), queue)

    async def copy(self, delivery: Delivery) -> None:
        """Publish a copy to the queue that it came from."""
        await self._in_time(self._send("", delivery.queue, delivery.body, copied(delivery)), delivery.queue)

    async def depth(self, queue: str) -> int | None:
        """How many messages wait in a queue; None where there is none."""
        return await self._in_time(self._declarer.messages_in(queue), queue)

    async def until_it_takes_messages(self) -> bool:
        """Wait for a broker without memory or disk: it accepts the login, and reads no more after our first publish.

        Before a message is taken it also opens the channel that we publish on: a user's limit of channels costs the
        connection.

        Returns False where that cannot be asked: our user may not publish to the default exchange.

        Raises:
            BrokerUnavailable: the connection was lost meanwhile.
        """
        try:
            # A message without a body gets through: RabbitMQ stops reading before the body.
            await self._send("", _NOWHERE, b"?", BasicProperties())
        except BrokerRefused:
            return True
        except ChannelClosed as closed:
            if not closed.code:
                raise BrokerUnavailable(f"lost the connection to RabbitMQ: {closed}") from closed
            return False
        return True

    async def _publish(self, queue: str, body: bytes, properties: Properties, delay: int) -> None:
        target = target_of(queue, self._options)
        await self._declarer.target(target)
        exchange, key = target.exchange, target.routing_key
        if delay > 0:
            exchange, key = "", await self._declarer.delay_queue(queue, delay)
        await self._send(exchange, key, body, properties)

    async def _set_aside(self, delivery: Delivery, queue: str) -> None:
        await self._declarer.plain_queue(queue)
        await self._send("", queue, delivery.body, copied(delivery))

    async def _send(self, exchange: str, routing_key: str, body: bytes, properties: Properties) -> None:
        """One message after the other: what is refused closes the channel, and would take others along."""
        async with self._one_at_a_time:
            self._channel = await self._channel.opened()
            await self._channel.publish(exchange, routing_key, body, properties)

    async def _in_time(self, asking: Coroutine[Any, Any, _T], queue: str) -> _T:
        """The answer to what is asked of a queue; without one in time the connection is dropped."""
        seconds = self._settings.publish_seconds
        try:
            self._fatal.require_none(queue)
        except BrokerRefused:
            asking.close()
            raise
        try:
            return await asyncio.wait_for(asking, seconds)
        except asyncio.TimeoutError:
            blocked = self._transport.blocked
            why = f"it takes no messages ({blocked})" if blocked else "it did not confirm"
            # It may still arrive. That its delivery comes again as well is safe; that it is acked later would not be.
            self._transport.drop(f"{why} within {seconds:g} s")
            raise BrokerUnavailable(f"RabbitMQ did not take a message in {seconds:g} s: {why}") from None
        except ChannelClosed as closed:
            if closed.code:
                raise BrokerRefused(f"RabbitMQ refuses a message to {queue}: {closed}") from closed
            self._fatal.note(queue, closed.connection_code, str(closed))
            raise BrokerUnavailable(f"RabbitMQ went away before it confirmed: {closed}") from closed
