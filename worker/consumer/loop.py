"""Takes one delivery after the other until somebody or something says stop, and does what each job's outcome says."""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from faces.errors import BrokerRefused, CacheUnavailable, Unavailable
from worker.amqp.broker import Broker
from worker.amqp.delivery import Delivery
from worker.cache.crash_marks import CrashMarks
from worker.consumer.changes import Changes
from worker.consumer.circuit import Circuit
from worker.consumer.job_log import JobLog
from worker.consumer.outcome import LOCK_DELAY, Done, Failed, Forward, Outcome, Release, Wait
from worker.consumer.pulse import Pulse
from worker.consumer.status import Status
from worker.consumer.stop import GivenUp, Stop
from worker.consumer.work import Work
from worker.laravel.orders import Orders
from worker.laravel.payload import attempts_of, id_of
from worker.steps import reached

_log = logging.getLogger(__name__)

#: Seconds for which a job waits in hand for a world that is away; RabbitMQ takes it back after 30 minutes.
HOLD_SECONDS = 300.0

#: Seconds to wait for a delivery before looking at orders again, and between two looks.
_IDLE_SECONDS = 1.0
_ORDERS_SECONDS = 3.0

#: Seconds until a job is tried again that met a fault of our own where none should be.
_FAULT_DELAY = 60

#: Exit code of `queue:work` when it leaves because of its memory.
MEMORY_EXIT = 12


@dataclass(frozen=True, slots=True)
class Until:
    """When to leave by oneself, as `queue:work`'s options say; 0 means never."""

    max_jobs: int = 0
    max_time: int = 0
    memory_mb: int = 0
    stop_when_empty: bool = False


