"""Queues and exchanges declared as Laravel's publisher does: looked for first, created only where they are missing."""

from __future__ import annotations

import asyncio
from typing import Any

from faces.errors import BrokerRefused
from worker.amqp.channel import Channel, ChannelClosed
from worker.amqp.settings import QueueOptions
from worker.amqp.topology import Target, arguments_of, delay_arguments_of, delay_queue_of
from worker.amqp.transport import Link

_NOT_FOUND = 404


class Declarer:
    """Has a channel of its own, because RabbitMQ closes the one on which a declaration fails."""

    def __init__(self, link: Link, options: QueueOptions) -> None:
        self._link = link
        self._options = options
        self._channel: Channel | None = None
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
        if self._channel is None or not self._channel.is_open:
            self._channel = await Channel.open(self._link)
        return self._channel


def _refused(name: str, closed: ChannelClosed) -> Exception:
    """The broker's refusal; or the loss of the connection as it is."""
    return BrokerRefused(f"RabbitMQ refuses {name}: {closed}") if closed.code else closed
