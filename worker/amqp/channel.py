"""An AMQP channel whose answers are awaited. Belongs to the event loop of its connection."""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import Callable
from typing import Any

from pika.channel import Channel as PikaChannel
from pika.exceptions import (
    AMQPChannelError,
    AMQPConnectionError,
    AMQPError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
)
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from faces.errors import BrokerRefused
from worker.amqp.delivery import Delivery, Properties
from worker.amqp.names import require_name
from worker.amqp.settle import settle
from worker.amqp.transport import Link, reason_of

_numbers = itertools.count(1)

#: What pika raises when there is nothing any more to send on.
_LOST = (AMQPChannelError, AMQPConnectionError)

#: What it raises on what it cannot put into a frame: a text that is too long or no UTF-8, a header without a type.
_UNWRITABLE = (
    *(AMQPError, ValueError, TypeError, ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RecursionError, struct.error),
)


class ChannelClosed(Exception):
    """The channel is gone; `code` is the broker's, 0 where it was not the channel that the broker closed.

    `connection_code` is the broker's where it closed the whole connection.
    """

    def __init__(self, code: int, reason: str, connection_code: int = 0) -> None:
        super().__init__(reason)
        self.code = code
        self.connection_code = connection_code


class Channel:
    """Methods raise ChannelClosed when the channel goes before the answer, BrokerRefused for what AMQP cannot hold."""

    def __init__(self, arrive: Callable[[Delivery], None]) -> None:
        loop = asyncio.get_running_loop()
        self.number = next(_numbers)
        self.closed: asyncio.Future[ChannelClosed] = loop.create_future()
        self._pika: PikaChannel | None = None
        self._arrive = arrive
        self._waiting: set[asyncio.Future[Any]] = set()
        self._unsettled: set[int] = set()
        self._cancelled: asyncio.Future[None] = loop.create_future()
        self._getting: tuple[str, asyncio.Future[bool]] | None = None
        self._confirm: asyncio.Future[bool] | None = None
        self._returned: str | None = None

    @classmethod
    async def open(cls, link: Link, arrive: Callable[[Delivery], None] = lambda _: None) -> Channel:
        """A new channel with publisher confirms, and one unacked delivery at a time; `arrive` takes deliveries."""
        channel = cls(arrive)
        await channel._answer(lambda answer: channel._adopt(link.channel(on_open_callback=answer)))
        await channel._answer(lambda answer: channel._open.basic_qos(prefetch_count=1, callback=answer))
        await channel._answer(lambda answer: channel._open.confirm_delivery(channel._confirmed, callback=answer))
        return channel

    @property
    def is_open(self) -> bool:
        """Whether what came on it is still ours."""
        return self._pika is not None and bool(self._pika.is_open)

    @property
    def has_unsettled(self) -> bool:
        """Whether something came on it that was neither acked nor rejected nor given back."""
        return self.is_open and bool(self._unsettled)

    def holds(self, tag: int) -> bool:
        """Whether that delivery is still ours, and not settled."""
        return self.is_open and tag in self._unsettled

    async def drop(self) -> None:
        """Close it, so that RabbitMQ has back what is not settled; returns when it has."""
        self._abandon()
        await asyncio.shield(self.closed)

    async def declare(self, queue: str, arguments: dict[str, Any] | None = None, *, passive: bool = False) -> int:
        """Declare a durable queue; returns how many messages wait in it."""
        require_name(queue)
        answer = await self._answer(
            lambda answer: self._open.queue_declare(
                queue, passive=passive, durable=True, arguments=arguments, callback=answer
            )
        )
        waiting: int = answer.method.message_count
        return waiting

    async def declare_exchange(self, exchange: str, kind: str, *, passive: bool = False) -> None:
        """Declare a durable exchange."""
        require_name(exchange)
        await self._answer(
            lambda answer: self._open.exchange_declare(exchange, kind, passive=passive, durable=True, callback=answer)
        )

    async def consume(self, queue: str) -> str:
        """Have the queue's messages pushed to `arrive`; returns the consumer's name."""
        self._cancelled = asyncio.get_running_loop().create_future()
        answer = await self._answer(
            lambda answer: self._open.basic_consume(
                queue,
                lambda _, method, properties, body: self._deliver(queue, method, properties, body),
                callback=answer,
            )
        )
        consumer: str = answer.method.consumer_tag
        return consumer

    @property
    def cancelled(self) -> asyncio.Future[None]:
        """Done when the broker ends the latest consumer by itself: its queue was deleted, or moves to another node."""
        return self._cancelled

    async def cancel(self, consumer: str) -> None:
        """End a consumer; what it was handed stays ours."""
        await self._answer(lambda answer: self._open.basic_cancel(consumer, callback=answer))

    async def get(self, queue: str) -> bool:
        """Take one message of a queue; False where it is empty, else `arrive` has it."""
        taken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._getting = (queue, taken)
        return bool(await self._await(taken, lambda: self._open.basic_get(queue, self._got)))

    async def publish(self, exchange: str, routing_key: str, body: bytes, properties: Properties) -> None:
        """Publish, mandatory, and wait for the confirm; one message at a time.

        Raises:
            BrokerRefused: no queue takes it, or the broker confirmed that it did not.
        """
        self._returned = None
        self._confirm = confirm = asyncio.get_running_loop().create_future()
        taken = await self._await(
            confirm,
            lambda: self._open.basic_publish(exchange, routing_key, body, properties, mandatory=True),
        )
        place = f"{exchange} / {routing_key}" if exchange else routing_key
        if self._returned is not None:
            raise BrokerRefused(f"RabbitMQ has no queue for what was published to {place}: {self._returned}")
        if not taken:
            raise BrokerRefused(f"RabbitMQ did not take what was published to {place}")

    def ack(self, tag: int) -> None:
        """Done with a delivery."""
        self._unsettled.discard(tag)
        self._tell(lambda: self._open.basic_ack(tag))

    def reject(self, tag: int) -> None:
        """Refuse a delivery for good; a dead-letter exchange gets it, where the queue has one."""
        self._unsettled.discard(tag)
        self._tell(lambda: self._open.basic_reject(tag, requeue=False))

    def give_back(self, tag: int) -> None:
        """Put a delivery back where it was."""
        self._unsettled.discard(tag)
        self._tell(lambda: self._open.basic_nack(tag, requeue=True))

    @property
    def _open(self) -> PikaChannel:
        if self._pika is None:
            raise ChannelClosed(0, "the channel is not open yet")
        return self._pika

    def _adopt(self, channel: PikaChannel) -> None:
        self._pika = channel
        channel.add_on_close_callback(self._close)
        channel.add_on_cancel_callback(lambda _: settle(self._cancelled, None))
        channel.add_on_return_callback(self._return)
        channel.add_callback(lambda _: self._get_is_done(False), [Basic.GetEmpty], one_shot=False)

    async def _answer(self, ask: Callable[[Callable[[Any], None]], object]) -> Any:
        """Ask, and wait for what the broker calls back with."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        return await self._await(answer, lambda: ask(lambda word: settle(answer, word)))

    async def _await(self, answer: asyncio.Future[Any], ask: Callable[[], object]) -> Any:
        self._waiting.add(answer)
        try:
            self._tell(ask)
            return await answer
        finally:
            self._waiting.discard(answer)

    def _tell(self, tell: Callable[[], object]) -> None:
        if self.closed.done():
            raise self.closed.result()
        try:
            tell()
        except _LOST as error:
            raise ChannelClosed(0, reason_of(error)) from error
        except _UNWRITABLE as error:
            # Nothing was sent, but pika may wait on this channel for an answer to it.
            self._abandon()
            what = f"{type(error).__name__}: {error}"[:200]
            raise BrokerRefused(f"RabbitMQ cannot be sent what no frame of AMQP can hold ({what})") from error

    def _abandon(self) -> None:
        if self.is_open:
            self._open.close()

    def _deliver(self, queue: str, method: Any, properties: BasicProperties, body: bytes) -> None:
        self._unsettled.add(method.delivery_tag)
        self._arrive(Delivery(body, queue, bool(method.redelivered), method.delivery_tag, self.number, properties))

    def _got(self, _: PikaChannel, method: Any, properties: BasicProperties, body: bytes) -> None:
        if self._getting:
            self._deliver(self._getting[0], method, properties, body)
        self._get_is_done(True)

    def _get_is_done(self, taken: bool) -> None:
        if self._getting:
            settle(self._getting[1], taken)

    def _return(self, _: PikaChannel, method: Basic.Return, _properties: BasicProperties, _body: bytes) -> None:
        self._returned = f"{method.reply_code} {method.reply_text}"

    def _confirmed(self, frame: Method) -> None:
        if self._confirm:
            settle(self._confirm, isinstance(frame.method, Basic.Ack))

    def _close(self, _: PikaChannel, error: Exception) -> None:
        code = error.reply_code if isinstance(error, ChannelClosedByBroker) else 0
        connection_code = error.reply_code if isinstance(error, ConnectionClosedByBroker) else 0
        closed = ChannelClosed(code, reason_of(error), connection_code)
        if not self.closed.done():
            # Not as an exception: nobody may ever look.
            self.closed.set_result(closed)
        for answer in self._waiting:
            settle(answer, closed)
