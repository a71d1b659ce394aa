"""A delivery as a job: what its message says of it, as far as that can be read."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from faces.errors import UnreadableMessage
from faces.settings import Settings
from faces.store.failed_jobs import uuid_of
from worker.amqp.delivery import Delivery
from worker.laravel.limits import JobLimits
from worker.laravel.message import Envelope, attempts_of
from worker.queue.limits import Limits

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One delivery's job."""

    delivery: Delivery
    envelope: Envelope | None
    """None where the message is no job as Laravel writes it: `unreadable` says why."""
    attempt: int
    """Which one this is, from 1."""
    limits: Limits
    """The message's own, and the settings' where it says nothing."""
    unreadable: UnreadableMessage | None = None

    @classmethod
    def read(cls, delivery: Delivery, settings: Settings) -> Job:
        """Read a delivery; what cannot be read is told by the job itself."""
        attempt = attempts_of(delivery.headers) + 1
        try:
            envelope = Envelope.decode(delivery.body)
        except UnreadableMessage as error:
            unreadable = error
        except Exception:  # noqa: BLE001  around one job: a message that our reader breaks on must end, too
            _log.exception("a fault of our own in reading a message")
            unreadable = UnreadableMessage("our reader broke on this message, see the log")
        else:
            return cls(delivery, envelope, attempt, Limits.of(envelope.limits, settings))
        return cls(delivery, None, attempt, Limits.of(JobLimits(), settings), unreadable)

    @property
    def uuid(self) -> str:
        """What the job is called wherever it is counted, also where its publisher gave it no name."""
        return (self.envelope.uuid if self.envelope else None) or str(uuid_of(self.delivery.body))

    @property
    def attempt_text(self) -> str:
        """Words for a person: which attempt of how many; that it never ran, where it cannot be read."""
        return self.limits.attempt_of(self.attempt) if self.envelope else "not run"
