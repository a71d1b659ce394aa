"""Takes messages off the queues, one at a time: one queue is pushed to us, several are asked in their order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Collection, Coroutine, Iterator, Sequence
from typing import Any

from faces.errors import BrokerRefused, BrokerUnavailable, DeliveryGone
from worker.amqp.channel import ACK, GIVE_BACK, Channel, ChannelClosed
from worker.amqp.delivery import Delivery
from worker.amqp.publisher import Publisher
from worker.amqp.report import Troubles
from worker.amqp.settings import BrokerSettings
from worker.amqp.topology import Declarer
from worker.amqp.transport import CLOSE_SECONDS, Transport

log = logging.getLogger(__name__)

#: Seconds between two looks for a queue that is not there; each leaves a line in RabbitMQ's log.
_MISSING_PAUSE = 3.0

#: A quorum queue of RabbitMQ 4 drops a message that came back 20 times, however: nack, lost channel, lost connection.
RETURNS_BEFORE_A_COPY = 5


class Queues:
    """Which queues messages are taken from: in their order, some may be skipped for a while. Threads may share it."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._skipped: frozenset[str] = frozenset()

    def skip(self, names: Collection[str]) -> None:
        """Skip these from now on, and no others."""
        self._skipped = frozenset(names)

    @property
    def open(self) -> tuple[str, ...]:
        """Those that are not skipped now."""
        return tuple(name for name in self.names if name not in self._skipped)


class Inbox:
    """Where a delivery waits, between the connection that took it and the job's thread that asks for it.

    Belongs to the event loop. Outlives connections; what is taken out is asked whether it is still ours.
    """

    def __init__(self) -> None:
        self.hungry = asyncio.Event()
        """Set while a delivery is waited for and there is none."""
        self._arrived = asyncio.Event()
        self._deliveries: deque[Delivery] = deque()

    def put(self, delivery: Delivery) -> None:
        """What the channel calls as a delivery arrives."""
        self._deliveries.append(delivery)
        self.hungry.clear()
        self._arrived.set()

    async def take(self, seconds: float) -> Delivery | None:
        """The oldest delivery, waited for so long; None where there is none."""
        if not self._deliveries:
            self._arrived.clear()
            self.hungry.set()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), max(seconds, 0))
            self.hungry.clear()
        return self._deliveries.popleft() if self._deliveries else None

    def empty(self) -> list[Delivery]:
        """All that are left, taken out."""
        left = list(self._deliveries)
        self._deliveries.clear()
        return left


