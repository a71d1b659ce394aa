"""One delivery in hand, from its arrival until it is acked, rejected, given back, or dropped with its channel.

There is no fifth end: a delivery that stayed in hand would never be worked on, and the worker would look idle.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from faces.errors import BrokerRefused, BrokerUnavailable, DeliveryGone, Unavailable
from worker.amqp.broker import Broker
from worker.amqp.delivery import Delivery
from worker.jobs.context import Done, reached
from worker.queue.aside import Aside
from worker.queue.attempt import Attempts
from worker.queue.circuit import Circuit
from worker.queue.job import Job, JobLog
from worker.queue.outcome import Failed, Forward, Outcome, Release
from worker.queue.supervision import GivenUp, Supervision

_log = logging.getLogger(__name__)

#: Seconds before a delivery is put back that RabbitMQ took nowhere else: the next worker may meet the same refusal.
_PAUSE = 10.0

#: RabbitMQ's header of a message that has been in a delay queue.
_DIED = "x-death"


@dataclass(frozen=True, slots=True)
class Handling:
    """How a worker handles its deliveries, one at a time, in its main thread.

    `hold_back` ends the taking of messages until the circuit closes.
    """

    broker: Broker
    aside: Aside
    attempts: Attempts
    circuit: Circuit
    supervision: Supervision
    hold_back: Callable[[], None]

    def handle(self, delivery: Delivery) -> bool:
        """Do its job and end it at the broker; returns whether it counts: a job that a server refused does not."""
        log, counts = JobLog(delivery, self.supervision.status.working), True
        with self.supervision.stop.job_in_hand():
            try:
                self.supervision.pulse.back_after(self.attempts.settings.api_timeout)
                job = Job.read(delivery, self.attempts.settings)
                counts = self._settle(job, self.attempts.outcome(job, log), log)
            except GivenUp:
                log.given_up()
                with suppress(Unavailable):  # where the connection is lost, it was given back by that
                    self.broker.give_back(delivery)
            except (BrokerUnavailable, DeliveryGone) as error:
                # What was committed stays; the broker delivers the job again, and doing it twice changes nothing.
                log.left_to_redelivery(error)
            except Exception:  # noqa: BLE001  around one job, with its traceback in the log
                _log.exception("a fault of our own in the handling of a job")
        if self.broker.holds(delivery):
            self._drop(delivery)
        self.between_jobs()
        return counts

    def between_jobs(self) -> None:
        """What is due beside the jobs: no delivery is in hand, so whatever becomes of it, no job suffers by it."""
        try:
            for job_class in self.attempts.jobs.values():
                job_class.between_jobs(self.supervision.stop.is_set)
        except Exception:  # noqa: BLE001  beside any job, with its traceback in the log
            _log.exception("a fault of our own between two jobs")

    def _settle(self, job: Job, outcome: Outcome, log: JobLog) -> bool:
        """Publish all that must be at the broker, then end the delivery; False where a server refused the job."""
        self.supervision.pulse.back_after(0)
        published = self._published(job, outcome, log)
        if published is None:
            return True
        refused = published.refused if isinstance(published, Release) else None
        if refused:
            self.circuit.open(refused)
            # Before the ack: else RabbitMQ pushes the next message, only to get it back.
            self.hold_back()
        (self.broker.reject if isinstance(published, Failed) else self.broker.ack)(job.delivery)
        reached("acked")
        self._learn(job, published)
        self.supervision.status.ended(published)
        log.ended(published)
        return refused is None

    def _published(self, job: Job, outcome: Outcome, log: JobLog) -> Outcome | None:
        """The outcome whose messages RabbitMQ has taken: this one, else the tail; None where it took neither.

        Where it refuses a delay queue, too, the job is put at the queue's own tail after a pause: others are done
        first.
        """
        try:
            self._publish(job, outcome)
        except BrokerRefused as error:
            log.not_published(error)
            refused = outcome if isinstance(outcome, Release) else self.attempts.refused(job, error)
        else:
            return outcome
        if refused is not outcome:
            try:
                self._publish(job, refused)
            except BrokerRefused as error:
                log.not_published(error)
            else:
                return refused
        return self._at_the_tail(job, refused, log)

    def _at_the_tail(self, job: Job, outcome: Outcome, log: JobLog) -> Outcome | None:
        tail = Release(0, job.attempt - 1, "RabbitMQ took nothing else of it")
        tail = replace(outcome, delay=0) if isinstance(outcome, Release) else tail
        self.supervision.status.waiting("RabbitMQ does not take what a job has to publish, see the log", "broker")
        self.supervision.stop.wait(_PAUSE)
        try:
            self._publish(job, tail)
        except BrokerRefused as error:
            log.not_published(error)
            log.given_back(error)
            self.broker.give_back(job.delivery)
            return None
        return tail

    def _publish(self, job: Job, outcome: Outcome) -> None:
        """Everything that must be at the broker before this delivery leaves our hands."""
        delivery = job.delivery
        if isinstance(outcome, Done):
            for new in outcome.jobs:
                self.broker.publish(
                    new.queue, new.body, correlation_id=new.id, attempts=0, delay=new.delay, for_delivery=delivery
                )
        elif isinstance(outcome, Release):
            self.broker.publish(
                delivery.queue,
                delivery.body,
                correlation_id=job.correlation_id,
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

    def _learn(self, job: Job, outcome: Outcome) -> None:
        """What a job's end says of it, of the servers and of the jobs that they refused."""
        shared, status = self.attempts.shared, self.supervision.status
        if isinstance(outcome, Release):
            if outcome.refused:
                status.refused(job.uuid)
            elif outcome.attempts >= job.attempt:
                self.circuit.close()
            return
        self.circuit.close()
        if isinstance(outcome, Done) and not outcome.note:
            shared.evidence.done()
        shared.evidence.settled(job.uuid, came_again=_DIED in job.delivery.headers)
        status.settled(job.uuid)
        if job.delivery.redelivered:
            shared.marks.forget_dropped(job.uuid)

    def _drop(self, delivery: Delivery) -> None:
        """The last way out: its channel is closed, RabbitMQ has it back, and three such ends are the job's end."""
        try:
            self.attempts.shared.marks.count_dropped(Job.read(delivery, self.attempts.settings).uuid)
        except Exception:  # noqa: BLE001  around one job: whatever cannot be counted, the delivery must leave
            _log.exception("that a delivery is dropped was not counted")
        self.supervision.status.waiting("a fault of our own in the handling of a job, see the log")
        self.supervision.stop.wait(_PAUSE)
        self.broker.drop(delivery)
