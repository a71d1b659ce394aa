"""The one writer of `failed_jobs`: the end of a job that failed for good, in one transaction, before its reject.

With the row go its image's `last_error`, its dedup key and its place in a batch. What the database does not take as it
is, is written in plainer forms: as ASCII, then as a short row that says where the whole message is, then without a row.
Then the message must be kept elsewhere: the caller is told so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from faces.errors import EngineError, FacesError, LockLost, SchemaError, StoreRefused, UnreadableMessage
from faces.laravel import last_error
from faces.store import failed_jobs, images, job_batches, queues
from faces.store.database import Store, Transaction
from faces.store.failed_jobs import FailedJob
from worker.jobs.context import ALONE, Context
from worker.laravel import serialized
from worker.laravel.message import Command, Envelope
from worker.laravel.serialized import PhpArray
from worker.queue.job import Job

_log = logging.getLogger(__name__)

#: The image that a message's body is of, where it is one of the same class; None where not.
ImageOf = Callable[[bytes], int | None]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records what is left of a job that failed for good, as PHP's `queue:failed` and `queue:retry` want it.

    Called by the job classes and by the worker itself, always before the delivery is rejected.
    """

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
        failure = Failure(self._row(job, _text(error, attempt)), has_row=self.has_rows)
        return record_failure(self.store, failure, self._image_of)

    def record_job(self, job: Job, error: Exception, image_id: int | None, context: Context = ALONE) -> bool:
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
        return record_failure(self.store, failure, self._image_of, context)

    def _row(self, job: Job, text: str) -> FailedJob:
        uuid = job.envelope.uuid if job.envelope else None
        return FailedJob.of(uuid, self.connection, job.delivery.queue, job.delivery.body, text)

    def _image_of(self, body: bytes) -> int | None:
        try:
            return Command.read(Envelope.decode(body), self.keys).image_id
        except UnreadableMessage:
            return None


@dataclass(frozen=True, slots=True)
class Failure:
    """What is written of a job that failed for good: `Recorder` makes it of the job, `record_failure` writes it."""

    job: FailedJob
    class_name: str | None = None
    """The job's class; None for a message that is no job of ours."""
    image_id: int | None = None
    last_error: str | None = None
    """The text for its image; None leaves what is there, and so does an image whose faces were found before."""
    repeated: bool = False
    """Whether the image said the same before this job: then the row of an earlier job for it is written over."""
    has_row: bool = True
    """Whether the app keeps failed jobs at all."""


def unrecorded_queue_of(queue: str) -> str:
    """The durable queue in which messages of `queue` are kept whole that `failed_jobs` does not take."""
    return f"{queue}.unrecorded"


def record_failure(
    store: Store, failure: Failure, image_of: ImageOf, context: Context = ALONE, patience: float = 2.0
) -> bool:
    """Write all that is left of a job; doing it twice changes nothing.

    `image_of` reads the payloads of earlier rows that may be of a job for the same image.

    Where the job has a row already, waits up to `patience` seconds for `queue:retry` to delete it.

    Returns:
        Whether its row has the whole message. Where not, the message must be kept in `unrecorded_queue_of` its queue,
        where the short row, or else the log, says that it is.

    Raises:
        LockLost: another has the image's lock by now; nothing is written.
        StoreUnavailable: the database cannot be used; nothing is half written.
    """
    if not failure.has_row:
        store.write(partial(_write, failure=failure, form=_WITHOUT_ROW, image_of=image_of, context=context))
        return True
    place = unrecorded_queue_of(failure.job.queue)
    for form in _forms(store, failure.job, place, patience):
        try:
            store.write(partial(_write, failure=failure, form=form, image_of=image_of, context=context))
        except (EngineError, SchemaError, StoreRefused) as error:
            _log.warning("the failed job %s is not taken %s: %s", failure.job.uuid, form.words, error)
            continue
        if form.job is None:
            break
        return form.job.whole
    _log.error("the failed job %s has no row in failed_jobs: its message is kept whole in %s", failure.job.uuid, place)
    return False


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write a failure, less demanding than the one before."""

    words: str
    job: FailedJob | None
    plain: bool = True
    """Whether all its texts are ASCII."""


_WITHOUT_ROW = _Form("without a row", None)


def _forms(store: Store, job: FailedJob, place: str, patience: float) -> Iterator[_Form]:
    room = failed_jobs.room(store)
    try:
        failed_jobs.wait_until_gone(store, job.uuid, patience)
    except (SchemaError, StoreRefused) as error:
        _log.debug("failed_jobs cannot be read: %s", error)
    if job.whole and (room is None or job.size <= room):
        yield _Form("as it is", job, plain=False)
        if (ascii_job := job.in_ascii()) is not None:
            yield _Form("in ASCII", ascii_job)
    yield _Form("as a short row", job.short(place))
    yield _WITHOUT_ROW


def _write(transaction: Transaction, failure: Failure, form: _Form, image_of: ImageOf, context: Context) -> None:
    """In the job's order of locks: the image's row first, whose holder alone looks for an earlier job's row."""
    image = images.lock(transaction, failure.image_id) if failure.image_id is not None else None
    if image and not context.still_ours():
        raise LockLost(f"the lock of image {image.id} ran out or is another's by now: nothing was written")
    if image and failure.last_error is not None and not image.faces_checked:
        text = last_error.limited(failure.last_error)
        images.note_error(transaction, image.id, text.encode("ascii", "replace").decode() if form.plain else text)
    if context.dedup_key is not None:
        queues.forget(transaction, context.dedup_key)
    if context.batch:
        job_batches.count_failure(transaction, *context.batch, allows_failures)
    if form.job is None or (image and failure.repeated and _replace_earlier(transaction, failure, form.job, image_of)):
        return
    failed_jobs.record(transaction, form.job)


def _replace_earlier(transaction: Transaction, failure: Failure, job: FailedJob, image_of: ImageOf) -> bool:
    if failure.class_name is None or failure.image_id is None:
        return False
    for uuid, payload in failed_jobs.naming(transaction, failure.class_name, failure.image_id):
        if uuid != job.uuid and image_of(payload.encode()) == failure.image_id:
            return failed_jobs.replace(transaction, uuid, job)
    return False


def allows_failures(options: bytes) -> bool:
    """Whether a batch with these `options`, as PHP serialized them, continues when one of its jobs fails.

    What cannot be read does not say so.
    """
    try:
        read = serialized.read(options)
    except UnreadableMessage:
        return False
    return isinstance(read, PhpArray) and bool(read.entries.get("allowFailures"))


def _text(error: Exception, attempt: str) -> str:
    """The class and the sentence on the first line, as PHP has them: `queue:failed` and people look there."""
    kind = type(error)
    request_id = error.request_id if isinstance(error, FacesError) else None
    request = f", request {request_id} in the face API's log" if request_id else ""
    return f"{kind.__module__}.{kind.__qualname__}: {error}\n{attempt}, by the face sidecar{request}"
