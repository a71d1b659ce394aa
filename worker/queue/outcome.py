"""What becomes of a job: done, later, never, or refused by a server. Decides; the handling of the delivery acts."""

from __future__ import annotations

from dataclasses import dataclass

from faces.errors import AnswerLost, FacesError, JobError, LockError, PhotoDeclined, PhotoError, WorldError
from worker.jobs.context import Done
from worker.laravel.limits import Limits

#: Seconds after which a job is tried again whose image another job has in hand.
LOCK_DELAY = 10


@dataclass(frozen=True, slots=True)
class Release:
    """Try again in `delay` seconds; `attempts` is what the next header will say."""

    delay: int
    attempts: int
    reason: str
    refused: FacesError | None = None
    """The server's refusal, where that is why: the circuit opens with it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Never: recorded in failed_jobs, then rejected."""

    reason: str
    aside: bool = False
    """Whether the message is kept whole in a second queue, because its record is not whole."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A server refused the job, or seems to: whether that counts as a try, the evidence of other jobs decides."""

    error: FacesError


@dataclass(frozen=True, slots=True)
class Forward:
    """Not ours: hand it on unchanged."""

    queue: str


Outcome = Done | Release | Failed | Refused | Forward


def outcome_of(
    error: Exception, attempt: int, limits: Limits, now: float, exceptions: int, *, counts_as_try: bool = False
) -> Outcome:
    """Decide what an error means for a job, as the tree of faces/errors.py has it.

    A server's refusal costs no try, and neither does a lock that another job holds; the photo's and the message's
    faults end the job; all others are tried `limits.tries` times.

    Args:
        error: how the attempt ended.
        attempt: which one it was, from 1.
        limits: the job's.
        now: Unix seconds.
        exceptions: how many attempts of this job ended in an error, this one included.
        counts_as_try: whether other jobs have shown that what looks like a server's fault is this job's.
    """
    if isinstance(error, PhotoDeclined):
        return Done(note=f"declined: {error}")
    if isinstance(error, LockError):
        return Release(LOCK_DELAY, attempt - 1, str(error))
    if isinstance(error, WorldError) and not counts_as_try:
        return Refused(error)
    timed_out = isinstance(error, AnswerLost) and error.timed_out and limits.fail_on_timeout
    if isinstance(error, PhotoError | JobError) or timed_out or limits.are_spent(attempt, now, exceptions):
        return Failed(f"{limits.attempt_of(attempt)}: {error}")
    return Release(limits.delay_after(attempt), attempt, f"{limits.attempt_of(attempt)}: {error}")