class Consumer:
    """One worker."""

    def __init__(
        self,
        broker: Broker,
        queues: Sequence[str],
        work: Work,
        circuit: Circuit,
        orders: Orders,
        marks: CrashMarks,
        until: Until,
        stop: Stop,
        status: Status,
        pulse: Pulse,
        changes: Changes,
    ) -> None:
        """Nothing is taken before `run`."""
        self._broker, self._queues, self._work = broker, queues, work
        self._circuit, self._orders, self._marks = circuit, orders, marks
        self._until, self._stop, self._status, self._pulse = until, stop, status, pulse
        self._changes = changes
        self._started, self._jobs = time.monotonic(), 0
        self._looked_at_orders = 0.0
        self._held_back = False

    def run(self) -> int:
        """Work; returns the exit code."""
        while (code := self._reason_to_leave()) is None:
            self._pulse.back_after(0)
            if not self._may_take():
                self._stop.wait(_IDLE_SECONDS)
                continue
            was_connected = self._broker.is_connected
            delivery = self._broker.next(_IDLE_SECONDS)
            if delivery is not None:
                self._handle(delivery)
                continue
            self._status.idle()
            if self._until.stop_when_empty and was_connected and self._broker.is_connected:
                _log.info("the queue is empty")
                return 0
        return code

    def _leaves_for_changes(self) -> bool:
        """Whether what refuses may want a worker of today's settings and tables; it then is told to stop."""
        refusing = self._circuit.reason is not None or not self._broker.is_connected
        if reason := self._changes.reason_to_leave(refusing):
            _log.warning("leaving, to be started anew: %s", reason)
            self._stop.set()
        return reason is not None

    def _reason_to_leave(self) -> int | None:
        self._leaves_for_changes()
        if self._stop.is_set():
            _log.info("stopped")
            return 0
        if 0 < self._until.max_jobs <= self._jobs:
            _log.info("%d jobs are done: leaving", self._jobs)
            return 0
        if 0 < self._until.max_time <= time.monotonic() - self._started:
            _log.info("%d s are over: leaving", self._until.max_time)
            return 0
        # After a job only: with a limit below what any worker needs, jobs are still done, each by a worker of its own.
        if self._jobs and self._until.memory_mb and (size := _megabytes()) >= self._until.memory_mb:
            _log.info("grown to %d MB: leaving", size)
            return MEMORY_EXIT
        return None

    def _may_take(self) -> bool:
        """Whether a job may be taken now; consuming stops and begins with it, so that no message waits here."""
        held_back = self._is_ordered_to_wait() or not self._world_is_there()
        if held_back != self._held_back:
            self._held_back = held_back
            (self._broker.pause if held_back else self._broker.resume)()
        return not held_back and not self._stop.is_set()

    def _is_ordered_to_wait(self) -> bool:
        if time.monotonic() - self._looked_at_orders < _ORDERS_SECONDS:
            return self._status.ordered_to_wait is not None
        self._looked_at_orders = time.monotonic()
        try:
            if self._orders.should_restart():
                _log.info("queue:restart was given: leaving")
                self._stop.set()
            self._status.ordered(self._reason_to_wait())
            self._marks.remove_left()
        except CacheUnavailable as error:
            self._circuit.open(error)
        return self._status.ordered_to_wait is not None

    def _reason_to_wait(self) -> str | None:
        """Why no job may be taken now; of several queues only the paused ones are left out."""
        if self._orders.is_down():
            return "the app is down (php artisan up ends it)"
        paused = self._orders.paused(self._queues)
        self._broker.skip(paused)
        return f"paused: {', '.join(paused)} (queue:resume ends it)" if len(paused) == len(self._queues) else None

    def _world_is_there(self) -> bool:
        if self._circuit.blocks:
            self._status.waiting(self._circuit.reason)
            return self._circuit.wait(_IDLE_SECONDS)
        return True

    def _handle(self, delivery: Delivery) -> None:
        log = JobLog(delivery, self._status.working)
        with self._stop.job_in_hand():
            try:
                self._act(delivery, self._outcome(delivery, log), log)
            except GivenUp:
                log.given_up()
                with suppress(Unavailable):  # where the connection is gone, it has gone back by itself
                    self._broker.give_back(delivery)
            except Unavailable as error:
                # What was committed stays; the broker hands the job out again, and doing it twice changes nothing.
                log.left_to_redelivery(error)
        self._jobs += 1

    def _outcome(self, delivery: Delivery, log: JobLog) -> Outcome:
        """What becomes of the job; while the world is away, it waits in hand for so long, without its lock."""
        end = time.monotonic() + HOLD_SECONDS
        while True:
            outcome = self._outcome_now(delivery, log)
            if not isinstance(outcome, Wait):
                self._circuit.close()
                return outcome
            self._circuit.open(outcome.error)
            self._status.waiting(self._circuit.reason)
            self._hold_back()
            self._pulse.back_after(HOLD_SECONDS)
            if not self._may_try_again(end):
                return Release(LOCK_DELAY, attempts_of(delivery.headers), f"the world is away: {outcome.error}")

    def _may_try_again(self, end: float) -> bool:
        """Wait with a job in hand, at most until then; False where it may not be tried yet, or the worker leaves."""
        while (left := end - time.monotonic()) > 0 and not self._stop.is_set() and not self._leaves_for_changes():
            if self._circuit.wait(min(left, _IDLE_SECONDS)):
                return True
        return False

    def _outcome_now(self, delivery: Delivery, log: JobLog) -> Outcome:
        self._pulse.back_after_a_photo()
        try:
            return self._work.outcome(delivery, log)
        except Exception:  # noqa: BLE001  around one job, with its traceback in the log
            _log.exception("a fault of our own outside of a job's work")
            attempts = attempts_of(delivery.headers) + 1
            return Release(_FAULT_DELAY, attempts, "a fault of our own, see the log")

    def _hold_back(self) -> None:
        if not self._held_back:
            self._held_back = True
            self._broker.pause()

    def _act(self, delivery: Delivery, outcome: Outcome, log: JobLog) -> None:
        self._pulse.back_after(0)
        try:
            self._publish(delivery, outcome)
        except BrokerRefused as error:
            # Not published is not acked. The broker gives it to somebody again, after a while for whatever was wrong.
            log.not_published(error)
            self._stop.wait(LOCK_DELAY)
            self._broker.give_back(delivery)
            return
        (self._broker.reject if isinstance(outcome, Failed) else self._broker.ack)(delivery)
        reached("acked")
        self._status.ended(outcome)
        log.ended(outcome)

    def _publish(self, delivery: Delivery, outcome: Outcome) -> None:
        """Everything that must be at the broker before this delivery leaves our hands."""
        if isinstance(outcome, Done):
            for job in outcome.jobs:
                self._broker.publish(
                    job.queue, job.body, correlation_id=job.id, attempts=0, delay=job.delay, for_delivery=delivery
                )
        elif isinstance(outcome, Release):
            self._broker.publish(
                delivery.queue,
                delivery.body,
                correlation_id=id_of(delivery.body) or delivery.correlation_id,
                attempts=outcome.attempts,
                delay=outcome.delay,
                for_delivery=delivery,
                priority=delivery.priority,
            )
        elif isinstance(outcome, Forward):
            self._broker.forward(delivery, outcome.queue)
        reached("published")


def _megabytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // (1024 * 1024)
