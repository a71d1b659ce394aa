"""From a delivery to its outcome: which class's job it is, what is no job of ours, and whose fault an error is.

Whatever a job meets becomes an outcome here. Touches no broker.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from faces.errors import CrashedTooOften, FacesError, UnreadableMessage
from faces.settings import Settings
from worker.amqp.delivery import Delivery
from worker.laravel.crash_marks import CrashMarks
from worker.laravel.failures import Recorder
from worker.queue.evidence import TAIL_SECONDS, Evidence
from worker.queue.job import Job
from worker.queue.job_log import JobLog
from worker.queue.outcome import OF_THE_WORLD, Failed, Forward, Outcome, Refused, Release, outcome_of
from worker.queue.steps import reached

_log = logging.getLogger(__name__)

#: Workers that one job may end, and deliveries of it that may have to be dropped, before it fails.
CRASHES_ALLOWED = 2


class JobClass(Protocol):
    """Does the jobs of one class."""

    def outcome(self, job: Job, log: JobLog) -> Outcome:
        """Do a job.

        Raises:
            OF_THE_WORLD: the world refused it; the job was no try.
        """

    def end(self, job: Job, error: Exception) -> Outcome:
        """The end of a try by an error that is the job's own; what is final is recorded.

        Raises:
            OF_THE_WORLD: it could not be recorded.
        """


@dataclass(frozen=True, slots=True)
class Work:
    """What the worker can do: `jobs` is the table of classes of jobs; another one is one more line where it is made."""

    jobs: Mapping[str, JobClass]
    recorder: Recorder
    settings: Settings
    evidence: Evidence
    marks: CrashMarks

    def outcome(self, delivery: Delivery, log: JobLog) -> Outcome:
        """Do a delivery's job. Raises nothing that is an `Exception`."""
        try:
            outcome = self._outcome(Job.read(delivery, self.settings), log)
        except OF_THE_WORLD as error:
            return self.refused(delivery, error)
        except Exception as error:  # noqa: BLE001  around one job, with its traceback in the log
            _log.exception("a fault of our own outside of a job's work")
            return self.tried(delivery, error)
        return self.refused(delivery, outcome.error) if isinstance(outcome, Refused) else outcome

    def uuid_of(self, delivery: Delivery) -> str:
        """What a delivery's job is counted under."""
        return Job.read(delivery, self.settings).uuid

    def refused(self, delivery: Delivery, error: FacesError) -> Outcome:
        """What the world's refusal of a job means: the tail of the queue, or a try where it is the job's own."""
        job = Job.read(delivery, self.settings)
        refusal = self.evidence.refused(job.uuid, error)
        if refusal.is_its_own:
            _log.warning("job %s is refused by itself, others are done: a try", job.uuid)
            return self.tried(delivery, error, is_its_own=True)
        return Release(refusal.delay, job.attempt - 1, str(error), refused=error)

    def tried(self, delivery: Delivery, error: Exception, *, is_its_own: bool = False) -> Outcome:
        """The end of a try by an error that is the job's own. What cannot be recorded at all is set aside whole."""
        job = Job.read(delivery, self.settings)
        try:
            return self._end(job, error)
        except OF_THE_WORLD as unrecorded:
            if not (is_its_own or self.evidence.refused(job.uuid, unrecorded).is_its_own):
                return Release(TAIL_SECONDS[0], job.attempt - 1, str(unrecorded), refused=unrecorded)
            _log.error("the end of job %s is recorded nowhere: %s", job.uuid, unrecorded)
        except Exception:  # noqa: BLE001  around one job, with its traceback in the log
            _log.exception("a fault of our own where job %s was to be recorded", job.uuid)
        outcome = outcome_of(error, job.attempt, job.limits, time.time(), 0, is_its_own=True)
        return Failed(outcome.reason, aside=True) if isinstance(outcome, Failed) else outcome

    def _outcome(self, job: Job, log: JobLog) -> Outcome:
        if job.delivery.redelivered and (dropped := self.marks.dropped(job.uuid)) > CRASHES_ALLOWED:
            error = CrashedTooOften(f"the handling of this job broke {dropped} times: it is not run again")
            return self.tried(job.delivery, error)
        if job.envelope is None:
            return self._never(job, job.unreadable or UnreadableMessage("the message is no job"))
        reached("decoded")
        log.know(job=job.envelope.uuid)
        if of_class := self.jobs.get(job.envelope.class_name):
            return of_class.outcome(job, log)
        log.know(job_class=job.envelope.class_name)
        if self.settings.foreign_jobs_queue:
            return Forward(self.settings.foreign_jobs_queue)
        return self._never(job, self._foreign(job.envelope.class_name))

    def _end(self, job: Job, error: Exception) -> Outcome:
        of_class = self.jobs.get(job.envelope.class_name) if job.envelope else None
        if of_class:
            return of_class.end(job, error)
        outcome = outcome_of(error, job.attempt, job.limits, time.time(), 0, is_its_own=True)
        return self._never(job, error, outcome.reason) if isinstance(outcome, Failed) else outcome

    def _never(self, job: Job, error: Exception, reason: str | None = None) -> Failed:
        whole = self.recorder.record_message(job, error)
        reached("recorded")
        return Failed(reason or str(error), aside=not whole)

    def _foreign(self, class_name: str) -> UnreadableMessage:
        known = ", ".join(self.jobs)
        return UnreadableMessage(
            f"found a job of {class_name} on this queue, this worker does {known}: FACE_FOREIGN_JOBS_QUEUE names a "
            "queue of PHP's for such jobs, FACE_JOB_CLASS the app's own name of ours"
        )
