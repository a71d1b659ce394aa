"""One delivery in hand, from its arrival until it leaves: acked, rejected, given back, or dropped with its channel.

Nothing else may become of it: a delivery that stayed in hand would be worked on by nobody, and we would look idle.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from faces.errors import BrokerRefused, BrokerUnavailable, DeliveryGone, Unavailable
from worker.amqp.broker import Broker
from worker.amqp.delivery import Delivery
from worker.laravel.crash_marks import CrashMarks
from worker.laravel.message import attempts_of, id_of
from worker.queue.aside import Aside
from worker.queue.circuit import Circuit
from worker.queue.evidence import Evidence
from worker.queue.job_log import JobLog
from worker.queue.outcome import Done, Failed, Forward, Outcome, Release
from worker.queue.pulse import Pulse
from worker.queue.status import Status
from worker.queue.steps import reached
from worker.queue.stop import GivenUp, Stop
from worker.queue.work import Work

_log = logging.getLogger(__name__)

#: Seconds before a delivery is put back that could go nowhere else: whoever gets it next may fare no better.
_PAUSE = 10.0

#: RabbitMQ's header of a message that has been in a delay queue.
_DIED = "x-death"


@dataclass(frozen=True, slots=True)
class Handling:
    """How a worker handles its deliveries; `hold_back` ends the taking of messages until the circuit closes."""

    broker: Broker
    aside: Aside
    work: Work
    circuit: Circuit
    evidence: Evidence
    marks: CrashMarks
    stop: Stop
    status: Status
    pulse: Pulse
    hold_back: Callable[[], None]

    def handle(self, delivery: Delivery) -> bool:
        """Do its job and let it leave; returns whether it was one: what the world refuses does not count."""
        log, counts = JobLog(delivery, self.status.working), True
        with self.stop.job_in_hand():
            try:
                self.pulse.back_after_a_photo()
                counts = self._settle(delivery, self.work.outcome(delivery, log), log)
            except GivenUp:
                log.given_up()
                with suppress(Unavailable):  # where the connection is gone, it has gone back by itself
                    self.broker.give_back(delivery)
            except (BrokerUnavailable, DeliveryGone) as error:
                # What was committed stays; the broker hands the job out again, and doing it twice changes nothing.
                log.left_to_redelivery(error)
            except Exception:  # noqa: BLE001  around one job, with its traceback in the log
                _log.exception("a fault of our own in the handling of a job")
        if self.broker.holds(delivery):
            self._drop(delivery)
        return counts

    def _settle(self, delivery: Delivery, outcome: Outcome, log: JobLog) -> bool:
        """Have at the broker all that must be there, then let the delivery leave; False where the world refused it."""
        self.pulse.back_after(0)
        published = self._published(delivery, outcome, log)
        if published is None:
            return True
        refused = published.refused if isinstance(published, Release) else None
        if refused:
            self.circuit.open(refused)
            # Before the ack: else RabbitMQ pushes the next message, only to get it back.
            self.hold_back()
        (self.broker.reject if isinstance(published, Failed) else self.broker.ack)(delivery)
        reached("acked")
        self._learn(delivery, published)
        self.status.ended(published)
        log.ended(published)
        return refused is None

    def _published(self, delivery: Delivery, outcome: Outcome, log: JobLog) -> Outcome | None:
        """The outcome whose messages RabbitMQ has taken: this one, else the tail; None where it took neither.

        Where it refuses a delay queue, too, the job goes to the queue's own tail after a pause: others are done first.
        """
        try:
            self._publish(delivery, outcome)
        except BrokerRefused as error:
            log.not_published(error)
            refused = outcome if isinstance(outcome, Release) else self.work.refused(delivery, error)
        else:
            return outcome
        if refused is not outcome:
            try:
                self._publish(delivery, refused)
            except BrokerRefused as error:
                log.not_published(error)
            else:
                return refused
        return self._at_the_tail(delivery, refused, log)

    def _at_the_tail(self, delivery: Delivery, outcome: Outcome, log: JobLog) -> Outcome | None:
        tail = Release(0, attempts_of(delivery.headers), "RabbitMQ took nothing else of it")
        tail = replace(outcome, delay=0) if isinstance(outcome, Release) else tail
        self.status.waiting("RabbitMQ does not take what a job has to publish, see the log", "broker")
        self.stop.wait(_PAUSE)
        try:
            self._publish(delivery, tail)
        except BrokerRefused as error:
            log.not_published(error)
            log.given_back(error)
            self.broker.give_back(delivery)
            return None
        return tail

    def _publish(self, delivery: Delivery, outcome: Outcome) -> None:
        """Everything that must be at the broker before this delivery leaves our hands."""
        if isinstance(outcome, Done):
            for job in outcome.jobs:
                self.broker.publish(
                    job.queue, job.body, correlation_id=job.id, attempts=0, delay=job.delay, for_delivery=delivery
                )
        elif isinstance(outcome, Release):
            self.broker.publish(
                delivery.queue,
                delivery.body,
                correlation_id=id_of(delivery.body) or delivery.correlation_id,
                attempts=outcome.attempts,
                delay=outcome.delay,
                for_delivery=delivery,
                priority=delivery.priority,
            )
        elif isinstance(outcome, Forward):
            self.broker.forward(delivery, outcome.queue)
        if isinstance(outcome, Done | Failed) and outcome.aside:
            self.aside.keep(delivery)
        reached("published")

    def _learn(self, delivery: Delivery, outcome: Outcome) -> None:
        """What a job's end says of it, of the world and of the jobs that were refused."""
        job = self.work.uuid_of(delivery)
        if isinstance(outcome, Release):
            if outcome.refused:
                self.status.refused(job)
            elif outcome.attempts > attempts_of(delivery.headers):
                self.circuit.close()
            return
        self.circuit.close()
        if isinstance(outcome, Done) and not outcome.note:
            self.evidence.done()
        self.evidence.settled(job, came_again=_DIED in delivery.headers)
        self.status.settled(job)
        if delivery.redelivered:
            self.marks.forget_dropped(job)

    def _drop(self, delivery: Delivery) -> None:
        """The last way out: its channel goes, RabbitMQ has it back, and three such ends are the end of the job."""
        try:
            self.marks.count_dropped(self.work.uuid_of(delivery))
        except Exception:  # noqa: BLE001  around one job: whatever cannot be counted, the delivery must leave
            _log.exception("that a delivery is dropped was not counted")
        self.status.waiting("a fault of our own in the handling of a job, see the log")
        self.stop.wait(_PAUSE)
        self.broker.drop(delivery)
