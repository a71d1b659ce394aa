"""The face job of one delivery: lock, photo, faces, rows and what follows the commit, so that nothing is lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from faces.errors import (
    CrashedTooOften,
    FacesError,
    LockHeld,
    LockLost,
    PhotoDeclined,
    SchemaError,
    TriedTooOften,
    Unavailable,
    UnreadableMessage,
)
from faces.settings import Settings
from faces.store.failed_jobs import uuid_of
from worker import completion
from worker.amqp.delivery import Delivery
from worker.cache.app_cache import AppCache, Values
from worker.cache.crash_marks import CrashMarks
from worker.cache.image_lock import ImageLock, image_lock
from worker.consumer.job_log import JobLog
from worker.consumer.limits import Limits
from worker.consumer.outcome import Done, Failed, Outcome, outcome_of
from worker.consumer.recorder import Recorder
from worker.consumer.stop import Stop
from worker.errand import Errand, settle
from worker.laravel import chain
from worker.laravel.chain import NewJob
from worker.laravel.payload import Command, Envelope, attempts_of
from worker.process import Processed, Tools, finish_if_done, process_image
from worker.steps import reached

_log = logging.getLogger(__name__)

#: Workers that one job may end before it fails.
CRASHES_ALLOWED = 2

#: Seconds to wait for a lock before the job is put off: somebody may just be finishing.
_LOCK_WAIT = 3.0

#: Seconds for which Laravel counts a job's exceptions.
_EXCEPTIONS_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Job:
    """A face job with all that its message says."""

    delivery: Delivery
    envelope: Envelope
    command: Command
    image_id: int
    attempt: int
    limits: Limits

    @property
    def uuid(self) -> str:
        """What the job is called wherever it is counted, also where its publisher gave it no name."""
        return self.envelope.uuid or str(uuid_of(self.envelope.body))


@dataclass(frozen=True, slots=True)
class FaceJobs:
    """Does face jobs. `locks` is None where the app's locks cannot be shared and somebody said to go without."""

    tools: Tools
    settings: Settings
    keys: Sequence[bytes]
    values: Values
    locks: AppCache | None
    marks: CrashMarks
    recorder: Recorder
    stop: Stop
    default_queue: str
    """Where a chain's next job goes that names no queue."""

    def outcome(self, delivery: Delivery, envelope: Envelope, log: JobLog) -> Outcome:
        """Do the job of one delivery.

        Raises:
            Unavailable, SchemaError: something is away; the job was no try.
        """
        attempt, limits = attempts_of(delivery.headers) + 1, Limits.of(envelope.limits, self.settings)
        try:
            command = Command.read(envelope, self.keys)
            job = Job(delivery, envelope, command, command.image_id, attempt, limits)
        except UnreadableMessage as error:
            self.recorder.record_message(delivery, error, envelope.uuid)
            reached("recorded")
            return Failed(str(error))
        log.know(image=job.image_id, attempt=attempt)
        log.started()
        try:
            with image_lock(self.locks, job.image_id, self.settings.lock_seconds, _LOCK_WAIT, self.stop) as lock:
                reached("locked")
                outcome = self._locked(job, lock, log)
        except (LockHeld, LockLost) as error:
            return outcome_of(error, attempt, limits, time.time(), 0)
        reached("unlocked")
        return replace(outcome, jobs=self._after(job)) if isinstance(outcome, Done) else outcome

    def _locked(self, job: Job, lock: ImageLock, log: JobLog) -> Outcome:
        """The job while nobody else has the image. Whoever ends in order leaves no mark of a crash."""
        errand = self._errand(job, lock)
        crashes = self.marks.begin(job.uuid)
        reached("marked")
        try:
            return self._attempt(job, errand, crashes, log)
        except Exception as error:  # noqa: BLE001  around one job, with its traceback in the log
            return self._end(job, errand, error)
        finally:
            self.marks.end(job.uuid)
            reached("unmarked")

    def _errand(self, job: Job, lock: ImageLock) -> Errand:
        batch = (job.command.batch_id, job.uuid) if job.command.batch_id else None
        return Errand(lock.is_ours, skip_done=True, dedup_key=job.command.dedup_key, batch=batch)

    def _attempt(self, job: Job, errand: Errand, crashes: int, log: JobLog) -> Done:
        refusal = _refusal(job, crashes)
        # A worker may have died after the commit: then nothing is run again, and what follows must follow.
        done = finish_if_done(self.tools, job.image_id, errand) if refusal else None
        if refusal and not done:
            raise refusal
        timeout = min(job.limits.timeout, self.settings.api_timeout)
        done = done or process_image(self.tools, job.image_id, errand, timeout)
        reached("committed")
        _tell(done, log)
        return Done(note="was done before" if done.done_already else "")

    def _end(self, job: Job, errand: Errand, error: Exception) -> Outcome:
        """What an attempt that ended in an error means; what is final is written here, under the lock."""
        if not isinstance(error, FacesError):
            _log.exception("a fault of our own in the job of image %d", job.image_id)
        outcome = outcome_of(error, job.attempt, job.limits, time.time(), self._exceptions(job, error))
        if isinstance(outcome, Failed):
            attempt = job.limits.attempt_of(job.attempt)
            self.recorder.record_job(job.delivery, job.envelope, error, attempt, job.image_id, errand)
            reached("recorded")
            self._forget_unique(job)
            if job.command.chain_catch_callbacks not in {None, b"a:0:{}"}:
                _log.warning("image %d: its chain's `catch` is code that only PHP can run: it was not", job.image_id)
        elif isinstance(error, PhotoDeclined):
            self.tools.store.write(lambda transaction: settle(transaction, errand))
            reached("committed")
        return outcome

    def _exceptions(self, job: Job, error: Exception) -> int:
        """How many of this job's attempts ended in an error, where its class limits that."""
        if job.limits.max_exceptions is None or isinstance(error, PhotoDeclined | Unavailable | SchemaError):
            return 0
        return self.values.increment(f"job-exceptions:{job.uuid}", _EXCEPTIONS_SECONDS)

    def _after(self, job: Job) -> tuple[NewJob, ...]:
        """What follows the commit, in a redelivery again: the app's event, the next job of the chain, unique locks."""
        now = int(time.time())
        event = self.settings.completion_event
        asked = completion.after(self.tools.store, self.tools.disks, job.image_id, event)
        jobs = [chain.new_job(asked.class_name, asked.task_data, asked.queue, now)] if asked else []
        try:
            following = chain.next_job(job.command, now, self.default_queue)
        except UnreadableMessage as error:
            self.recorder.record_message(job.delivery, error, job.envelope.uuid)
            _log.error("image %d is done, but its chain ends here and is in failed_jobs: %s", job.image_id, error)
        else:
            jobs += [following] if following else []
        self._forget_unique(job)
        if job.command.batch_id:
            _log.warning("image %d: its batch is counted; its `then`, `catch`, `finally` only PHP runs", job.image_id)
        return tuple(jobs)

    def _forget_unique(self, job: Job) -> None:
        """The lock of a unique job goes with its success and its final failure, whoever holds it, as in Laravel."""
        if job.envelope.unique_key and self.locks:
            self.locks.forget_lock(job.envelope.unique_key)


def _refusal(job: Job, crashes: int) -> FacesError | None:
    """Why the job may not be run at all."""
    if crashes > CRASHES_ALLOWED:
        return CrashedTooOften(f"this job ended {crashes} workers in the middle: it is not run again")
    if job.limits.forbid(job.attempt, time.time()):
        return TriedTooOften(f"{job.envelope.class_name} has been attempted too many times")
    return None


def _tell(done: Processed, log: JobLog) -> None:
    nearest = min(done.distances, default=None)
    log.know(
        faces=None if done.done_already else done.found,
        linked=done.linked or None,
        scale=done.scale,
        distance=None if nearest is None else round(nearest, 3),
        api_seconds=done.seconds,
    )
    for warning in done.warnings:
        _log.warning("image %d: %s", done.image_id, warning)
