"""The connection to RabbitMQ that reconnects: one open connection after the other, and why there is none."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from random import SystemRandom

from faces.errors import BrokerUnavailable, DeliveryGone
from faces.settings import QueueOptions
from worker.amqp.channel import ChannelClosed, Settling, gone
from worker.amqp.delivery import Delivery, Properties
from worker.amqp.intake import Inbox, Intake, Queues
from worker.amqp.publisher import Fatal, Publisher
from worker.amqp.report import BrokerReport
from worker.amqp.settings import BrokerSettings
from worker.amqp.topology import Declarer
from worker.amqp.transport import CLOSE_SECONDS, Transport, open_transport

log = logging.getLogger(__name__)

#: Seconds before the first attempt to reconnect, doubled with each that fails.
_FIRST_PAUSE = 0.5

#: Seconds between two questions, while nothing else is published, whether RabbitMQ takes messages.
_ASK_SECONDS = 20.0

_CHANCE: SystemRandom = SystemRandom()


class OpenConnection:
    """One connection from its opening to its loss: the transport, and what takes and publishes messages over it."""

    def __init__(
        self,
        transport: Transport,
        queues: Queues,
        inbox: Inbox,
        settings: BrokerSettings,
        options: QueueOptions,
        fatal: Fatal,
    ) -> None:
        self.transport = transport
        declarer = Declarer(transport, options)
        self.publisher = Publisher(transport, declarer, settings, options, fatal)
        self.intake = Intake(transport, declarer, self.publisher, queues, inbox, settings)

    async def run(self) -> str:
        """Take messages, where wanted, until the connection is lost; returns why."""
        tasks = [asyncio.create_task(self.intake.run()), asyncio.create_task(self._ask_now_and_then())]
        try:
            await asyncio.wait((tasks[0], self.transport.lost), return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                with suppress(ChannelClosed):
                    tasks[0].result()
            return await self.transport.lost
        finally:
            for task in tasks:
                task.cancel()

    async def close(self) -> None:
        """Give back what was not asked for and shake hands; without an answer, drop the connection all the same."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._close(), CLOSE_SECONDS)
        self.drop()

    def drop(self) -> None:
        """End it at once, if it has not ended."""
        self.transport.drop("this session is over")

    async def _close(self) -> None:
        await self.intake.pause()
        if self.transport.is_open:
            self.transport.close()
        await self.transport.lost

    async def _ask_now_and_then(self) -> None:
        """Notice that RabbitMQ takes no messages also where none is published: it says so only to who does.

        Not while a job runs, whose ack would then wait, too.
        """
        with suppress(BrokerUnavailable):
            while True:
                await asyncio.sleep(_ASK_SECONDS)
                if self.intake.channel.has_unsettled:
                    continue
                if not await self.publisher.until_it_takes_messages():
                    return


