"""Attempts at jobs: from a delivery's job to its outcome, with the lock, marks, limits and what follows the commit.

Whatever a job meets becomes an outcome here. Knows no job class but by the registry, and touches no broker.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from faces.client.face_client import SANE_ID
from faces.errors import (
    CrashedTooOften,
    FacesError,
    LockError,
    PhotoDeclined,
    TriedTooOften,
    UnreadableMessage,
    WorldError,
)
from faces.laravel.disks import Disks
from faces.settings import Settings
from faces.store.database import Store, Transaction
from faces.store.failed_jobs import uuid_of
from worker.jobs.context import Context, Done, JobClass, reached
from worker.laravel import chain, completion
from worker.laravel.chain import NewJob
from worker.laravel.failures import Recorder
from worker.laravel.lock_and_mark import CrashMarks, ImageLock, image_lock
from worker.laravel.message import Command, Envelope
from worker.laravel.open_cache import OpenedCache
from worker.queue.evidence import TAIL_SECONDS, Evidence
from worker.queue.job import Job, JobLog
from worker.queue.outcome import Failed, Forward, Outcome, Refused, Release, outcome_of
from worker.queue.supervision import Stop

_log = logging.getLogger(__name__)

#: Workers that one job may end, and deliveries of it that may have to be dropped, before it fails.
CRASHES_ALLOWED = 2

#: Seconds to wait for a lock before the job is put off: the job that holds it may be about to finish.
_LOCK_WAIT = 3.0

#: Seconds for which Laravel counts a job's exceptions.
_EXCEPTIONS_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class LaravelApp:
    """The app whose jobs these are, as far as a job of any class needs it."""

    store: Store
    disks: Disks
    keys: Sequence[bytes]
    """What encrypted jobs are read with, the present key first."""
    default_queue: str
    """Takes a chain's next job that names no queue."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What this worker shares with the others and with PHP through the app's cache."""

    cache: OpenedCache
    marks: CrashMarks
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class _OwnJob:
    """A job whose class is in the registry, with all that its message says."""

    job: Job
    envelope: Envelope
    command: Command
    image_id: int
    job_class: JobClass

    def context(self) -> Context:
        """What it adds to the transaction that ends it. After its lock the image's row alone decides."""
        name = f"{self.job.uuid}.{self.job.attempt}"
        return Context(
            skip_done=True,
            dedup_key=self.command.dedup_key,
            batch=(self.command.batch_id, self.job.uuid) if self.command.batch_id else None,
            # Known before the request is sent, so that the log has it also where no answer comes.
            request_id=name if SANE_ID.fullmatch(name) else f"{uuid_of(self.envelope.body)}.{self.job.attempt}",
        )

    def done(self, context: Context, crashes: int) -> Done:
        """Have the job class do it, unless it may not be run at all: then an error says why."""
        refusal: FacesError
        if crashes > CRASHES_ALLOWED:
            refusal = CrashedTooOften(f"this job ended {crashes} workers in the middle: it is not run again")
        elif self.job.limits.forbid(self.job.attempt, time.time()):
            refusal = TriedTooOften(f"{self.envelope.class_name} has been attempted too many times")
        else:
            return self.job_class.do(context, self.image_id)
        # A worker may have died after the commit: then nothing is run again, and what follows must follow.
        if done := self.job_class.finish_if_done(context, self.image_id):
            return done
        raise refusal


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes the attempts of one worker, in its main thread; each delivery's handling asks for its outcome.

    The order of an attempt: lock, mark, limits, the job class (encode, then one transaction), unmark, unlock, and what
    follows the commit. The ack is the handling's, after all that.
    """

    jobs: Mapping[str, JobClass]
    """The registry, by the app's names of its classes."""
    app: LaravelApp
    shared: Shared
    recorder: Recorder
    settings: Settings
    stop: Stop

    def outcome(self, job: Job, log: JobLog) -> Outcome:
        """Do a job. Raises nothing that is an `Exception`."""
        try:
            outcome = self._outcome(job, log)
        except WorldError as error:
            return self.refused(job, error)
        except Exception as error:  # noqa: BLE001  around one job, with its traceback in the log
            _log.exception("a fault of our own outside of a job's work")
            return self.tried(job, error)
        return self.refused(job, outcome.error) if isinstance(outcome, Refused) else outcome

    def refused(self, job: Job, error: FacesError) -> Outcome:
        """What a server's refusal of a job means: the tail of the queue, or a try where the job itself is to blame."""
        refusal = self.shared.evidence.refused(job.uuid, error)
        if refusal.counts_as_try:
            _log.warning("job %s is refused by itself, others are done: a try", job.uuid)
            return self.tried(job, error, counts_as_try=True)
        return Release(refusal.delay, job.attempt - 1, str(error), refused=error)

    def tried(self, job: Job, error: Exception, *, counts_as_try: bool = False) -> Outcome:
        """The end of a try by an error that is the job's own. What cannot be recorded at all is set aside whole."""
        try:
            return self._end_unlocked(job, error)
        except WorldError as unrecorded:
            if not (counts_as_try or self.shared.evidence.refused(job.uuid, unrecorded).counts_as_try):
                return Release(TAIL_SECONDS[0], job.attempt - 1, str(unrecorded), refused=unrecorded)
            _log.error("the end of job %s is recorded nowhere: %s", job.uuid, unrecorded)
        except Exception:  # noqa: BLE001  around one job, with its traceback in the log
            _log.exception("a fault of our own where job %s was to be recorded", job.uuid)
        outcome = outcome_of(error, job.attempt, job.limits, time.time(), 0, counts_as_try=True)
        return Failed(outcome.reason, aside=True) if isinstance(outcome, Failed) else outcome

    def _outcome(self, job: Job, log: JobLog) -> Outcome:
        if job.delivery.redelivered and (dropped := self.shared.marks.dropped(job.uuid)) > CRASHES_ALLOWED:
            error = CrashedTooOften(f"the handling of this job broke {dropped} times: it is not run again")
            return self.tried(job, error)
        if job.envelope is None:
            return self._never(job, job.unreadable or UnreadableMessage("the message is no job"))
        reached("decoded")
        log.know(job=job.envelope.uuid)
        try:
            own = self._own(job)
        except UnreadableMessage as error:
            return self._never(job, error)
        return self._attempted(own, log) if own else self._foreign(job, job.envelope.class_name, log)

    def _own(self, job: Job) -> _OwnJob | None:
        """The job with all that its message says; None where its class is not in the registry.

        Raises:
            UnreadableMessage: it is no job as Laravel writes it.
        """
        job_class = self.jobs.get(job.envelope.class_name) if job.envelope else None
        if job.envelope is None or job_class is None:
            return None
        command = Command.read(job.envelope, self.app.keys)
        return _OwnJob(job, job.envelope, command, command.image_id, job_class)

    def _foreign(self, job: Job, class_name: str, log: JobLog) -> Outcome:
        log.know(job_class=class_name)
        if self.settings.foreign_jobs_queue:
            return Forward(self.settings.foreign_jobs_queue)
        known = ", ".join(self.jobs)
        sentence = (
            f"found a job of {class_name} on this queue, this worker does {known}: FACE_FOREIGN_JOBS_QUEUE names a "
            "queue of PHP's for such jobs, FACE_JOB_CLASS the app's own name of ours"
        )
        return self._never(job, UnreadableMessage(sentence))

    def _never(self, job: Job, error: Exception, reason: str | None = None) -> Failed:
        """The end of a message that is no job of ours."""
        whole = self.recorder.record_message(job, error)
        reached("recorded")
        return Failed(reason or str(error), aside=not whole)

    def _attempted(self, own: _OwnJob, log: JobLog) -> Outcome:
        log.know(image=own.image_id, attempt=own.job.attempt)
        log.started()
        locks, seconds = self.shared.cache.locks, self.settings.lock_seconds
        try:
            with image_lock(locks, own.image_id, seconds, _LOCK_WAIT, self.stop) as lock:
                reached("locked")
                outcome = self._locked(own, lock, log)
        except LockError as error:
            return outcome_of(error, own.job.attempt, own.job.limits, time.time(), 0)
        reached("unlocked")
        return self._followed(own, outcome) if isinstance(outcome, Done) else outcome

    def _locked(self, own: _OwnJob, lock: ImageLock, log: JobLog) -> Outcome:
        """The job while no other has the image. An orderly end leaves no mark of a crash.

        Mark and lock are given back in the transaction that ends the job where the app's cache is in its database;
        anywhere else, and where a job class wrote nothing, after it.
        """
        marks, uuid = self.shared.marks, own.job.uuid

        def leave(transaction: Transaction) -> None:
            """The lock last, for which others may wait."""
            marks.end_within(transaction, uuid)
            lock.give_back_within(transaction)

        timeout = min(own.job.limits.timeout, self.settings.api_timeout)
        context = replace(own.context(), still_ours=lock.is_ours, leave=leave, timeout=timeout, know=log.know)
        crashes = marks.begin(uuid)
        reached("marked")
        try:
            done = own.done(context, crashes)
            marks.ended_within(uuid)
            lock.given_back_within()
            reached("committed")
        except Exception as error:  # noqa: BLE001  around one job, with its traceback in the log
            # What comes after the commit that gave the lock back is the end of a job without one.
            return self._end(own, context if lock.is_held else own.context(), error)
        else:
            return done
        finally:
            marks.end(uuid)
            reached("unmarked")

    def _end(self, own: _OwnJob, context: Context, error: Exception, *, counts_as_try: bool = False) -> Outcome:
        """What an attempt that ended in an error means; what is final is recorded, under the lock where it is held."""
        job, image_id = own.job, own.image_id
        if not isinstance(error, FacesError):
            _log.exception("a fault of our own in the job of image %d", image_id, exc_info=error)
        if not counts_as_try and isinstance(error, FacesError) and self.shared.evidence.blames_api(job.uuid, error):
            return Refused(error)
        exceptions = self._exceptions(job, error, counts_as_try=counts_as_try)
        outcome = outcome_of(error, job.attempt, job.limits, time.time(), exceptions, counts_as_try=counts_as_try)
        if isinstance(outcome, Failed):
            outcome = replace(outcome, aside=not self.recorder.record_job(job, error, image_id, context))
            reached("recorded")
            self._forget_unique(own)
            if own.command.chain_catch_callbacks not in {None, b"a:0:{}"}:
                _log.warning("image %d: its chain's `catch` is code that only PHP can run: it was not", image_id)
        elif isinstance(error, PhotoDeclined):
            self.app.store.write(context.settle)
            reached("committed")
        return outcome

    def _end_unlocked(self, job: Job, error: Exception) -> Outcome:
        """The end of a try by an error that is the job's own, met outside of its lock.

        Raises:
            WorldError: what is final could not be recorded.
        """
        try:
            own = self._own(job)
        except UnreadableMessage as unreadable:
            return self._never(job, unreadable)
        if own:
            return self._end(own, own.context(), error, counts_as_try=True)
        outcome = outcome_of(error, job.attempt, job.limits, time.time(), 0, counts_as_try=True)
        return self._never(job, error, outcome.reason) if isinstance(outcome, Failed) else outcome

    def _exceptions(self, job: Job, error: Exception, *, counts_as_try: bool) -> int:
        """How many of this job's attempts ended in an error, where its class limits that."""
        is_refusal = isinstance(error, WorldError) and not counts_as_try
        if job.limits.max_exceptions is None or is_refusal or isinstance(error, PhotoDeclined):
            return 0
        return self.shared.cache.values.increment(f"job-exceptions:{job.uuid}", _EXCEPTIONS_SECONDS)

    def _followed(self, own: _OwnJob, done: Done) -> Done:
        """What follows the commit, in a redelivery again: the app's event, the next job of the chain, unique locks."""
        now, image_id, command = int(time.time()), own.image_id, own.command
        asked = completion.after(self.app.store, self.app.disks, image_id, self.settings.completion_event)
        event: list[NewJob] = [chain.new_job(asked.class_name, asked.task_data, asked.queue, now)] if asked else []
        following, whole = None, True
        try:
            following = chain.next_job(command, now, self.app.default_queue)
        except UnreadableMessage as error:
            whole = self.recorder.record_message(own.job, error)
            _log.error("image %d is done, but its chain ends here and is in failed_jobs: %s", image_id, error)
        self._forget_unique(own)
        if command.batch_id:
            _log.warning("image %d: its batch is counted; its `then`, `catch`, `finally` only PHP runs", image_id)
        return replace(done, jobs=(*done.jobs, *event, *([following] if following else [])), aside=not whole)

    def _forget_unique(self, own: _OwnJob) -> None:
        """Remove the lock of a unique job at its success and its final failure, whoever holds it, as Laravel does."""
        if own.envelope.unique_key and self.shared.cache.locks:
            self.shared.cache.locks.forget_lock(own.envelope.unique_key)
