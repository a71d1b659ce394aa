"""What a job of the queue adds to the one transaction that ends it; a job of the command line adds nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from faces.errors import ImageMissing, LockLost
from faces.store import images, job_batches, queues
from faces.store.database import Transaction
from faces.store.images import Image


def _always() -> bool:
    return True


def _nothing_to_leave(_transaction: Transaction) -> None:
    pass


def _nothing_left() -> None:
    pass


def _unheard(**_facts: str | None) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Errand:
    """A job that came over the queue."""

    still_ours: Callable[[], bool] = _always
    """Whether the image's lock is still ours; asked after the image's row is taken."""
    leave: Callable[[Transaction], None] = _nothing_to_leave
    """Gives back in the transaction what the job holds; others may wait for it, so only the commit comes after."""
    left: Callable[[], None] = _nothing_left
    """To be called when a transaction with `leave` in it is committed."""
    skip_done: bool = False
    """Whether an image that is done already is left as it is."""
    dedup_key: bytes | None = None
    """The 16 bytes under which nobody queues this job twice."""
    batch: tuple[str, str] | None = None
    """The ids of its `Bus::batch` and of the job within it."""
    request_id: str | None = None
    """What its request to the face API is called; None: any name."""
    know: Callable[..., None] = _unheard
    """Hears what is learned of the job, for its log: `request`, the name of the request, before and after it."""


ALONE = Errand()


def take(transaction: Transaction, image_id: int, errand: Errand) -> Image:
    """Lock the image's row, which decides who writes its faces.

    Raises:
        ImageMissing: it is not there any more.
        LockLost: somebody else has the image's lock by now.
    """
    image = images.lock(transaction, image_id)
    if image is None:
        raise ImageMissing(f"the image {image_id} was removed while its photo was being read")
    if not errand.still_ours():
        raise LockLost(f"the lock of image {image_id} ran out or is another's by now: nothing was written")
    return image


def settle(transaction: Transaction, errand: Errand) -> None:
    """Note in the transaction that the job is done."""
    if errand.dedup_key is not None:
        queues.forget(transaction, errand.dedup_key)
    if errand.batch:
        job_batches.count_success(transaction, *errand.batch)