class RobustConnection:
    """What the broker asks, whichever connection is open; `run` keeps one open.

    Belongs to one event loop; only `state`, `is_there` and `report` may be read by other threads.
    """

    def __init__(self, settings: BrokerSettings, queues: Queues, options: QueueOptions) -> None:
        self._settings = settings
        self._queues = queues
        self._options = options
        self._inbox = Inbox()
        self._fatal = Fatal()
        self._open: OpenConnection | None = None
        self._entering: OpenConnection | None = None
        """Open, but it has not taken a message from us yet."""
        self._paused = False
        self._closing = False
        self._failures = 0
        self._away_since = self._there_since = time.time()
        self._why: str | None = "not connected yet"

    @property
    def is_there(self) -> bool:
        """Whether RabbitMQ is connected right now, and takes messages or did so at the login."""
        return self._open is not None

    @property
    def state(self) -> str:
        """How it is, for a person."""
        report = self.report()
        if not report.connected:
            since = time.strftime("%H:%M:%S", time.localtime(report.since))
            return f"away since {since}: {report.reason}"
        if report.blocked is None:
            return "connected"
        yet = "" if self._open else " yet"
        return f"connected, but RabbitMQ takes no messages{yet}: {report.blocked}"

    def report(self) -> BrokerReport:
        """How it is, for `status`; one that accepts the login and takes no messages is connected, and blocked."""
        found = self._open or self._entering
        if found is None or (found is self._entering and found.transport.blocked is None):
            return BrokerReport(False, self._away_since, self._why or "the connection was just lost")
        troubles = found.intake.troubles
        return BrokerReport(True, self._there_since, None, found.transport.blocked, troubles.refused, troubles.missing)

    async def run(self) -> None:
        """Stay connected, for as long as this is awaited."""
        while True:
            try:
                opened = await self._connect()
            except BrokerUnavailable as error:
                self._say_away(str(error))
            else:
                await self._stay(opened)
            self._failures += 1
            await asyncio.sleep(self._pause_seconds())

    async def next(self, seconds: float) -> Delivery | None:
        """The next delivery, waited for so many seconds, whatever happens to the connection; else None."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            delivery = await self._inbox.take(end - asyncio.get_running_loop().time())
            if delivery is None:
                return None
            with suppress(BrokerUnavailable, DeliveryGone):
                if self._open and (ours := await self._open.intake.kept(delivery)):
                    return ours

    async def pause(self) -> None:
        """Take no more messages."""
        self._paused = True
        if self._open:
            # A peer that does not answer loses the connection sooner or later, and with it what it pushed to us.
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._open.intake.pause(), self._settings.publish_seconds)

    async def resume(self) -> None:
        """Take messages again."""
        self._paused = False
        if self._open:
            self._open.intake.resume()

    async def settle(self, delivery: Delivery, how: Settling) -> None:
        """Ack, reject or give it back; raises DeliveryGone where it is not ours."""
        if self._open is None:
            raise gone(delivery, self.state)
        self._open.intake.channel.settle(delivery, how)

    async def holds(self, delivery: Delivery) -> bool:
        """Whether it is ours, and not settled."""
        return self._open is not None and self._open.intake.channel.holds(delivery)

    async def drop(self, delivery: Delivery) -> None:
        """Let RabbitMQ have it back."""
        if self._open:
            await self._open.intake.drop(delivery)

    async def publish(
        self, queue: str, body: bytes, properties: Properties, delay: int, for_delivery: Delivery | None
    ) -> None:
        """Publish on behalf of a delivery or of none."""
        await self._publisher(for_delivery).publish(queue, body, properties, delay)

    async def set_aside(self, delivery: Delivery, queue: str) -> None:
        """Publish a copy to exactly this queue."""
        await self._publisher(delivery).set_aside(delivery, queue)

    async def depth(self, queue: str) -> int | None:
        """How many messages wait in a queue."""
        return await self._publisher().depth(queue)

    async def close(self) -> None:
        """End what is open, with the closing handshake."""
        self._closing = True
        if self._open:
            await self._open.close()

    def _publisher(self, for_delivery: Delivery | None = None) -> Publisher:
        """That of the open connection.

        Raises:
            BrokerUnavailable: none is open.
            DeliveryGone: the delivery is not ours any more, where one is named.
        """
        if self._open is None:
            raise gone(for_delivery, self.state) if for_delivery else BrokerUnavailable(f"RabbitMQ is {self.state}")
        if for_delivery:
            self._open.intake.channel.require(for_delivery)
        return self._open.publisher

    async def _connect(self) -> OpenConnection:
        """To the first node that accepts us; in any order, so that workers spread."""
        refusals, addresses = [], self._settings.rabbitmq.addresses
        for address in _CHANCE.sample(addresses, len(addresses)):
            try:
                transport = await open_transport(address, self._settings)
                return OpenConnection(transport, self._queues, self._inbox, self._settings, self._options, self._fatal)
            except BrokerUnavailable as error:  # noqa: PERF203 - each node may refuse
                refusals.append(str(error))
        raise BrokerUnavailable("; ".join(sorted(refusals)))

    async def _stay(self, opened: OpenConnection) -> None:
        """Use a connection until it is lost."""
        start = asyncio.get_running_loop().time()
        try:
            why = await self._use(opened)
        except BrokerUnavailable as error:
            why = str(error)
        finally:
            self._open = self._entering = None
            opened.drop()
        if asyncio.get_running_loop().time() - start > self._settings.longest_pause:
            # One that was lost at once does not count: the pauses grow on, and `report` says when the trouble began.
            self._failures, self._away_since = 0, time.time()
        self._say_away(f"lost the connection to RabbitMQ: {why}")

    async def _use(self, opened: OpenConnection) -> str:
        self._entering, self._there_since = opened, time.time()
        # Else the same message would be taken, worked on and lost again and again.
        await opened.publisher.until_it_takes_messages()
        self._open, self._entering, self._why = opened, None, None
        log.info("RabbitMQ is there")
        if not self._paused:
            opened.intake.resume()
        return await opened.run()

    def _say_away(self, why: str) -> None:
        """Log it once for each reason."""
        if why != self._why and not self._closing:
            log.warning("%s; trying again", why)
        self._why = why

    def _pause_seconds(self) -> float:
        """Twice as long each time, and never the same for two workers."""
        longest = min(self._settings.longest_pause, _FIRST_PAUSE * 2.0 ** min(self._failures, 20))
        return longest * _CHANCE.uniform(0.5, 1)
