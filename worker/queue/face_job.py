"""The face job of one delivery: lock, photo, faces, rows and what follows the commit, so that nothing is lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from faces.client.face_answer import SANE_ID
from faces.errors import (
    CrashedTooOften,
    FacesError,
    LockHeld,
    LockLost,
    PhotoDeclined,
    TriedTooOften,
    UnreadableMessage,
)
from faces.settings import Settings
from faces.store.database import Transaction
from faces.store.failed_jobs import uuid_of
from worker.jobs.errand import Errand, settle
from worker.jobs.faces import Processed, Tools, finish_if_done, process_image
from worker.laravel import chain, completion
from worker.laravel.app_cache import AppCache, Values
from worker.laravel.chain import NewJob
from worker.laravel.crash_marks import CrashMarks
from worker.laravel.failures import Recorder
from worker.laravel.image_lock import ImageLock, image_lock
from worker.laravel.message import Command, Envelope
from worker.queue.evidence import Evidence
from worker.queue.job import Job
from worker.queue.job_log import JobLog
from worker.queue.outcome import OF_THE_WORLD, Done, Failed, Outcome, Refused, outcome_of
from worker.queue.steps import reached
from worker.queue.stop import Stop
from worker.queue.work import CRASHES_ALLOWED

_log = logging.getLogger(__name__)

#: Seconds to wait for a lock before the job is put off: somebody may just be finishing.
_LOCK_WAIT = 3.0

#: Seconds for which Laravel counts a job's exceptions.
_EXCEPTIONS_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class _FaceJob:
    """A face job with all that its message says."""

    job: Job
    envelope: Envelope
    command: Command
    image_id: int

    @classmethod
    def read(cls, job: Job, keys: Sequence[bytes]) -> _FaceJob:
        """Read a job of our class.

        Raises:
            UnreadableMessage: it is none as Laravel writes it.
        """
        if job.envelope is None:
            raise job.unreadable or UnreadableMessage("the message is no job")
        command = Command.read(job.envelope, keys)
        return cls(job, job.envelope, command, command.image_id)

    def errand(self, lock: ImageLock | None = None) -> Errand:
        """What it adds to the transaction that ends it; after its lock the image's row alone decides."""
        batch = (self.command.batch_id, self.job.uuid) if self.command.batch_id else None
        errand = Errand(skip_done=True, dedup_key=self.command.dedup_key, batch=batch, request_id=self.request_id)
        return replace(errand, still_ours=lock.is_ours) if lock else errand

    @property
    def request_id(self) -> str:
        """What its request is called in the face API's log: known before, so also where no answer comes."""
        name = f"{self.job.uuid}.{self.job.attempt}"
        return name if SANE_ID.fullmatch(name) else f"{uuid_of(self.envelope.body)}.{self.job.attempt}"


