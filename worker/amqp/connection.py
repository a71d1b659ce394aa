"""The connection that comes back: sessions follow each other behind it, and it says when RabbitMQ is away and why."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from random import SystemRandom

from faces.errors import BrokerUnavailable, DeliveryGone
from worker.amqp.delivery import Delivery, Properties
from worker.amqp.fatal import Fatal
from worker.amqp.inbox import Inbox
from worker.amqp.queues import Queues
from worker.amqp.report import BrokerReport
from worker.amqp.session import Session, gone
from worker.amqp.settings import BrokerSettings, QueueOptions
from worker.amqp.transport import open_link

log = logging.getLogger(__name__)

#: Seconds before the first attempt to come back, doubled with each that fails.
_FIRST_PAUSE = 0.5

_CHANCE: SystemRandom = SystemRandom()


class Connection:
    """Belongs to one event loop; only `state`, `is_there` and `report` may be asked from other threads."""

    def __init__(self, settings: BrokerSettings, queues: Queues, options: QueueOptions) -> None:
        self._settings = settings
        self._queues = queues
        self._options = options
        self._inbox = Inbox()
        self._session: Session | None = None
        self._paused = False
        self._closing = False
        self._failures = 0
        self._entering: Session | None = None
        self._fatal = Fatal()
        self._away_since = self._there_since = time.time()
        self._why: str | None = "not connected yet"

    @property
    def is_there(self) -> bool:
        """Whether RabbitMQ is connected right now, and takes messages or did so when it let us in."""
        return self._session is not None

    @property
    def state(self) -> str:
        """How it is, for a person."""
        report = self.report()
        if not report.connected:
            since = time.strftime("%H:%M:%S", time.localtime(report.since))
            return f"away since {since}: {report.reason}"
        if report.blocked is None:
            return "connected"
        yet = "" if self._session else " yet"
        return f"connected, but RabbitMQ takes no messages{yet}: {report.blocked}"

    def report(self) -> BrokerReport:
        """How it is, for `status`; one that lets us in and takes no messages is connected, and blocked."""
        session = self._session or self._entering
        if session is None or (session is self._entering and session.blocked is None):
            return BrokerReport(False, self._away_since, self._why or "the connection was just lost")
        troubles = session.intake.troubles
        return BrokerReport(True, self._there_since, None, session.blocked, troubles.refused, troubles.missing)

    async def run(self) -> None:
        """Stay connected, for as long as this is awaited."""
        while True:
            try:
                session = await self._connect()
            except BrokerUnavailable as error:
                self._say_away(str(error))
            else:
                await self._stay(session)
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
                if ours := await self._session_of(delivery).kept_from_dropping(delivery):
                    return ours

    async def pause(self) -> None:
        """Take no more messages."""
        self._paused = True
        if self._session:
            # A peer that does not answer loses the connection sooner or later, and with it what it pushed to us.
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._session.intake.pause(), self._settings.publish_seconds)

    async def resume(self) -> None:
        """Take messages again."""
        self._paused = False
        if self._session:
            self._session.intake.resume()

    async def ack(self, delivery: Delivery) -> None:
        """Done with it."""
        self._session_of(delivery).channel_of(delivery).ack(delivery.tag)

    async def reject(self, delivery: Delivery) -> None:
        """Done with it, failed."""
        self._session_of(delivery).channel_of(delivery).reject(delivery.tag)

    async def give_back(self, delivery: Delivery) -> None:
        """Put it back."""
        self._session_of(delivery).channel_of(delivery).give_back(delivery.tag)

    def holds(self, delivery: Delivery) -> bool:
        """Whether it is ours, and not settled."""
        return self._session is not None and self._session.holds(delivery)

    async def drop(self, delivery: Delivery) -> None:
        """Let RabbitMQ have it back."""
        if self._session:
            await self._session.give_up(delivery)

    async def set_aside(self, delivery: Delivery, queue: str) -> None:
        """Publish it to another queue; raises as `Session.set_aside` does."""
        await self._session_of(delivery).set_aside(delivery, queue)

    async def depth(self, queue: str) -> int | None:
        """How many messages wait in a queue; raises as `Session.depth` does."""
        return await self._session_now().depth(queue)

    async def publish(
        self, queue: str, body: bytes, properties: Properties, delay: int, for_delivery: Delivery | None
    ) -> None:
        """Publish and wait for the confirm; raises as `Session.publish` does."""
        session = self._session_of(for_delivery) if for_delivery else self._session_now()
        await session.publish(queue, body, properties, delay, for_delivery)

    async def close(self) -> None:
        """End the session, if there is one, as is proper."""
        self._closing = True
        if self._session:
            await self._session.close()

    async def _connect(self) -> Session:
        """A session with the first node that lets us in; in any order, so that workers spread."""
        refusals = []
        for address in _CHANCE.sample(self._settings.addresses, len(self._settings.addresses)):
            try:
                link = await open_link(address, self._settings)
                return Session(link, self._queues, self._inbox, self._settings, self._options, self._fatal)
            except BrokerUnavailable as error:  # noqa: PERF203 - each node may refuse
                refusals.append(str(error))
        raise BrokerUnavailable("; ".join(sorted(refusals)))

    async def _stay(self, session: Session) -> None:
        """Use a session until it is lost."""
        start = asyncio.get_running_loop().time()
        try:
            why = await self._use(session)
        except BrokerUnavailable as error:
            why = str(error)
        finally:
            self._session = self._entering = None
            session.drop()
        if asyncio.get_running_loop().time() - start > self._settings.longest_pause:
            # One that does not stay was never there: what ends it again and again has a beginning.
            self._failures, self._away_since = 0, time.time()
        self._say_away(f"lost the connection to RabbitMQ: {why}")

    async def _use(self, session: Session) -> str:
        self._entering, self._there_since = session, time.time()
        # Else the same message would be taken, worked on and lost again and again.
        await session.until_it_takes_messages()
        self._session, self._entering, self._why = session, None, None
        log.info("RabbitMQ is there")
        if not self._paused:
            session.intake.resume()
        return await session.run()

    def _session_of(self, delivery: Delivery) -> Session:
        if self._session is None:
            raise gone(delivery, self.state)
        return self._session

    def _session_now(self) -> Session:
        if self._session is None:
            raise BrokerUnavailable(f"RabbitMQ is {self.state}")
        return self._session

    def _say_away(self, why: str) -> None:
        """Say it once for each reason."""
        if why != self._why and not self._closing:
            log.warning("%s; trying again", why)
        self._why = why

    def _pause_seconds(self) -> float:
        """Twice as long each time, and never the same for two workers."""
        longest = min(self._settings.longest_pause, _FIRST_PAUSE * 2.0 ** min(self._failures, 20))
        return longest * _CHANCE.uniform(0.5, 1)
