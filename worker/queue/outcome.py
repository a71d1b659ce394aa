"""What becomes of a job: done, later, never, or refused by the world. Decides; the consumer acts."""

from __future__ import annotations

from dataclasses import dataclass

from faces.errors import AnswerLost, FacesError, JobError, LockError, PhotoDeclined, PhotoError, WorldError
from worker.laravel.chain import NewJob
from worker.queue.limits import Limits

#: Seconds after which a job is tried again whose image somebody else has in hand.
LOCK_DELAY = 10


@dataclass(frozen=True, slots=True)
class Done:
    """The job is done: publish these, then ack."""

    jobs: tuple[NewJob, ...] = ()
    note: str = ""
    """What the log line says; empty where all of the job was done just now."""
    aside: bool = False
    """Whether the message is kept whole in a queue beside, because a note of it in failed_jobs is not whole."""


@dataclass(frozen=True, slots=True)
class Release:
    """Try again in `delay` seconds; `attempts` is what the next header will say."""

    delay: int
    attempts: int
    reason: str
    refused: FacesError | None = None
    """How the world refused the job, where that is why."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Never: recorded in failed_jobs, then rejected."""

    reason: str
    aside: bool = False
    """Whether the message is kept whole in a queue beside, because its record is not whole."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The world refused the job, or seems to: what that means, other jobs tell."""

    error: FacesError


@dataclass(frozen=True, slots=True)
class Forward:
    """Not ours: hand it on unchanged."""

    queue: str


Outcome = Done | Release | Failed | Refused | Forward

#: What the world refuses a job with, or seems to.
OF_THE_WORLD = WorldError


def outcome_of(
    error: Exception, attempt: int, limits: Limits, now: float, exceptions: int, *, is_its_own: bool = False
) -> Outcome:
    """Decide what an error means for a job, as the tree of faces/errors.py has it.

    The world's faults cost no try, and neither does a lock that another worker holds; the photo's and the message's
    end the job; all others are tried `limits.tries` times.

    Args:
        error: how the attempt ended.
        attempt: which one it was, from 1.
        limits: the job's.
        now: Unix seconds.
        exceptions: how many attempts of this job ended in an error, this one included.
        is_its_own: whether other jobs have shown that what looks like the world's fault is this job's.
    """
    if isinstance(error, PhotoDeclined):
        return Done(note=f"declined: {error}")
    if isinstance(error, LockError):
        return Release(LOCK_DELAY, attempt - 1, str(error))
    if isinstance(error, WorldError) and not is_its_own:
        return Refused(error)
    if isinstance(error, PhotoError | JobError) or _is_over(error, attempt, limits, now, exceptions):
        return Failed(f"{limits.attempt_of(attempt)}: {error}")
    return Release(limits.delay_after(attempt), attempt, f"{limits.attempt_of(attempt)}: {error}")


def _is_over(error: Exception, attempt: int, limits: Limits, now: float, exceptions: int) -> bool:
    timed_out = isinstance(error, AnswerLost) and error.timed_out and limits.fail_on_timeout
    return timed_out or limits.are_spent(attempt, now, exceptions)
