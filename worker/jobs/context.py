"""What a job class gets from the attempt that runs it, and what it gives back."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faces.errors import ImageMissing, LockLost
from faces.store import images, job_batches, queues
from faces.store.database import Transaction
from faces.store.images import Image

if TYPE_CHECKING:
    from worker.laravel.chain import NewJob

#: Named for the reader of the log, like `worker.job`.
_steps = logging.getLogger("worker.job.steps")


def reached(step: str) -> None:
    """Say at DEBUG how far a job has come. Tests end a worker at these steps: they keep their names and order."""
    _steps.debug("%s", step)


def _always() -> bool:
    return True


def _nothing_to_leave(_transaction: Transaction) -> None:
    pass


def _unheard(**_facts: str | None) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Context:
    """What a job class is told of the job in hand, and what that job adds to the transaction that ends it.

    A job class writes in one transaction: `take` the image's row first, write, `settle`, and `leave` last. The command
    line runs job classes, too: its context, `ALONE`, adds nothing.
    """

    still_ours: Callable[[], bool] = _always
    """Whether the image's lock is still ours; asked after the image's row is taken."""
    leave: Callable[[Transaction], None] = _nothing_to_leave
    """Gives back in the transaction what the job holds; others may wait for it, so only the commit comes after."""
    skip_done: bool = False
    """Whether an image that is done already is left as it is."""
    dedup_key: bytes | None = None
    """The 16 bytes under which the app queues this job only once."""
    batch: tuple[str, str] | None = None
    """The ids of its `Bus::batch` and of the job within it."""
    request_id: str | None = None
    """What its request to the face API is called; None: any name."""
    timeout: float | None = None
    """Seconds that the work may take; None: as long as a client waits by itself."""
    know: Callable[..., None] = _unheard
    """Hears what is learned of the job, for its line in the log."""

    def take(self, transaction: Transaction, image_id: int) -> Image:
        """Lock the image's row, which decides who writes to the image.

        Raises:
            ImageMissing: it is not there any more.
            LockLost: another job has the image's lock by now.
        """
        image = images.lock(transaction, image_id)
        if image is None:
            raise ImageMissing(f"the image {image_id} was removed while its photo was being read")
        if not self.still_ours():
            raise LockLost(f"the lock of image {image_id} ran out or is another's by now: nothing was written")
        return image

    def settle(self, transaction: Transaction) -> None:
        """Note in the transaction that the job is done: its dedup key is removed, its batch counts it."""
        if self.dedup_key is not None:
            queues.forget(transaction, self.dedup_key)
        if self.batch:
            job_batches.count_success(transaction, *self.batch)


ALONE = Context()


@dataclass(frozen=True, slots=True)
class Done:
    """The job is done: publish these, then ack."""

    jobs: tuple[NewJob, ...] = ()
    note: str = ""
    """What the log line says; empty where all of the job was done just now."""
    aside: bool = False
    """Whether the message is kept whole in a second queue, because a note of it in failed_jobs is not whole."""


class JobClass(ABC):
    """Does the jobs of one class of the app. A new one is a file beside this one and a line in the registry.

    Called by the worker's main thread while the image's lock is held and no transaction is open. What it raises decides
    what becomes of the job, as `outcome_of` says.
    """

    @abstractmethod
    def do(self, context: Context, image_id: int) -> Done:
        """Do the job. Doing it twice changes nothing."""

    def finish_if_done(self, _context: Context, _image_id: int) -> Done | None:
        """End a job that may not be run again, where an earlier attempt had committed its work; else None."""
        return None

    def between_jobs(self, _is_told_to_stop: Callable[[], bool]) -> None:  # noqa: B027  most have nothing to do then
        """Do what is due beside the jobs, some seconds of it at most; called when no delivery is in hand."""
