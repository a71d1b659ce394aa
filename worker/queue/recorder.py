"""Rows of `failed_jobs`, as PHP's `queue:failed` and `queue:retry` want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faces.errors import FacesError, UnreadableMessage
from faces.laravel import last_error
from faces.store.database import Store
from faces.store.failed_jobs import FailedJob
from worker.jobs.context import ALONE
from worker.jobs.context import Context as Errand
from worker.laravel.batches import allows_failures
from worker.laravel.failures import Failure, Reading, record_failure
from worker.laravel.message import Command, Envelope
from worker.queue.job import Job


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes what is left of a job that failed for good; always before its delivery is rejected."""

    store: Store
    connection: str
    """The app's name of the queue's connection: `queue:retry` pushes there."""
    keys: Sequence[bytes]
    has_rows: bool = True
    """Whether the app keeps failed jobs at all; else they are only logged."""

    def record_message(self, job: Job, error: Exception) -> bool:
        """A message that is no job of ours; one without a uuid gets the same one at every delivery.

        Returns:
            Whether the row has the whole message; where not, it must be kept elsewhere.
        """
        attempt = "not run" if isinstance(error, UnreadableMessage) else job.attempt_text
        return record_failure(
            self.store, Failure(self._row(job, _text(error, attempt)), has_row=self.has_rows), self._reading
        )

    def record_job(self, job: Job, error: Exception, image_id: int | None, errand: Errand = ALONE) -> bool:
        """A job of ours, together with its image's `last_error` and its dedup key; returns as `record_message`."""
        noted = isinstance(error, FacesError) and error.noted is not None
        failure = Failure(
            self._row(job, _text(error, job.attempt_text)),
            class_name=job.envelope.class_name if job.envelope else None,
            image_id=image_id,
            last_error=None if noted else last_error.limited(str(error)),
            repeated=isinstance(error, FacesError) and error.repeated,
            has_row=self.has_rows,
        )
        return record_failure(self.store, failure, self._reading, errand)

    def _row(self, job: Job, text: str) -> FailedJob:
        uuid = job.envelope.uuid if job.envelope else None
        return FailedJob.of(uuid, self.connection, job.delivery.queue, job.delivery.body, text)

    @property
    def _reading(self) -> Reading:
        return Reading(self._image_of, allows_failures)

    def _image_of(self, body: bytes) -> int | None:
        try:
            return Command.read(Envelope.decode(body), self.keys).image_id
        except UnreadableMessage:
            return None


def _text(error: Exception, attempt: str) -> str:
    """The class and the sentence on the first line, as PHP has them: `queue:failed` and people look there."""
    kind = type(error)
    request_id = error.request_id if isinstance(error, FacesError) else None
    request = f", request {request_id} in the face API's log" if request_id else ""
    return f"{kind.__module__}.{kind.__qualname__}: {error}\n{attempt}, by the face sidecar{request}"
