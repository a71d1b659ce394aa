"""Takes one delivery after the other until it is told to stop, or has a reason of its own."""

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
from worker.laravel.orders import Orders
from worker.queue.aside import Aside
from worker.queue.attempt import Attempts
from worker.queue.circuit import Circuit
from worker.queue.handling import Handling
from worker.queue.supervision import Supervision

_log = logging.getLogger(__name__)

#: Seconds to wait for a delivery before looking at orders again, and between two looks.
_IDLE_SECONDS = 1.0
_ORDERS_SECONDS = 3.0

#: Exit code of `queue:work` when it leaves because of its memory.
MEMORY_EXIT = 12


@dataclass(frozen=True, slots=True)
class Until:
    """When a worker leaves by itself, as `queue:work`'s options say; 0 means never."""

    max_jobs: int = 0
    max_time: int = 0
    memory_mb: int = 0
    stop_when_empty: bool = False


class Consumer:
    """One worker: takes deliveries in its main thread and has each handled, while nothing forbids it.

    Made and run once a process, by the assembly. Looks every few seconds for orders of the app (restart, pause,
    maintenance) and, while a server refuses, for changed settings or tables.
    """

    def __init__(
        self,
        broker: Broker,
        queues: Sequence[str],
        attempts: Attempts,
        circuit: Circuit,
        orders: Orders,
        until: Until,
        supervision: Supervision,
    ) -> None:
        self._broker, self._queues = broker, queues
        self._shared, self._circuit, self._orders, self._until = attempts.shared, circuit, orders, until
        self._stop, self._pulse = supervision.stop, supervision.pulse
        self._status, self._changes = supervision.status, supervision.changes
        self._aside = Aside(broker, queues, self._status)
        self._handling = Handling(broker, self._aside, attempts, circuit, supervision, self._hold_back)
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
                self._shared.evidence.share()

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
            self._handling.between_jobs()
            if self._until.stop_when_empty and was_connected and self._broker.is_connected:
                _log.info("the queue is empty")
                return 0
        return code

    def _reason_to_leave(self) -> int | None:
        """The exit code, once there is a reason to leave."""
        refusing = self._circuit.reason is not None or not self._broker.is_connected
        if reason := self._changes.reason_to_leave(refusing):
            _log.warning("leaving, to be started anew: %s", reason)
            self._stop.set()
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
        held_back = self._is_ordered_to_wait() or not self._circuit_lets_try()
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
            self._shared.marks.remove_left()
            self._shared.evidence.share()
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

    def _circuit_lets_try(self) -> bool:
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
