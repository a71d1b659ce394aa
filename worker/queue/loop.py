"""Takes one delivery after the other until somebody or something says stop."""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from faces.errors import CacheUnavailable
from worker.amqp.broker import Broker
from worker.laravel.crash_marks import CrashMarks
from worker.laravel.orders import Orders
from worker.queue.aside import Aside
from worker.queue.changes import Changes
from worker.queue.circuit import Circuit
from worker.queue.evidence import Evidence
from worker.queue.handling import Handling
from worker.queue.pulse import Pulse
from worker.queue.status import Status
from worker.queue.stop import Stop
from worker.queue.work import Work

_log = logging.getLogger(__name__)

#: Seconds to wait for a delivery before looking at orders again, and between two looks.
_IDLE_SECONDS = 1.0
_ORDERS_SECONDS = 3.0

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
        evidence: Evidence,
        until: Until,
        stop: Stop,
        status: Status,
        pulse: Pulse,
        changes: Changes,
    ) -> None:
        """Nothing is taken before `run`."""
        self._broker, self._queues = broker, queues
        self._circuit, self._orders, self._marks, self._evidence = circuit, orders, marks, evidence
        self._until, self._stop, self._status, self._pulse = until, stop, status, pulse
        self._changes = changes
        self._aside = Aside(broker, queues, status)
        self._handling = Handling(
            broker, self._aside, work, circuit, evidence, marks, stop, status, pulse, self._hold_back
        )
        self._started, self._jobs = time.monotonic(), 0
        self._looked_at_orders = 0.0
        self._held_back = False

    def run(self) -> int:
        """Work; returns the exit code."""
        try:
            return self._run()
        finally:
            # Else the other workers never learn of its last jobs.
            with suppress(CacheUnavailable):
                self._evidence.share()

    def _run(self) -> int:
        while (code := self._reason_to_leave()) is None:
            self._pulse.back_after(0)
            if not self._may_take():
                self._stop.wait(_IDLE_SECONDS)
                continue
            was_connected = self._broker.is_connected
            delivery = self._broker.next(_IDLE_SECONDS)
            if delivery is not None:
                self._jobs += self._handling.handle(delivery)
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
        self._aside.look()
        try:
            if self._orders.should_restart():
                _log.info("queue:restart was given: leaving")
                self._stop.set()
            self._status.ordered(self._reason_to_wait())
            self._marks.remove_left()
            self._evidence.share()
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
            self._status.waiting(self._circuit.reason, self._circuit.waits_for)
            return self._circuit.wait(_IDLE_SECONDS)
        return True

    def _hold_back(self) -> None:
        if not self._held_back:
            self._held_back = True
            self._broker.pause()


def _megabytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // (1024 * 1024)
