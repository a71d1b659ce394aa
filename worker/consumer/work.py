"""From a delivery to its outcome: which class's job it is, and what is not a job of ours. Touches no broker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from faces.errors import FacesError, SchemaError, Unavailable, UnreadableMessage
from worker.amqp.delivery import Delivery
from worker.consumer.job_log import JobLog
from worker.consumer.outcome import Failed, Forward, Outcome, Wait
from worker.consumer.recorder import Recorder
from worker.laravel.payload import Envelope
from worker.steps import reached

#: Does the job of one class, up to its outcome.
Do = Callable[[Delivery, Envelope, JobLog], Outcome]


@dataclass(frozen=True, slots=True)
class Work:
    """What the worker can do: `jobs` is the table of classes of jobs; another one is one more line where it is made."""

    jobs: Mapping[str, Do]
    recorder: Recorder
    foreign_queue: str | None
    """Where jobs of other classes go; None: they fail, with a clear text."""

    def outcome(self, delivery: Delivery, log: JobLog) -> Outcome:
        """Do a delivery's job."""
        try:
            return self._outcome(delivery, log)
        except (Unavailable, SchemaError) as error:
            return Wait(error)

    def _outcome(self, delivery: Delivery, log: JobLog) -> Outcome:
        try:
            envelope = Envelope.decode(delivery.body)
        except UnreadableMessage as error:
            return self._never(delivery, error, None)
        reached("decoded")
        log.know(job=envelope.uuid)
        if do := self.jobs.get(envelope.class_name):
            return do(delivery, envelope, log)
        log.know(job_class=envelope.class_name)
        if self.foreign_queue:
            return Forward(self.foreign_queue)
        return self._never(delivery, self._foreign(envelope.class_name), envelope.uuid)

    def _never(self, delivery: Delivery, error: FacesError, uuid: str | None) -> Failed:
        self.recorder.record_message(delivery, error, uuid)
        reached("recorded")
        return Failed(str(error))

    def _foreign(self, class_name: str) -> UnreadableMessage:
        known = ", ".join(self.jobs)
        return UnreadableMessage(
            f"found a job of {class_name} on this queue, this worker does {known}: FACE_FOREIGN_JOBS_QUEUE names a "
            "queue of PHP's for such jobs, FACE_JOB_CLASS the app's own name of ours"
        )
