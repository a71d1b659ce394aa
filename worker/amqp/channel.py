"""An AMQP channel whose answers are awaited, and whose deliveries are settled once."""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

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

from faces.errors import BrokerRefused, DeliveryGone
from worker.amqp.delivery import Delivery, Properties
from worker.amqp.transport import Transport, reason_of, settle

#: How a delivery leaves our hands: done; refused for good (a dead-letter exchange gets it, where the queue has one);
#: back to where it was.
Settling: TypeAlias = Callable[[PikaChannel, int], object]
ACK: Settling = PikaChannel.basic_ack
REJECT: Settling = partial(PikaChannel.basic_reject, requeue=False)
GIVE_BACK: Settling = partial(PikaChannel.basic_nack, requeue=True)

#: Bytes of a name: a short string of AMQP.
_LONGEST_NAME = 255

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
    """Belongs to the event loop of its transport. `opened` gives one that is open; each kind of work has one such.

    Methods raise ChannelClosed when the channel closes before the answer, BrokerRefused for what AMQP cannot hold.
    """

    def __init__(self, transport: Transport, arrive: Callable[[Delivery], None] = lambda _: None) -> None:
        """One that is not open yet; `arrive` takes its deliveries."""
        loop = asyncio.get_running_loop()
        self.number = next(_numbers)
        self.closed: asyncio.Future[ChannelClosed] = loop.create_future()
        self.cancelled: asyncio.Future[None] = loop.create_future()
        """Done when the broker ends the latest consumer by itself: its queue was deleted, or moves to another node."""
        self._transport, self._arrive = transport, arrive
        self._pika: PikaChannel | None = None
        self._waiting: set[asyncio.Future[Any]] = set()
        self._unsettled: set[Delivery] = set()
        self._getting: tuple[str, asyncio.Future[bool]] | None = None
        self._confirm: asyncio.Future[bool] | None = None
        self._returned: str | None = None

    async def opened(self) -> Channel:
        """This one while it is open, else a new one in its place.

        With publisher confirms, and one unacked delivery at a time.
        """
        if self.is_open:
            return self
        new = Channel(self._transport, self._arrive)
        await new._answer(lambda answer: new._adopt(new._transport.channel(on_open_callback=answer)))
        await new._answer(lambda answer: new._open.basic_qos(prefetch_count=1, callback=answer))
        await new._answer(lambda answer: new._open.confirm_delivery(new._confirmed, callback=answer))
        return new

    @property
    def is_open(self) -> bool:
        """Whether what came on it is still ours."""
        return self._pika is not None and bool(self._pika.is_open)

    @property
    def has_unsettled(self) -> bool:
        """Whether something came on it that was neither acked nor rejected nor given back."""
        return self.is_open and bool(self._unsettled)

    def holds(self, delivery: Delivery) -> bool:
        """Whether that delivery is still ours, and not settled."""
        return self.is_open and delivery in self._unsettled

    def require(self, delivery: Delivery) -> None:
        """Go on only with a delivery that is still ours.

        Raises:
            DeliveryGone: it came on another channel or this one is closed, or it was settled.
        """
        if not self.holds(delivery):
            raise self._not_ours(delivery)

    def settle(self, delivery: Delivery, how: Settling) -> None:
        """Ack, reject or give back a delivery, once.

        Raises:
            DeliveryGone: as `require`.
        """
        if delivery not in self._unsettled:
            raise self._not_ours(delivery)
        self._unsettled.remove(delivery)
        try:
            how(self._pika, delivery.tag)
        except _LOST as error:
            raise gone(delivery) from error

    async def drop(self) -> None:
        """Close it, so that RabbitMQ has back what is not settled; returns when it has."""
        self._abandon()
        await asyncio.shield(self.closed)

    async def declare(self, queue: str, arguments: dict[str, Any] | None = None, *, passive: bool = False) -> int:
        """Declare a durable queue; returns how many messages wait in it."""
        _require_name(queue)
        answer = await self._answer(
            lambda answer: self._open.queue_declare(
                queue, passive=passive, durable=True, arguments=arguments, callback=answer
            )
        )
        waiting: int = answer.method.message_count
        return waiting

    async def declare_exchange(self, exchange: str, kind: str, *, passive: bool = False) -> None:
        """Declare a durable exchange."""
        _require_name(exchange)
        await self._answer(
            lambda answer: self._open.exchange_declare(exchange, kind, passive=passive, durable=True, callback=answer)
        )

    async def consume(self, queue: str) -> str:
        """Have the queue's messages pushed to `arrive`; returns the consumer's name."""
        self.cancelled = asyncio.get_running_loop().create_future()
        answer = await self._answer(
            lambda answer: self._open.basic_consume(
                queue,
                lambda _, method, properties, body: self._deliver(queue, method, properties, body),
                callback=answer,
            )
        )
        consumer: str = answer.method.consumer_tag
        return consumer

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

    @property
    def _open(self) -> PikaChannel:
        if self._pika is None:
            raise ChannelClosed(0, "the channel is not open yet")
        return self._pika

    def _adopt(self, channel: PikaChannel) -> None:
        self._pika = channel
        channel.add_on_close_callback(self._close)
        channel.add_on_cancel_callback(lambda _: settle(self.cancelled, None))
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

    def _not_ours(self, delivery: Delivery) -> DeliveryGone:
        if self.is_open and delivery.channel == self.number:
            return DeliveryGone(f"the message from {delivery.queue} was acked, rejected or given back before")
        return gone(delivery)

    def _abandon(self) -> None:
        if self.is_open:
            self._open.close()

    def _deliver(self, queue: str, method: Any, properties: BasicProperties, body: bytes) -> None:
        delivery = Delivery(body, queue, bool(method.redelivered), method.delivery_tag, self.number, properties)
        self._unsettled.add(delivery)
        self._arrive(delivery)

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
            # Not as an exception: asyncio would complain of one that is never retrieved.
            self.closed.set_result(closed)
        for answer in self._waiting:
            settle(answer, closed)


def gone(delivery: Delivery, why: str = "its channel was closed") -> DeliveryGone:
    """What is said of a delivery that is not ours any more."""
    return DeliveryGone(f"the message from {delivery.queue} is not ours any more and comes again: {why}")


def _require_name(name: str) -> None:
    """Refuse what would cost the channel, or hang: RabbitMQ answers for a name without its line breaks.

    Raises:
        BrokerRefused: it is empty, too long, has a line break, or is no text.
    """
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise BrokerRefused(f"RabbitMQ takes no name that is not UTF-8: {name[:80]!r}") from error
    if not 0 < size <= _LONGEST_NAME:
        raise BrokerRefused(f"RabbitMQ takes names of 1 to {_LONGEST_NAME} bytes, found {size}: {name[:80]!r}")
    if "\n" in name or "\r" in name:
        raise BrokerRefused(f"RabbitMQ takes no name with a line break: {name[:80]!r}")