class Intake:
    """What takes messages over one connection, and the channel on which they come and are settled.

    Belongs to the event loop. A worker never creates a queue by reading it: a missing one is waited for, and logged
    once.
    """

    def __init__(
        self,
        transport: Transport,
        declarer: Declarer,
        publisher: Publisher,
        queues: Queues,
        inbox: Inbox,
        settings: BrokerSettings,
    ) -> None:
        self._transport = transport
        self._declarer = declarer
        self._publisher = publisher
        self._queues = queues
        self._inbox = inbox
        self._settings = settings
        self._wanted, self._unwanted, self._idle = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._unwanted.set()
        self._idle.set()
        self._said: str | None = None
        self.troubles = Troubles()
        """Which queues nothing can be taken from."""
        self.channel = Channel(transport, inbox.put)
        """On which deliveries come, and are settled; a new one after each that RabbitMQ closed, or we dropped."""

    def resume(self) -> None:
        """Take messages, from now on and after `pause`."""
        self._unwanted.clear()
        self._wanted.set()

    async def pause(self) -> None:
        """Take none, and give back those that were not asked for yet; the delivery in hand stays ours."""
        self._wanted.clear()
        self._unwanted.set()
        await self._idle.wait()

    async def run(self) -> None:
        """Take messages, where wanted, until the connection is lost.

        Raises:
            ChannelClosed: it was lost.
        """
        while True:
            await self._wanted.wait()
            self._idle.clear()
            try:
                await self._take()
            except ChannelClosed as closed:
                if not self._transport.is_open:
                    raise
                if closed.code:
                    self._say(f"RabbitMQ closed our channel: {closed}")
                    await self._rest(_MISSING_PAUSE)
            finally:
                await self._give_back()
                self._idle.set()

    async def kept(self, delivery: Delivery) -> Delivery | None:
        """The delivery itself; None where it came back so often that a fresh copy had to take its place.

        Raises:
            BrokerUnavailable, DeliveryGone: it is not ours any more.
        """
        self.channel.require(delivery)
        if delivery.times_returned < RETURNS_BEFORE_A_COPY:
            return delivery
        try:
            await self._publisher.copy(delivery)
        except BrokerRefused as error:
            log.warning("a message came back %d times, and no copy was taken: %s", delivery.times_returned, error)
            return delivery
        self.channel.settle(delivery, ACK)
        return None

    async def drop(self, delivery: Delivery) -> None:
        """Close the delivery's channel, so that RabbitMQ has it back; without an answer, the connection."""
        if self.channel.number != delivery.channel:
            return
        try:
            await asyncio.wait_for(self.channel.drop(), CLOSE_SECONDS)
        except asyncio.TimeoutError:
            self._transport.drop(f"RabbitMQ did not take a message back within {CLOSE_SECONDS:g} s")

    async def _take(self) -> None:
        first, *others = self._queues.names
        if others:
            await self._poll(await self._opened())
        elif await self._messages_in(first) is None:
            await self._rest(_MISSING_PAUSE)
        else:
            await self._consume(await self._opened(), first)

    async def _consume(self, channel: Channel, queue: str) -> None:
        with self._refusals_of(queue):
            consumer = await channel.consume(queue)
        self._said = None
        await self._first(self._unwanted.wait(), channel.cancelled, channel.closed)
        if channel.closed.done():
            raise channel.closed.result()
        if not channel.cancelled.done():
            await channel.cancel(consumer)

    async def _poll(self, channel: Channel) -> None:
        """Basic.get from the first queue that has something: the order is kept for each message, none is hoarded."""
        while not self._unwanted.is_set():
            await self._first(self._unwanted.wait(), self._inbox.hungry.wait(), channel.closed)
            if channel.closed.done():
                raise channel.closed.result()
            if self._inbox.hungry.is_set() and not await self._get_first(channel):
                await self._rest(self._settings.poll_seconds)

    async def _get_first(self, channel: Channel) -> bool:
        for queue in self._queues.open:
            if await self._messages_in(queue) or self._is_to_be_tried(queue):
                with self._refusals_of(queue):
                    taken = await channel.get(queue)
                if taken:
                    return True
        return False

    def _is_to_be_tried(self, queue: str) -> bool:
        """Whether only an attempt tells if the queue is still refused."""
        return self.troubles.has_refused(queue) and not self.troubles.put_off(queue)

    async def _messages_in(self, queue: str) -> int | None:
        """How many messages wait in it; None where it is missing or refused, or was so a moment ago."""
        if self.troubles.put_off(queue):
            return None
        try:
            messages = await self._declarer.messages_in(queue)
        except BrokerRefused as error:
            self.troubles.is_refused(queue, str(error), self._settings.longest_pause)
            return None
        if messages is None:
            self.troubles.is_missing(queue, _MISSING_PAUSE * 0.9)
        else:
            self.troubles.is_there(queue)
        return messages

    @contextlib.contextmanager
    def _refusals_of(self, queue: str) -> Iterator[None]:
        """Around what takes from one queue: no other one may wait for what this one refuses."""
        try:
            yield
        except ChannelClosed as closed:
            if closed.code:
                why = f"RabbitMQ closed our channel: {closed}"
                self._said = why
                self.troubles.is_refused(queue, why, self._settings.longest_pause)
            raise
        self.troubles.is_open(queue)

    async def _opened(self) -> Channel:
        self.channel = await self.channel.opened()
        return self.channel

    async def _give_back(self) -> None:
        """What was not asked for; on a closed channel it is back in its queue already."""
        for delivery in self._inbox.empty():
            with contextlib.suppress(BrokerUnavailable, DeliveryGone, ChannelClosed):
                if await self.kept(delivery):
                    self.channel.settle(delivery, GIVE_BACK)

    def _say(self, why: str) -> None:
        """Log why nothing can be taken; once, as long as it stays so."""
        if why != self._said:
            log.warning("%s", why)
        self._said = why

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._unwanted.wait(), seconds)

    @staticmethod
    async def _first(*events: asyncio.Future[Any] | Coroutine[Any, Any, Any]) -> None:
        """Wait for one of these, and leave the others as they are."""
        waits = [asyncio.ensure_future(event) for event in events]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for event, wait in zip(events, waits, strict=True):
                if event is not wait:
                    wait.cancel()
