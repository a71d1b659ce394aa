"""One open connection, from its opening to its loss: what is taken, published and acked on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from pika.spec import BasicProperties

from faces.errors import BrokerRefused, BrokerUnavailable, DeliveryGone
from worker.amqp.channel import Channel, ChannelClosed
from worker.amqp.declaring import Declarer
from worker.amqp.delivery import Delivery, Properties, copied
from worker.amqp.fatal import Fatal
from worker.amqp.inbox import Inbox
from worker.amqp.intake import Intake
from worker.amqp.queues import Queues
from worker.amqp.settings import BrokerSettings, QueueOptions
from worker.amqp.settle import settle
from worker.amqp.topology import LONGEST_DELAY, target_of
from worker.amqp.transport import Link, reason_of

log = logging.getLogger(__name__)

_T = TypeVar("_T")

#: A quorum queue of RabbitMQ 4 drops a message that came back 20 times, however: nack, lost channel, lost connection.
_RETURNS_BEFORE_A_COPY = 5

#: Seconds to give back what nobody took, and for the closing handshake.
_CLOSE_SECONDS = 5.0

#: Seconds between two questions, while nothing else is published, whether RabbitMQ takes messages.
_ASK_SECONDS = 20.0

#: Where nobody listens: RabbitMQ returns such a message, as soon as it takes messages at all.
_NOWHERE = "face-worker.does-rabbitmq-take-messages"


class Session:
    """Belongs to the event loop of its connection."""

    def __init__(
        self, link: Link, queues: Queues, inbox: Inbox, settings: BrokerSettings, options: QueueOptions, fatal: Fatal
    ) -> None:
        self._link = link
        self._settings = settings
        self._options = options
        self._declarer = Declarer(link, options)
        self._fatal = fatal
        self._publisher: Channel | None = None
        self._one_at_a_time = asyncio.Lock()
        self.intake = Intake(link, self._declarer, queues, inbox, settings, self.kept_from_dropping)
        self.blocked: str | None = None
        """Why RabbitMQ reads nothing from us, in its words; None while it does."""
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when the connection is gone; the reason."""
        link.add_on_close_callback(lambda _, error: settle(self.lost, reason_of(error)))
        link.add_on_connection_blocked_callback(lambda _, frame: self._block(frame.method.reason))
        link.add_on_connection_unblocked_callback(lambda _, __: self._block(None))

    async def run(self) -> str:
        """Take messages, where wanted, until the connection is lost; returns why."""
        tasks = [asyncio.create_task(self.intake.run()), asyncio.create_task(self._ask_now_and_then())]
        try:
            await asyncio.wait((tasks[0], self.lost), return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                with suppress(ChannelClosed):
                    tasks[0].result()
            return await self.lost
        finally:
            for task in tasks:
                task.cancel()

    def drop(self) -> None:
        """End it at once, if it has not ended."""
        self._link.drop("this session is over")

    async def until_it_takes_messages(self) -> bool:
        """Wait for a broker without memory or disk: it lets us in, and reads no more after our first publish.

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

    def channel_of(self, delivery: Delivery) -> Channel:
        """The delivery's channel.

        Raises:
            DeliveryGone: it is gone, or the delivery is settled.
        """
        channel = self.intake.channel
        if channel is None or not channel.is_open or channel.number != delivery.channel:
            raise gone(delivery)
        if not channel.holds(delivery.tag):
            raise DeliveryGone(f"the message from {delivery.queue} was acked, rejected or given back before")
        return channel

    def holds(self, delivery: Delivery) -> bool:
        """Whether it is ours, and not settled."""
        channel = self.intake.channel
        return channel is not None and channel.number == delivery.channel and channel.holds(delivery.tag)

    async def give_up(self, delivery: Delivery) -> None:
        """Close the delivery's channel, so that RabbitMQ has it back; without an answer, the connection."""
        channel = self.intake.channel
        if channel is None or channel.number != delivery.channel:
            return
        try:
            await asyncio.wait_for(channel.drop(), _CLOSE_SECONDS)
        except asyncio.TimeoutError:
            self._link.drop(f"RabbitMQ did not take a message back within {_CLOSE_SECONDS:g} s")

    async def kept_from_dropping(self, delivery: Delivery) -> Delivery | None:
        """The delivery itself; None where it came back so often that a fresh copy had to take its place.

        Raises:
            BrokerUnavailable, DeliveryGone: it is not ours any more.
        """
        self.channel_of(delivery)
        if delivery.times_returned < _RETURNS_BEFORE_A_COPY:
            return delivery
        try:
            await self._in_time(self._send("", delivery.queue, delivery.body, copied(delivery)), delivery.queue)
        except BrokerRefused as error:
            log.warning("a message came back %d times, and no copy was taken: %s", delivery.times_returned, error)
            return delivery
        self.channel_of(delivery).ack(delivery.tag)
        return None

    async def publish(
        self, queue: str, body: bytes, properties: Properties, delay: int, for_delivery: Delivery | None
    ) -> None:
        """Declare what is needed, publish, and wait for the confirm.

        Never on the delivery's own channel: RabbitMQ closes a channel for what it refuses, and a delivery goes with it.

        Raises:
            BrokerRefused: there is no queue for it, or RabbitMQ did not take it.
            BrokerUnavailable: no confirm came, and the connection is gone.
            DeliveryGone: the delivery's channel is gone.
        """
        if for_delivery:
            self.channel_of(for_delivery)
        await self._in_time(self._publish(queue, body, properties, min(delay, LONGEST_DELAY)), queue)

    async def set_aside(self, delivery: Delivery, queue: str) -> None:
        """The delivery's message to the queue of this very name, past all options; raises as `publish`."""
        self.channel_of(delivery)
        await self._in_time(self._set_aside(delivery, queue), queue)

    async def depth(self, queue: str) -> int | None:
        """How many messages wait in a queue; None where there is none.

        Raises:
            BrokerRefused: the queue cannot be looked at.
            BrokerUnavailable: the connection is gone.
        """
        return await self._in_time(self._declarer.messages_in(queue), queue)

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
        """On the publisher's channel, one after the other: what is refused closes it, and would take others along."""
        async with self._one_at_a_time:
            await (await self._own_channel()).publish(exchange, routing_key, body, properties)

    async def _own_channel(self) -> Channel:
        if self._publisher is None or not self._publisher.is_open:
            self._publisher = await Channel.open(self._link)
        return self._publisher

    async def _ask_now_and_then(self) -> None:
        """Find out that RabbitMQ takes no messages also where none is published: it says so only to who does.

        Not while a job runs, whose ack would then wait, too.
        """
        with suppress(BrokerUnavailable):
            while True:
                await asyncio.sleep(_ASK_SECONDS)
                if self.intake.channel and self.intake.channel.has_unsettled:
                    continue
                if not await self.until_it_takes_messages():
                    return

    async def _in_time(self, asking: Coroutine[Any, Any, _T], queue: str) -> _T:
        """What was asked of a queue; the connection goes where there is no answer in time."""
        seconds = self._settings.publish_seconds
        try:
            self._fatal.require_none(queue)
        except BrokerRefused:
            asking.close()
            raise
        try:
            return await asyncio.wait_for(asking, seconds)
        except asyncio.TimeoutError:
            why = f"it takes no messages ({self.blocked})" if self.blocked else "it did not confirm"
            # It may still arrive. That its delivery comes again as well is safe; that it is acked later would not be.
            self._link.drop(f"{why} within {seconds:g} s")
            raise BrokerUnavailable(f"RabbitMQ did not take a message in {seconds:g} s: {why}") from None
        except ChannelClosed as closed:
            if closed.code:
                raise BrokerRefused(f"RabbitMQ refuses a message to {queue}: {closed}") from closed
            self._fatal.note(queue, closed.connection_code, str(closed))
            raise BrokerUnavailable(f"RabbitMQ went away before it confirmed: {closed}") from closed

    def _block(self, reason: str | None) -> None:
        if reason:
            log.warning("RabbitMQ takes no messages: %s", reason)
        else:
            log.info("RabbitMQ takes messages again")
        self.blocked = reason


def gone(delivery: Delivery, why: str = "its channel was closed") -> DeliveryGone:
    """What is said of a delivery that is not ours any more."""
    return DeliveryGone(f"the message from {delivery.queue} is not ours any more and comes again: {why}")
