"""Rows of `failed_jobs`, as PHP's `queue:failed` and `queue:retry` want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faces.errors import FacesError, UnreadableMessage
from faces.store.database import Store
from faces.store.failed_jobs import FailedJob
from worker import last_error
from worker.amqp.delivery import Delivery
from worker.errand import Errand
from worker.failing import Failure, Reading, record_failure
from worker.laravel.batches import allows_failures
from worker.laravel.payload import Command, Envelope


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes what is left of a job that failed for good; always before its delivery is rejected."""

    store: Store
    connection: str
    """The app's name of the queue's connection: `queue:retry` pushes there."""
    keys: Sequence[bytes]

    def record_message(self, delivery: Delivery, error: FacesError, uuid: str | None) -> None:
        """A message that is no job of ours; one without a uuid gets the same one at every delivery."""
        record_failure(self.store, Failure(self._row(delivery, uuid, _text(error, "not run"))), self._reading)

    def record_job(
        self,
        delivery: Delivery,
        envelope: Envelope,
        error: Exception,
        attempt: str,
        image_id: int | None,
        errand: Errand,
    ) -> None:
        """A job of ours, together with its image's `last_error` and its dedup key."""
        noted = isinstance(error, FacesError) and error.noted is not None
        failure = Failure(
            self._row(delivery, envelope.uuid, _text(error, attempt)),
            class_name=envelope.class_name,
            image_id=image_id,
            last_error=None if noted else last_error.limited(str(error)),
            repeated=isinstance(error, FacesError) and error.repeated,
        )
        record_failure(self.store, failure, self._reading, errand)

    def _row(self, delivery: Delivery, uuid: str | None, text: str) -> FailedJob:
        return FailedJob.of(uuid, self.connection, delivery.queue, delivery.body, text)

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
