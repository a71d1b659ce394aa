"""What the app's later versions do when a job completes an image: publish the next job, or delete an original."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from faces.errors import FileMissing, OutsideDisks, SettingsError
from faces.laravel.disks import Disks
from faces.store import images
from faces.store.database import Store
from faces.store.images import Progress
from faces.store.schema import Schema

log = logging.getLogger(__name__)

CompletionEvent = Literal["A", "B", "none"]


@dataclass(frozen=True, slots=True)
class NewJobRequest:
    """A job of the app's own that is to be published; `worker.laravel.chain.new_job` makes its message."""

    class_name: str
    task_data: Mapping[str, int]
    queue: str


def require_choice(schema: Schema, event: CompletionEvent | None) -> None:
    """Refuse to guess what the app does when an image is complete.

    Raises:
        SettingsError: its version does something, and FACE_COMPLETION_EVENT does not say which.
        SchemaError: `images` lacks a column that this event asks for.
    """
    if event is None and schema.completes_images:
        raise SettingsError(
            "FACE_COMPLETION_EVENT is not set, needed is A (publish ImageProcessJob), B (delete the JPEG beside a "
            "WebP) or none: this version of the app does something when an image is complete, and without it images "
            "stay unfinished"
        )
    if event in {"A", "B"}:
        schema.require_image_columns(*images.PROGRESS)


def after(store: Store, disks: Disks, image_id: int, event: CompletionEvent | None) -> NewJobRequest | None:
    """Do what the app's listener does after a job's commit; a delivery that comes again asks again.

    Args:
        store: the database.
        disks: where the image's file is.
        image_id: the image whose job was done.
        event: A asks for the job that computes its hashes, where it has none yet and all else; B deletes the JPEG that
            a WebP was made of.

    Returns:
        The job to publish, if any.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    if event not in {"A", "B"}:
        return None
    with store.reading() as transaction:
        image = images.progress(transaction, image_id)
    if image is None or not image.is_seen:
        return None
    if event == "A":
        return (
            None if image.is_hashed else NewJobRequest("App\\Jobs\\ImageProcessJob", {"image_id": image_id}, "images")
        )
    _delete_original(disks, image)
    return None


def _delete_original(disks: Disks, image: Progress) -> None:
    """Delete `<stem>.jpg` beside a `.webp` that is there; never the only copy, and never what a link leads to."""
    if not image.filename.endswith(".webp"):
        return
    original = image.filename.removesuffix(".webp") + ".jpg"
    try:
        disks.file(image.disk, image.path, image.filename)
        file = disks.file(image.disk, image.path, original)
        if not file.named.is_symlink():
            file.real.unlink()
            log.info("image %d: deleted %s, whose WebP is there", image.id, file.real)
    except FileMissing as error:
        log.debug("image %d: no original to delete: %s", image.id, error)
    except (OutsideDisks, OSError) as error:
        log.warning("image %d: the original beside its WebP stays: %s", image.id, error)
