"""The end of a job that failed for good: its image, its dedup key and its row in `failed_jobs`, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from faces.errors import LockLost
from faces.store import failed_jobs, images, job_batches, queues
from faces.store.database import Store, Transaction
from faces.store.failed_jobs import FailedJob
from worker.errand import ALONE, Errand
from worker.last_error import limited

#: The image that a message's body is of, where it is one of the same class; None where not.
ImageOf = Callable[[bytes], int | None]


@dataclass(frozen=True, slots=True)
class Failure:
    """What is written of a job that failed for good."""

    job: FailedJob
    class_name: str | None = None
    """The job's class; None for a message that is no job of ours."""
    image_id: int | None = None
    last_error: str | None = None
    """The text for its image; None leaves what is there, and so does an image whose faces were found before."""
    repeated: bool = False
    """Whether the image said the same before this job: then the row of an earlier job for it is written over."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read what only the door of the queue can read: messages, and a batch's options."""

    image_of: ImageOf
    allows_failures: Callable[[bytes], bool]


def record_failure(
    store: Store, failure: Failure, reading: Reading, errand: Errand = ALONE, patience: float = 2.0
) -> None:
    """Write all that is left of a job; doing it twice changes nothing.

    Where the job has a row already, waits up to `patience` seconds for `queue:retry` to delete it.

    Raises:
        LockLost: somebody else has the image's lock by now; nothing is written.
        StoreUnavailable: the database is away; nothing is half written.
        SchemaError: it has no table `failed_jobs`.
    """
    store.schema.require_tables("failed_jobs")
    failed_jobs.wait_until_gone(store, failure.job.uuid, patience)
    store.write(lambda transaction: _write(transaction, failure, reading, errand))


def _write(transaction: Transaction, failure: Failure, reading: Reading, errand: Errand) -> None:
    """In the job's order of locks: the image's row first, whose holder alone looks for an earlier job's row."""
    image = images.lock(transaction, failure.image_id) if failure.image_id is not None else None
    if image and not errand.still_ours():
        raise LockLost(f"the lock of image {image.id} ran out or is another's by now: nothing was written")
    if image and failure.last_error is not None and not image.faces_checked:
        images.note_error(transaction, image.id, limited(failure.last_error))
    if errand.dedup_key is not None:
        queues.forget(transaction, errand.dedup_key)
    if errand.batch:
        job_batches.count_failure(transaction, *errand.batch, reading.allows_failures)
    if not (image and failure.repeated and _replace_earlier(transaction, failure, reading.image_of)):
        failed_jobs.record(transaction, failure.job)


def _replace_earlier(transaction: Transaction, failure: Failure, image_of: ImageOf) -> bool:
    if failure.class_name is None or failure.image_id is None:
        return False
    for uuid, payload in failed_jobs.naming(transaction, failure.class_name, failure.image_id):
        if uuid != failure.job.uuid and image_of(payload.encode()) == failure.image_id:
            return failed_jobs.replace(transaction, uuid, failure.job)
    return False
