"""What this worker is doing and waits for, written to the file that the command `status` reads."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faces.system import atomic_file
from worker.amqp.report import BrokerReport
from worker.jobs.context import Done
from worker.queue import status_file
from worker.queue.outcome import Failed, Forward, Outcome, Release
from worker.queue.status_file import ALL, NAMES, OF_BROKER, OF_SERVERS, Waiting, boot_seconds

_log = logging.getLogger(__name__)

_COUNTS: dict[type, str] = {Done: "done", Release: "released", Failed: "failed", Forward: "handed_on"}


#: A wait that begins again within so many seconds is still the same one: a broker that accepts a connection only to
#: close it again, a job that is tried in between.
_SAME_SECONDS = 15.0

#: Seconds between two looks at the connection to RabbitMQ.
_WATCH_SECONDS = 1.0


class Waits:
    """What is waited for now, and what was until a moment ago. Not for several threads: `Status` guards it."""

    def __init__(self) -> None:
        self._waits: dict[str, Waiting] = {}
        self._ended: dict[str, tuple[Waiting, float]] = {}

    def all(self) -> list[Waiting]:
        """In the order of `ALL`."""
        return [self._waits[what] for what in ALL if what in self._waits]

    def are(self, found: Mapping[str, str], among: Iterable[str], now: float, began: float | None = None) -> None:
        """From now on, `among` these, what was found is waited for and nothing else.

        Args:
            found: what, and why in words; other words for the same thing are no new wait.
            among: what was looked at.
            now: seconds since boot.
            began: when what is new began; None: now.
        """
        for what in among:
            if what in found:
                self._waits[what] = Waiting(what, found[what], self._since(what, now, now if began is None else began))
            elif ended := self._waits.pop(what, None):
                self._ended[what] = (ended, now)

    def forget(self, among: Iterable[str]) -> None:
        """None of these is waited for, and what begins from now on is new: the servers were available."""
        for what in among:
            self._waits.pop(what, None)
            self._ended.pop(what, None)

    def _since(self, what: str, now: float, began: float) -> float:
        if what in self._waits:
            return self._waits[what].since
        ended, at = self._ended.get(what, (None, 0.0))
        return ended.since if ended and now - at < _SAME_SECONDS else began


class Status:
    """Keeps the file of this worker. Where it cannot be written, the worker works on without.

    Told by the main thread what it does, and by `watching`'s thread how the connection is. Threads may share it.
    """

    def __init__(self, state: Path, queues: Sequence[str]) -> None:
        """Make it, and count what workers left that were killed."""
        self._folder = status_file.folder_of(state)
        self._report = status_file.new(queues, time.time())
        self._file = self._folder / f"{self._report.pid}.json"
        self._guard = threading.RLock()
        self._does = "starting"
        self._waits = Waits()
        self._broker: BrokerReport | None = None
        self._broker_heard_at = boot_seconds()
        self._written: str | None = None
        self._broken = False
        self.ordered_to_wait: str | None = None
        with self._best_effort():
            status_file.sweep(self._folder)
        self.starting()

    def starting(self) -> None:
        """It is not ready for jobs yet."""
        self._set("starting", {"start": "it is starting"})

    def working(self, **job: Any) -> None:
        """A job is in hand. Only its end tells whether what was waited for is available."""
        with self._guard:
            self._waits.forget(["start"])
            self._does, self._report.job = "working", job
            self._write()

    def idle(self) -> None:
        """There is nothing to do."""
        with self._guard:
            self._report.job = None
            self._set("idle", {})

    def waiting(self, reason: str | None, what: str = "other") -> None:
        """Something is unavailable: `what` is one of `status_file.ALL`. The job in hand, if there is one, stays."""
        self._set("waiting", {what: reason or "something is away"})

    def ordered(self, reason: str | None) -> None:
        """The app forbids that jobs are taken, or (None) allows it again; said once."""
        if reason == self.ordered_to_wait:
            return
        _log.info("%s", f"no job is taken: {reason}" if reason else "jobs may be taken again")
        with self._guard:
            self.ordered_to_wait, self._report.job = reason, None
            self._set("ordered to wait" if reason else "idle", {})

    def ended(self, outcome: Outcome) -> None:
        """A job's outcome. One that ended for good shows that the servers were available."""
        with self._guard:
            if name := _COUNTS.get(type(outcome)):
                self._report.counts[name] += 1
            if not isinstance(outcome, Release):
                self._waits.forget(OF_SERVERS)
            self._does, self._report.job = "idle", None
            self._write()

    def broker(self, report: BrokerReport) -> None:
        """How the connection is; may be told every second."""
        with self._guard:
            now = boot_seconds()
            if report != self._broker:
                self._note_broker(report, now)
            self._broker, self._broker_heard_at = report, now
            self._write()

    def refused(self, job: str) -> None:
        """A job, by its uuid, was refused by a server and waits at the queue's tail."""
        with self._guard:
            lately = {known: self._report.refused[known] for known in self._report.refused_jobs}
            self._report.refused = lately | {job: boot_seconds()}
            self._write()

    def settled(self, job: str) -> None:
        """That job is done or failed."""
        with self._guard:
            if self._report.refused.pop(job, None) is not None:
                self._write()

    def unrecorded(self, messages: int) -> None:
        """How many messages wait in the queues `<queue>.unrecorded` now."""
        with self._guard:
            self._report.unrecorded = messages
            self._write()

    def looked(self, age: float) -> None:
        """So many seconds ago a process looked at what the app changed of people and groups."""
        with self._guard:
            self._report.looked = boot_seconds() - age
            self._write()

    @contextlib.contextmanager
    def watching(self, look: Callable[[], BrokerReport]) -> Iterator[None]:
        """Within this, a thread looks once a second how the connection is, whatever the main thread is busy with."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.is_set():
                self.broker(look())
                ended.wait(_WATCH_SECONDS)

        thread = threading.Thread(target=watch, name="watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def close(self) -> None:
        """The worker ends in order."""
        with self._guard, self._best_effort():
            status_file.count_ended(self._folder, [self._report.counts])
            self._file.unlink(missing_ok=True)

    def _set(self, does: str, found: dict[str, str]) -> None:
        """What the worker does, and what it waits for beside RabbitMQ."""
        with self._guard:
            self._waits.are(found, OF_SERVERS, boot_seconds())
            self._does = does
            self._write()

    def _note_broker(self, report: BrokerReport, now: float) -> None:
        known, since = self._broker, self._report.broker and self._report.broker["since"]
        began = now
        if known is None or (known.connected, known.since) != (report.connected, report.since):
            # It began after the report before this one, whatever the clock of `since` did meanwhile.
            began = since = now - min(max(time.time() - report.since, 0.0), now - self._broker_heard_at)
        self._waits.are(_waits_for_broker(report, self._report.queues), OF_BROKER, now, began)
        self._report.broker = asdict(report) | {"since": since, "missing": list(report.missing)}

    def _write(self) -> None:
        """Where it is new."""
        self._report.waiting = self._waits.all()
        self._report.state, self._report.reason = self._does, None
        if self._does == "ordered to wait":
            self._report.reason = self.ordered_to_wait
        elif self._does != "working":
            # It is not idle while something keeps it from jobs.
            waits = [wait for wait in self._report.waiting if wait.what != "start" or self._does != "starting"]
            if waits:
                self._report.state, self._report.reason = "waiting", waits[0].why
        with self._best_effort():
            # Not `asdict` of the whole: it copies each value in it, several times a job.
            text = json.dumps({name: getattr(self._report, name) for name in NAMES}, default=asdict)
            if text != self._written:
                self._folder.mkdir(parents=True, exist_ok=True)
                atomic_file.replace(self._file, text.encode())
            self._written, self._broken = text, False

    @contextlib.contextmanager
    def _best_effort(self) -> Iterator[None]:
        """Rather no file than an old one, which would not be true."""
        try:
            yield
        except OSError as error:
            if not self._broken:
                _log.warning("`status` will not show this worker: %s", error)
            self._broken, self._written = True, None
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)


def _waits_for_broker(report: BrokerReport, queues: Iterable[str]) -> dict[str, str]:
    """What of RabbitMQ keeps a worker of these queues from its jobs, and why; of several queues one may be missing."""
    if not report.connected:
        return {"broker": report.reason or "not connected yet"}
    found = {"blocked": report.blocked} if report.blocked else {}
    if report.refused:
        found["queue"] = report.refused
    elif report.missing and set(queues) <= set(report.missing):
        found["queue"] = f"there is no queue {', '.join(report.missing)}"
    return found
