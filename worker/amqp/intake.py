"""Takes messages off the queues, one at a time: one queue is pushed to us, several are asked in their order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from faces.errors import BrokerRefused, BrokerUnavailable, DeliveryGone
from worker.amqp.channel import Channel, ChannelClosed
from worker.amqp.declaring import Declarer
from worker.amqp.delivery import Delivery
from worker.amqp.inbox import Inbox
from worker.amqp.queues import Queues
from worker.amqp.settings import BrokerSettings
from worker.amqp.transport import Link
from worker.amqp.troubles import Troubles

log = logging.getLogger(__name__)

#: Seconds between two looks for a queue that is not there; each leaves a line in RabbitMQ's log.
_MISSING_PAUSE = 3.0


class Intake:
    """Of one connection. A worker never creates a queue by reading it: a missing one is waited for, and said once."""

    def __init__(
        self,
        link: Link,
        declarer: Declarer,
        queues: Queues,
        inbox: Inbox,
        settings: BrokerSettings,
        kept_from_dropping: Callable[[Delivery], Awaitable[Delivery | None]],
    ) -> None:
        self._link = link
        self._declarer = declarer
        self._queues = queues
        self._inbox = inbox
        self._settings = settings
        self._kept_from_dropping = kept_from_dropping
        self._wanted, self._unwanted, self._idle = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._unwanted.set()
        self._idle.set()
        self._said: str | None = None
        self.troubles = Troubles()
        """Which queues nothing can be taken from."""
        self.channel: Channel | None = None
        """On which deliveries come, and are acked; a new one after each that RabbitMQ closed, or we dropped."""

    def resume(self) -> None:
        """Take messages, from now on and after `pause`."""
        self._unwanted.clear()
        self._wanted.set()

    async def pause(self) -> None:
        """Take none, and give back those that nobody asked for; the delivery in hand stays ours."""
        self._wanted.clear()
        self._unwanted.set()
        await self._idle.wait()

    async def run(self) -> None:
        """Do so until the connection goes.

        Raises:
            ChannelClosed: it went.
        """
        while True:
            await self._wanted.wait()
            self._idle.clear()
            try:
                await self._take()
            except ChannelClosed as closed:
                if not self._link.is_open:
                    raise
                if closed.code:
                    self._say(f"RabbitMQ closed our channel: {closed}")
                    await self._rest(_MISSING_PAUSE)
            finally:
                await self._give_back()
                self._idle.set()

    async def _take(self) -> None:
        first, *others = self._queues.names
        if others:
            await self._poll(await self._open_channel())
        elif await self._messages_in(first) is None:
            await self._rest(_MISSING_PAUSE)
        else:
            await self._consume(await self._open_channel(), first)

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
        """As the declarer says; None also for one that was missing or refused a moment ago."""
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
        """Around what takes from one queue: no other one is to wait for what this one refuses."""
        try:
            yield
        except ChannelClosed as closed:
            if closed.code:
                why = f"RabbitMQ closed our channel: {closed}"
                self._said = why
                self.troubles.is_refused(queue, why, self._settings.longest_pause)
            raise
        self.troubles.is_open(queue)

    async def _open_channel(self) -> Channel:
        if self.channel is None or not self.channel.is_open:
            self.channel = await Channel.open(self._link, self._inbox.put)
        return self.channel

    async def _give_back(self) -> None:
        """What nobody took; on a channel that is gone it has gone back by itself."""
        for delivery in self._inbox.empty():
            with contextlib.suppress(BrokerUnavailable, DeliveryGone, ChannelClosed):
                if await self._kept_from_dropping(delivery) and self.channel:
                    self.channel.give_back(delivery.tag)

    def _say(self, why: str) -> None:
        """Say why nothing can be taken; once, as long as it stays so."""
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
