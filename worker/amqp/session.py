"""One open connection, from its opening to its loss: what is taken, published and acked on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from pika.spec import BasicProperties

from faces.errors import BrokerRefused, BrokerUnavailable, DeliveryGone
from worker.amqp.channel import Channel, ChannelClosed, Properties
from worker.amqp.declaring import Declarer
from worker.amqp.delivery import Delivery
from worker.amqp.inbox import Inbox
from worker.amqp.intake import Intake
from worker.amqp.link import Link, reason_of
from worker.amqp.message import copied
from worker.amqp.queues import Queues
from worker.amqp.settings import BrokerSettings, QueueOptions
from worker.amqp.settle import settle
from worker.amqp.topology import LONGEST_DELAY, target_of

log = logging.getLogger(__name__)

#: A quorum queue of RabbitMQ 4 drops a message that came back 20 times; half of that is time for a fresh copy.
_RETURNS_BEFORE_A_COPY = 10

#: Seconds to give back what nobody took, and for the closing handshake.
_CLOSE_SECONDS = 5.0

#: Where nobody listens: RabbitMQ returns such a message, as soon as it takes messages at all.
_NOWHERE = "face-worker.does-rabbitmq-take-messages"


class Session:
    """Belongs to the event loop of its connection."""

    def __init__(
        self, link: Link, queues: Queues, inbox: Inbox, settings: BrokerSettings, options: QueueOptions
    ) -> None:
        self._link = link
        self._settings = settings
        self._options = options
        self._declarer = Declarer(link, options)
        self._publisher: Channel | None = None
        self.intake = Intake(link, self._declarer, queues, inbox, settings)
        self.blocked: str | None = None
        """Why RabbitMQ reads nothing from us, in its words; None while it does."""
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when the connection is gone; the reason."""
        link.add_on_close_callback(lambda _, error: settle(self.lost, reason_of(error)))
        link.add_on_connection_blocked_callback(lambda _, frame: self._block(frame.method.reason))
        link.add_on_connection_unblocked_callback(lambda _, __: self._block(None))

    async def run(self) -> str:
        """Take messages, where wanted, until the connection is lost; returns why."""
        taking = asyncio.create_task(self.intake.run())
        try:
            await asyncio.wait((taking, self.lost), return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                with suppress(ChannelClosed):
                    taking.result()
            return await self.lost
        finally:
            taking.cancel()

    def drop(self) -> None:
        """End it at once, if it has not ended."""
        self._link.drop("this session is over")

    async def until_it_takes_messages(self) -> None:
        """Wait for a broker without memory: it lets us in, and reads no more after our first publish.

        Raises:
            BrokerUnavailable: the connection was lost meanwhile.
        """
        try:
            # A message without a body gets through: RabbitMQ stops reading before the body.
            await (await self._own_channel()).publish("", _NOWHERE, b"?", BasicProperties())
        except BrokerRefused:
            return
        except ChannelClosed as closed:
            raise BrokerUnavailable(f"lost the connection to RabbitMQ: {closed}") from closed

    def channel_of(self, delivery: Delivery) -> Channel:
        """The delivery's channel.

        Raises:
            DeliveryGone: it is gone.
        """
        channel = self.intake.channel
        if channel is None or not channel.is_open or channel.number != delivery.channel:
            raise gone(delivery)
        return channel

    async def kept_from_dropping(self, delivery: Delivery) -> Delivery | None:
        """The delivery itself; None where it came back so often that a fresh copy had to take its place.

        Raises:
            BrokerUnavailable, DeliveryGone: it is not ours any more.
        """
        channel = self.channel_of(delivery)
        if delivery.times_returned < _RETURNS_BEFORE_A_COPY:
            return delivery
        copying = channel.publish("", delivery.queue, delivery.body, copied(delivery))
        try:
            await self._in_time(copying, delivery)
        except BrokerRefused as error:
            log.warning("a message came back %d times, and no copy was taken: %s", delivery.times_returned, error)
            return delivery
        channel.ack(delivery.tag)
        return None

    async def publish(
        self, queue: str, body: bytes, properties: Properties, delay: int, for_delivery: Delivery | None
    ) -> None:
        """Declare what is needed, publish, and wait for the confirm.

        On the delivery's own channel, where there is one: when RabbitMQ has closed that, it takes nothing more from it.

        Raises:
            BrokerRefused: there is no queue for it, or RabbitMQ did not take it.
            BrokerUnavailable: no confirm came, and the connection is gone.
            DeliveryGone: the delivery's channel is gone.
        """
        channel = self.channel_of(for_delivery) if for_delivery else None
        await self._in_time(self._publish(channel, queue, body, properties, min(delay, LONGEST_DELAY)), for_delivery)

    async def close(self) -> None:
        """Give back what nobody took, and say goodbye; without an answer, go all the same."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._say_goodbye(), _CLOSE_SECONDS)
        self.drop()

    async def _say_goodbye(self) -> None:
        await self.intake.pause()
        if self._link.is_open:
            self._link.close()
        await self.lost

    async def _publish(
        self, channel: Channel | None, queue: str, body: bytes, properties: Properties, delay: int
    ) -> None:
        target = target_of(queue, self._options)
        await self._declarer.target(target)
        exchange, key = target.exchange, target.routing_key
        if delay > 0:
            exchange, key = "", await self._declarer.delay_queue(queue, delay)
        await (channel or await self._own_channel()).publish(exchange, key, body, properties)

    async def _own_channel(self) -> Channel:
        """For what is published on behalf of no delivery."""
        if self._publisher is None or not self._publisher.is_open:
            self._publisher = await Channel.open(self._link)
        return self._publisher

    async def _in_time(self, publishing: Coroutine[Any, Any, None], for_delivery: Delivery | None) -> None:
        seconds = self._settings.publish_seconds
        try:
            await asyncio.wait_for(publishing, seconds)
        except asyncio.TimeoutError:
            why = f"it takes no messages ({self.blocked})" if self.blocked else "it did not confirm"
            # It may still arrive. That its delivery comes again as well is safe; that it is acked later would not be.
            self._link.drop(f"{why} within {seconds:g} s")
            raise BrokerUnavailable(f"RabbitMQ did not take a message in {seconds:g} s: {why}") from None
        except ChannelClosed as closed:
            if not closed.code:
                raise BrokerUnavailable(f"RabbitMQ went away before it confirmed: {closed}") from closed
            if for_delivery:
                raise gone(for_delivery, str(closed)) from closed
            raise BrokerRefused(f"RabbitMQ refuses a message: {closed}") from closed

    def _block(self, reason: str | None) -> None:
        self.blocked = reason


def gone(delivery: Delivery, why: str = "its channel was closed") -> DeliveryGone:
    """What is said of a delivery that is not ours any more."""
    return DeliveryGone(f"the message from {delivery.queue} is not ours any more and comes again: {why}")
