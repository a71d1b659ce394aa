"""The broker as the job's thread sees it: one thread of ours owns the connection, all others only ask."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from threading import RLock, Thread
from typing import Any, ParamSpec, TypeVar

from faces.errors import BrokerUnavailable
from faces.settings import QueueOptions
from worker.amqp.channel import ACK, GIVE_BACK, REJECT
from worker.amqp.connection import RobustConnection
from worker.amqp.delivery import Delivery, copied, own_priority, properties_of
from worker.amqp.intake import Queues
from worker.amqp.report import BrokerReport
from worker.amqp.settings import BrokerSettings
from worker.amqp.transport import tls_context

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Broker:
    """RabbitMQ for one worker. Threads may share it; a delivery is given to whichever asks first.

    A thread of its own runs an event loop, and all that touches the connection happens there: the methods here hand
    their work over and wait for its answer, which is why heartbeats continue while a job runs. Connections are lost and
    opened again behind it.

    With one queue RabbitMQ pushes, one message at a time; of several the first that has a message is asked, as
    `queue:work --queue=a,b` does.

    `ack`, `reject`, `give_back` and `drop` are the only ways for a delivery to leave our hands; the first three raise
    DeliveryGone where its channel is closed or it was settled before. Once closed, all but `holds` and `drop` raise
    BrokerUnavailable.
    """

    def __init__(self, settings: BrokerSettings, queues: Sequence[str], options: QueueOptions) -> None:
        self._settings = settings
        self._options = options
        self._queues = Queues(queues)
        self._connection = RobustConnection(settings, self._queues, options)
        # A signal's handler may close what the same thread is about to ask.
        self._gate = RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = asyncio.Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the connection's thread; it connects when it can.

        Raises:
            SettingsError: a TLS file cannot be used.
        """
        if self._settings.rabbitmq.tls:
            tls_context(self._settings.rabbitmq.tls)
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = Thread(target=lambda: asyncio.run(self._stay(started)), name="amqp", daemon=True)
        self._thread.start()
        started.result()

    def close(self) -> None:
        """Give back what was not asked for and end the connection; a delivery in hand is back in its queue then."""
        with self._gate:
            loop, self._loop = self._loop, None
            if loop:
                loop.call_soon_threadsafe(self._closing.set)
        if self._thread:
            self._thread.join()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection right now."""
        return self._connection.is_there

    @property
    def state(self) -> str:
        """How the connection is, for a person."""
        return self._connection.state

    def report(self) -> BrokerReport:
        """How the connection is, in the broker's own words; any thread may ask."""
        return self._connection.report()

    def answers(self, seconds: float) -> bool:
        """Whether the event loop turns, with or without a connection; True also before it began and after it ended."""
        with self._gate:
            if self._loop is None:
                return True
            asked = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop)
        try:
            asked.result(seconds)
        except concurrent.futures.TimeoutError:
            asked.cancel()
            return False
        except concurrent.futures.CancelledError:
            return True
        return True

    def next(self, timeout: float) -> Delivery | None:
        """The next message, waited for so many seconds, also while there is no connection; None where there is none."""
        return self._ask(self._connection.next, timeout)

    def pause(self) -> None:
        """Take no more messages; one that waits for `next` is given back, one in hand stays ours."""
        self._ask(self._connection.pause)

    def resume(self) -> None:
        """Take messages again."""
        self._ask(self._connection.resume)

    def skip(self, queues: Collection[str]) -> None:
        """Of several queues take nothing from these, and from all others again; a single one is paused instead."""
        self._queues.skip(queues)

    def ack(self, delivery: Delivery) -> None:
        """Done with it."""
        self._ask(self._connection.settle, delivery, ACK)

    def reject(self, delivery: Delivery) -> None:
        """Done with it, failed: the queue's dead-letter exchange gets it, if there is one."""
        self._ask(self._connection.settle, delivery, REJECT)

    def give_back(self, delivery: Delivery) -> None:
        """Put it back into its queue at once, as it was."""
        self._ask(self._connection.settle, delivery, GIVE_BACK)

    def holds(self, delivery: Delivery) -> bool:
        """Whether it is ours right now: its channel is there, and it was neither acked, rejected nor given back."""
        try:
            return self._ask(self._connection.holds, delivery)
        except BrokerUnavailable:
            return False

    def drop(self, delivery: Delivery) -> None:
        """Close its channel, so that RabbitMQ has it back whatever became of it; further messages are taken.

        Never raises: where the connection was lost, RabbitMQ has the delivery back already.
        """
        with suppress(BrokerUnavailable):
            self._ask(self._connection.drop, delivery)

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
        """Publish a job as Laravel's driver does, and wait until RabbitMQ has it.

        Args:
            queue: the queue's name as Laravel knows it.
            body: Laravel's payload, byte for byte.
            correlation_id: the payload's `id`.
            attempts: how often it was tried.
            delay: whole seconds that it waits first; 49 days at most.
            for_delivery: the delivery on whose behalf this is done; without its channel nothing is published.
            priority: the job's own; that of a delivery, for its release.

        Raises:
            BrokerRefused: there is no queue for it, or RabbitMQ did not take it.
            BrokerUnavailable: there is no connection, or no confirm came; RabbitMQ may or may not have the message.
            DeliveryGone: the delivery's channel is closed, or it was settled.
        """
        if for_delivery and priority is not None and priority == for_delivery.priority:
            priority = own_priority(for_delivery, self._options)
        properties = properties_of(correlation_id, attempts, priority, self._options)
        self._ask(self._connection.publish, queue, body, properties, delay, for_delivery)

    def forward(self, delivery: Delivery, queue: str) -> None:
        """Publish the same message, changed in nothing, to another queue, and wait until RabbitMQ has it.

        Raises:
            BrokerRefused, BrokerUnavailable, DeliveryGone: as for `publish`.
        """
        self._ask(self._connection.publish, queue, delivery.body, copied(delivery), 0, delivery)

    def set_aside(self, delivery: Delivery, queue: str) -> None:
        """Publish the same message, changed in nothing, to the durable queue of exactly this name.

        Whatever the driver's options say; the queue is created where it is missing.

        Raises:
            BrokerRefused, BrokerUnavailable, DeliveryGone: as for `publish`.
        """
        self._ask(self._connection.set_aside, delivery, queue)

    def depth(self, queue: str) -> int | None:
        """How many messages wait in a queue; None where there is no such queue.

        Raises:
            BrokerRefused: RabbitMQ does not let us look at it.
            BrokerUnavailable: there is no connection, or no answer came.
        """
        return self._ask(self._connection.depth, queue)

    def _ask(self, work: Callable[_P, Coroutine[Any, Any, _T]], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Have the connection's thread do it, and wait for its answer."""
        with self._gate:
            if self._loop is None:
                raise BrokerUnavailable("the connection to RabbitMQ is closed")
            asked = asyncio.run_coroutine_threadsafe(work(*args, **kwargs), self._loop)
        try:
            return asked.result()
        except concurrent.futures.CancelledError:
            raise BrokerUnavailable("the connection to RabbitMQ was closed meanwhile") from None

    async def _stay(self, started: concurrent.futures.Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        started.set_result(None)
        running = asyncio.create_task(self._connection.run())
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({running, closing}, return_when=asyncio.FIRST_COMPLETED)
            await self._connection.close()
            if running.done():
                running.result()
        finally:
            with self._gate:
                self._loop = None
