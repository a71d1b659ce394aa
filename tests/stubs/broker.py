"""The worker's broker in memory: the interface of `worker.amqp.broker.Broker`, by the same rules, without a server.

`test_like_the_stub.py` holds it to them: the same steps upon this one and upon the real one on a real RabbitMQ.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import NoReturn

from pika.exceptions import AMQPError

from faces.errors import BrokerRefused, BrokerUnavailable, DeliveryGone
from faces.settings import QueueOptions
from tests.stubs.clock import Clock
from tests.stubs.rabbitmq import Message, StubRabbitMQ
from worker.amqp.delivery import Delivery, Properties, copied, own_priority, properties_of
from worker.amqp.intake import RETURNS_BEFORE_A_COPY
from worker.amqp.report import BrokerReport
from worker.amqp.topology import LONGEST_DELAY, arguments_of, delay_arguments_of, delay_queue_of, target_of

#: Bytes of a name in AMQP.
_LONGEST_NAME = 255

_DRIVERS_DEFAULTS = QueueOptions()


class StubBroker:
    """One worker's connection. Exchanges are the default one only."""

    def __init__(
        self, server: StubRabbitMQ, clock: Clock, queues: Sequence[str], options: QueueOptions = _DRIVERS_DEFAULTS
    ) -> None:
        assert not options.exchange, "found an exchange, needed a real RabbitMQ for it"
        self._server, self._clock, self._options = server, clock, options
        self._queues, self._skipped = tuple(queues), frozenset[str]()
        self._hand: dict[int, tuple[Delivery, Message]] = {}
        self._tags, self._channel = 0, 0
        self._closed, self._paused = True, False
        self._away: str | None = "not connected yet"
        self._since = time.time()
        self.calls: list[str] = []
        """What was done with deliveries and messages, in order."""

    # --- the connection -------------------------------------------------------------------------

    def start(self) -> None:
        self._closed = False
        self.come_back()

    def close(self) -> None:
        self._return_all()
        self._closed, self._away = True, "closed"

    def lose_connection(self, why: str = "a test cut it", *, stays_away: bool = False) -> None:
        """All in hand is given back to its queues; reconnects with the next question, unless kept from it."""
        self._return_all()
        self._away, self._since = why, time.time()
        if not stays_away:
            self.come_back()

    def come_back(self) -> None:
        self._channel += 1
        self._away, self._since = None, time.time()

    @property
    def is_connected(self) -> bool:
        return self._away is None

    @property
    def state(self) -> str:
        return "connected" if self._away is None else f"away: {self._away}"

    def report(self) -> BrokerReport:
        missing = tuple(name for name in self._queues if name not in self._server.queues)
        return BrokerReport(self.is_connected, self._since, reason=self._away, missing=missing)

    def answers(self, _seconds: float) -> bool:
        return True

    def depth(self, queue: str) -> int | None:
        self._need_connection()
        return self._server.depth(queue)

    # --- taking ---------------------------------------------------------------------------------

    def next(self, timeout: float) -> Delivery | None:
        """What would be waited for is turned to, a delayed message that falls due in that time among it."""
        self._need_open()
        end = self._clock.monotonic() + timeout
        while True:
            if delivery := self._taken():
                return delivery
            due = self._server.next_due()
            left = end - self._clock.monotonic()
            if due is None or due > left or not self._may_take:
                self._clock.turn(left)
                return None
            self._clock.turn(due)

    def pause(self) -> None:
        self._need_open()
        self._paused = True

    def resume(self) -> None:
        self._need_open()
        self._paused = False

    def skip(self, queues: Collection[str]) -> None:
        self._skipped = frozenset(queues) if len(self._queues) > 1 else frozenset()

    def holds(self, delivery: Delivery) -> bool:
        """Whether it is in our hands, unsettled."""
        return delivery.channel == self._channel and delivery.tag in self._hand

    # --- settling -------------------------------------------------------------------------------

    def ack(self, delivery: Delivery) -> None:
        self._settled("ack", delivery)

    def reject(self, delivery: Delivery) -> None:
        self._server.reject(delivery.queue, self._settled("reject", delivery))

    def give_back(self, delivery: Delivery) -> None:
        self._server.take_back(delivery.queue, self._settled("give back", delivery))

    def drop(self, delivery: Delivery) -> None:
        """Close its channel: it comes again, redelivered."""
        if self.holds(delivery):
            self.calls.append("drop")
            self._close_channel()

    # --- publishing -----------------------------------------------------------------------------

    def publish(
        self,
        queue: str,
        body: bytes,
        *,
        correlation_id: str | None,
        attempts: int,
        delay: int = 0,
        for_delivery: Delivery | None = None,
        priority: int | None = None,
    ) -> None:
        if for_delivery and priority is not None and priority == for_delivery.priority:
            priority = own_priority(for_delivery, self._options)
        properties = properties_of(correlation_id, attempts, priority, self._options)
        self._publish(queue, body, properties, min(delay, LONGEST_DELAY), for_delivery)

    def forward(self, delivery: Delivery, queue: str) -> None:
        self._publish(queue, delivery.body, copied(delivery), 0, delivery)

    def set_aside(self, delivery: Delivery, queue: str) -> None:
        """The same message into a durable queue of that very name."""
        self._check(delivery)
        self._send(queue, {}, delivery.body, copied(delivery))

    def _publish(
        self, queue: str, body: bytes, properties: Properties, delay: int, for_delivery: Delivery | None
    ) -> None:
        self._check(for_delivery)
        if delay > 0:
            arguments = delay_arguments_of(queue, delay, self._options)
            self._declare(queue)
            self._send(delay_queue_of(queue, delay, self._options), arguments, body, properties)
        else:
            self._send(
                target_of(queue, self._options).routing_key, arguments_of(queue, self._options), body, properties
            )

    def _declare(self, queue: str) -> None:
        name = target_of(queue, self._options).routing_key
        self._server.declare(_name(name), arguments_of(queue, self._options))

    def _send(self, name: str, arguments: dict[str, object], body: bytes, properties: Properties) -> None:
        self._server.declare(_name(name), arguments)
        self.calls.append(f"publish to {name}")
        try:
            self._server.publish(name, body, properties)
        except BrokerUnavailable as error:
            self.lose_connection(str(error))
            raise
        except (AMQPError, UnicodeError) as error:
            raise BrokerRefused(f"a message cannot be written: {error}") from error

    def _check(self, delivery: Delivery | None) -> None:
        self._need_open()
        if delivery is None:
            self._need_connection()
        elif self._away is not None or not self.holds(delivery):
            raise _gone(delivery)

    def _settled(self, how: str, delivery: Delivery) -> Message:
        self._need_open()
        if self._away is not None or delivery.channel != self._channel:
            raise _gone(delivery)
        if delivery.tag not in self._hand:
            self._complain(f"406 PRECONDITION_FAILED - unknown delivery tag {delivery.tag}, to {how}")
        self.calls.append(how)
        return self._hand.pop(delivery.tag)[1]

    def _complain(self, why: str) -> NoReturn:
        """The real one closes the channel, and the worker learns of it by its next question: a mistake of ours."""
        self._server.complaints.append(why)
        self._close_channel()
        raise DeliveryGone(why)

    # --- the hand -------------------------------------------------------------------------------

    @property
    def _may_take(self) -> bool:
        return self._away is None and not self._paused

    def _taken(self) -> Delivery | None:
        """One unacked message at a time is pushed; of several queues the first that has one is asked, at any time."""
        if not self._may_take or (len(self._queues) == 1 and self._hand):
            return None
        for queue in self._queues:
            while queue not in self._skipped and (message := self._server.take(queue)):
                delivery = self._in_hand(queue, message)
                if delivery.times_returned < RETURNS_BEFORE_A_COPY:
                    return delivery
                self._server.publish(queue, delivery.body, copied(delivery))
                self._hand.pop(delivery.tag)
        return None

    def _in_hand(self, queue: str, message: Message) -> Delivery:
        self._tags += 1
        properties = message.properties(counted=self._server.queues[queue].counts)
        delivery = Delivery(message.body, queue, message.returned > 0, self._tags, self._channel, properties)
        self._hand[self._tags] = delivery, message
        return delivery

    def _close_channel(self) -> None:
        self._return_all()
        self._channel += 1

    def _return_all(self) -> None:
        for delivery, message in reversed(self._hand.values()):
            self._server.take_back(delivery.queue, message)
        self._hand.clear()

    def _need_open(self) -> None:
        if self._closed:
            raise BrokerUnavailable("the connection to RabbitMQ is closed")

    def _need_connection(self) -> None:
        self._need_open()
        if self._away is not None:
            raise BrokerUnavailable(f"RabbitMQ is {self.state}")


def _gone(delivery: Delivery) -> DeliveryGone:
    return DeliveryGone(f"the message from {delivery.queue} is not ours any more and comes again")


def _name(name: str) -> str:
    """The name of a queue, as the wire can carry it."""
    if len(name.encode(errors="replace")) > _LONGEST_NAME:
        raise BrokerRefused(f"found the name {name[:20]}… of {len(name)} letters, AMQP knows {_LONGEST_NAME} bytes")
    return name