@dataclass(frozen=True, slots=True)
class _Leaving:
    """What a job has in the app's cache, which goes with its transaction where that is the same database."""

    marks: CrashMarks
    uuid: str
    lock: ImageLock

    def within(self, transaction: Transaction) -> None:
        """The lock last, for which others may wait."""
        self.marks.end_within(transaction, self.uuid)
        self.lock.give_back_within(transaction)

    def committed(self) -> None:
        """It is gone."""
        self.marks.ended_within(self.uuid)
        self.lock.given_back_within()


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
    evidence: Evidence
    stop: Stop
    default_queue: str
    """Where a chain's next job goes that names no queue."""

    def outcome(self, job: Job, log: JobLog) -> Outcome:
        """Do a job.

        Raises:
            OF_THE_WORLD: the world refused it; the job was no try.
        """
        try:
            face_job = _FaceJob.read(job, self.keys)
        except UnreadableMessage as error:
            return self._unreadable(job, error)
        log.know(image=face_job.image_id, attempt=job.attempt)
        log.started()
        seconds = self.settings.lock_seconds
        try:
            with image_lock(self.locks, face_job.image_id, seconds, _LOCK_WAIT, self.stop) as lock:
                reached("locked")
                outcome = self._locked(face_job, lock, log)
        except (LockHeld, LockLost) as error:
            return outcome_of(error, job.attempt, job.limits, time.time(), 0)
        reached("unlocked")
        return self._followed(face_job, outcome) if isinstance(outcome, Done) else outcome

    def end(self, job: Job, error: Exception) -> Outcome:
        """The end of a try by an error that is the job's own, met outside of its lock.

        Raises:
            OF_THE_WORLD: what is final could not be recorded.
        """
        try:
            face_job = _FaceJob.read(job, self.keys)
        except UnreadableMessage as unreadable:
            return self._unreadable(job, unreadable)
        return self._end(face_job, face_job.errand(), error, is_its_own=True)

    def _unreadable(self, job: Job, error: UnreadableMessage) -> Failed:
        whole = self.recorder.record_message(job, error)
        reached("recorded")
        return Failed(str(error), aside=not whole)

    def _locked(self, face_job: _FaceJob, lock: ImageLock, log: JobLog) -> Outcome:
        """The job while nobody else has the image. Whoever ends in order leaves no mark of a crash."""
        uuid = face_job.job.uuid
        leaving = _Leaving(self.marks, uuid, lock)
        errand = replace(face_job.errand(lock), know=log.know, leave=leaving.within, left=leaving.committed)
        crashes = self.marks.begin(uuid)
        reached("marked")
        try:
            return self._attempt(face_job, errand, crashes, log)
        except Exception as error:  # noqa: BLE001  around one job, with its traceback in the log
            # What comes after the commit that gave the lock back is the end of a job without one.
            return self._end(face_job, errand if lock.is_held else face_job.errand(), error)
        finally:
            self.marks.end(uuid)
            reached("unmarked")

    def _attempt(self, face_job: _FaceJob, errand: Errand, crashes: int, log: JobLog) -> Done:
        refusal = _refusal(face_job, crashes)
        # A worker may have died after the commit: then nothing is run again, and what follows must follow.
        done = finish_if_done(self.tools, face_job.image_id, errand) if refusal else None
        if refusal and not done:
            raise refusal
        timeout = min(face_job.job.limits.timeout, self.settings.api_timeout)
        done = done or process_image(self.tools, face_job.image_id, errand, timeout)
        errand.left()
        reached("committed")
        _tell(done, log)
        return Done(note="was done before" if done.done_already else "")

    def _end(self, face_job: _FaceJob, errand: Errand, error: Exception, *, is_its_own: bool = False) -> Outcome:
        """What an attempt that ended in an error means; what is final is recorded, under the lock where it is held."""
        job, image_id = face_job.job, face_job.image_id
        if not isinstance(error, FacesError):
            _log.exception("a fault of our own in the job of image %d", image_id, exc_info=error)
        if not is_its_own and isinstance(error, FacesError) and self.evidence.is_the_api_s(job.uuid, error):
            return Refused(error)
        exceptions = self._exceptions(job, error, is_its_own=is_its_own)
        outcome = outcome_of(error, job.attempt, job.limits, time.time(), exceptions, is_its_own=is_its_own)
        if isinstance(outcome, Failed):
            outcome = replace(outcome, aside=not self.recorder.record_job(job, error, image_id, errand))
            reached("recorded")
            self._forget_unique(face_job)
            if face_job.command.chain_catch_callbacks not in {None, b"a:0:{}"}:
                _log.warning("image %d: its chain's `catch` is code that only PHP can run: it was not", image_id)
        elif isinstance(error, PhotoDeclined):
            self.tools.store.write(lambda transaction: settle(transaction, errand))
            reached("committed")
        return outcome

    def _exceptions(self, job: Job, error: Exception, *, is_its_own: bool) -> int:
        """How many of this job's attempts ended in an error, where its class limits that."""
        is_the_world_s = isinstance(error, OF_THE_WORLD) and not is_its_own
        if job.limits.max_exceptions is None or is_the_world_s or isinstance(error, PhotoDeclined):
            return 0
        return self.values.increment(f"job-exceptions:{job.uuid}", _EXCEPTIONS_SECONDS)

    def _followed(self, face_job: _FaceJob, done: Done) -> Done:
        """What follows the commit, in a redelivery again: the app's event, the next job of the chain, unique locks."""
        now, image_id, command = int(time.time()), face_job.image_id, face_job.command
        event = self.settings.completion_event
        asked = completion.after(self.tools.store, self.tools.disks, image_id, event)
        jobs: list[NewJob] = [chain.new_job(asked.class_name, asked.task_data, asked.queue, now)] if asked else []
        whole = True
        try:
            following = chain.next_job(command, now, self.default_queue)
        except UnreadableMessage as error:
            whole = self.recorder.record_message(face_job.job, error)
            _log.error("image %d is done, but its chain ends here and is in failed_jobs: %s", image_id, error)
        else:
            jobs += [following] if following else []
        self._forget_unique(face_job)
        if command.batch_id:
            _log.warning("image %d: its batch is counted; its `then`, `catch`, `finally` only PHP runs", image_id)
        return replace(done, jobs=tuple(jobs), aside=not whole)

    def _forget_unique(self, face_job: _FaceJob) -> None:
        """The lock of a unique job goes with its success and its final failure, whoever holds it, as in Laravel."""
        if face_job.envelope.unique_key and self.locks:
            self.locks.forget_lock(face_job.envelope.unique_key)


def _refusal(face_job: _FaceJob, crashes: int) -> FacesError | None:
    """Why the job may not be run at all."""
    job = face_job.job
    if crashes > CRASHES_ALLOWED:
        return CrashedTooOften(f"this job ended {crashes} workers in the middle: it is not run again")
    if job.limits.forbid(job.attempt, time.time()):
        return TriedTooOften(f"{face_job.envelope.class_name} has been attempted too many times")
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
