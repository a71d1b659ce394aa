"""A delivery as a job: what its message says, as far as that can be read, and the lines that the log has of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from faces.errors import FacesError, UnreadableMessage
from faces.settings import Settings
from faces.store.failed_jobs import uuid_of
from worker.amqp.delivery import Delivery
from worker.jobs.context import Done
from worker.laravel.limits import JobLimits, Limits
from worker.laravel.message import Envelope, attempts_of
from worker.queue.outcome import Failed, Forward, Outcome, Release

_log = logging.getLogger(__name__)

#: Named for the reader of the log, who does not care where it is written.
_lines = logging.getLogger("worker.job")


@dataclass(frozen=True, slots=True)
class Job:
    """One delivery's job. Read once, when the delivery arrives, and handed on from there."""

    delivery: Delivery
    envelope: Envelope | None
    """None where the message is no job as Laravel writes it: `unreadable` says why."""
    attempt: int
    """Which one this is, from 1."""
    limits: Limits
    """The message's own, and the settings' where it says nothing."""
    uuid: str
    """What the job is called wherever it is counted, also where its publisher gave it no name."""
    unreadable: UnreadableMessage | None = None

    @classmethod
    def read(cls, delivery: Delivery, settings: Settings) -> Job:
        """Read a delivery; what cannot be read is told by the job itself."""
        attempt = attempts_of(delivery.properties.headers) + 1
        try:
            envelope = Envelope.decode(delivery.body)
        except UnreadableMessage as error:
            unreadable = error
        except Exception:  # noqa: BLE001  around one job: a message that our reader breaks on must end, too
            _log.exception("a fault of our own in reading a message")
            unreadable = UnreadableMessage("our reader broke on this message, see the log")
        else:
            uuid = envelope.uuid or str(uuid_of(delivery.body))
            return cls(delivery, envelope, attempt, Limits.of(envelope.limits, settings), uuid)
        limits = Limits.of(JobLimits(), settings)
        return cls(delivery, None, attempt, limits, str(uuid_of(delivery.body)), unreadable)

    @property
    def attempt_text(self) -> str:
        """Words for a person: which attempt of how many; that it never ran, where it cannot be read."""
        return self.limits.attempt_of(self.attempt) if self.envelope else "not run"

    @property
    def correlation_id(self) -> str | None:
        """What a release of the job has: the payload's `id`, else what the delivery had."""
        return (self.envelope.id if self.envelope else None) or self.delivery.correlation_id


class JobLog:
    """The lines of one job in the log: its start, and what became of it with all that a person asks for.

    Knows a job from its delivery to its end; `facts` go into JSON logs as fields, into text as `name=value`.
    """

    def __init__(self, delivery: Delivery, on_start: Callable[..., None]) -> None:
        """Begin to count the seconds; `on_start` is called with the facts of a job that begins."""
        self._start, self._on_start = time.monotonic(), on_start
        self._started = False
        self._facts: dict[str, Any] = {"queue": delivery.queue}
        if delivery.redelivered:
            self._facts["redelivered"] = True

    def know(self, **facts: Any) -> None:
        """Remember what was learned of the job; None is nothing."""
        self._facts |= {name: value for name, value in facts.items() if value is not None}

    def started(self) -> None:
        """The first line; a job that waited for a server and begins again has only one."""
        self._on_start(**self._facts)
        if not self._started:
            _lines.info("started", extra={"facts": dict(self._facts)})
        self._started = True

    def ended(self, outcome: Outcome) -> None:
        """The last line."""
        if isinstance(outcome, Done):
            self._say(logging.INFO, f"done: {outcome.note}" if outcome.note else "done")
        elif isinstance(outcome, Release):
            self._say(logging.WARNING, f"again in {outcome.delay} s: {outcome.reason}")
        elif isinstance(outcome, Failed):
            self._say(logging.ERROR, f"failed: {outcome.reason}")
        elif isinstance(outcome, Forward):
            self._say(logging.INFO, f"not ours, handed on to {outcome.queue}")

    def given_up(self) -> None:
        """The last line of a job that was left because the worker had to end at once."""
        self._say(logging.WARNING, "given back: the worker was told twice to stop")

    def left_to_redelivery(self, error: FacesError) -> None:
        """The last line where the broker delivers the job again: its connection was lost."""
        self._say(logging.WARNING, f"left to the next delivery: {error}")

    def not_published(self, error: FacesError) -> None:
        """A line more where RabbitMQ refuses what has to be published."""
        self._say(logging.WARNING, f"not published: {error}")

    def given_back(self, error: FacesError) -> None:
        """The last line where RabbitMQ took nothing at all of the job."""
        self._say(logging.ERROR, f"given back: {error}")

    def _say(self, level: int, words: str) -> None:
        seconds = round(time.monotonic() - self._start, 2)
        _lines.log(level, "%s", words, extra={"facts": self._facts | {"seconds": seconds}})
