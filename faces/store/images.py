"""The table `images`: which file a row is of, and what became of its faces."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from faces.store.database import Transaction, chunked
from faces.store.schema import images


@dataclass(frozen=True, slots=True)
class Image:
    """A row of `images`, as far as the job looks at it."""

    id: int
    disk: str | None
    path: str | None
    filename: str
    faces_checked: bool
    debug_filename: str | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the app's other jobs are with an image."""

    id: int
    disk: str | None
    path: str | None
    filename: str
    is_seen: bool
    """Whether metadata, faces and thumbnail are there."""
    is_hashed: bool


#: What `progress` reads.
PROGRESS = ("hash", "phash", "metadata", "faces_checked", "thumbnail_filename")

_COLUMNS = (
    *(images.c.id, images.c.disk, images.c.path, images.c.filename),
    *(images.c.faces_checked, images.c.debug_filename, images.c.last_error),
)


def find(transaction: Transaction, image_id: int) -> Image | None:
    """The row as it is now, not locked."""
    return _first(transaction, sa.select(*_COLUMNS).where(images.c.id == image_id))


def lock(transaction: Transaction, image_id: int) -> Image | None:
    """The row, locked until the transaction ends: only with this lock are the image's faces written."""
    return _first(transaction, sa.select(*_COLUMNS).where(images.c.id == image_id).with_for_update())


def lock_all(transaction: Transaction, image_ids: Collection[int]) -> None:
    """These rows, locked by id."""
    for chunk in chunked(sorted(image_ids)):
        query = sa.select(images.c.id).where(images.c.id.in_(chunk)).order_by(images.c.id).with_for_update()
        transaction.connection.execute(query).all()


def progress(transaction: Transaction, image_id: int) -> Progress | None:
    """How far the row's jobs are, not locked."""
    columns = (images.c.id, images.c.disk, images.c.path, images.c.filename, *(images.c[name] for name in PROGRESS))
    row = transaction.connection.execute(sa.select(*columns).where(images.c.id == image_id)).first()
    if row is None:
        return None
    seen = _has_json(row.metadata) and bool(row.faces_checked) and row.thumbnail_filename is not None
    return Progress(row.id, row.disk, row.path, row.filename, seen, bool(row.hash or row.phash))


def move_file(transaction: Transaction, image_id: int, folder: str, filename: str) -> None:
    """The file that the row is of lies elsewhere now."""
    _update(transaction, image_id, {"path": folder, "filename": filename})


def insert_file(transaction: Transaction, folder: str, filename: str, size: int) -> int:
    """A new row for a file that a scan found; returns its id."""
    values = {"path": folder, "filename": filename, "size": size}
    result: sa.CursorResult[Any] = transaction.connection.execute(
        sa.insert(images).values(**values, created_at=transaction.now, updated_at=transaction.now)
    )
    return int(result.lastrowid)


def forget_check(transaction: Transaction, image_id: int, size: int) -> None:
    """The file changed: its faces have to be looked for as if for the first time."""
    _update(transaction, image_id, {"faces_checked": 0, "last_error": None, "size": size})


def copy_check(transaction: Transaction, source_id: int, image_id: int) -> None:
    """What is known of a photo holds for its copy: its size, that its faces were looked for or why not.

    Only in a file of our own.
    """
    columns = (images.c.width, images.c.height, images.c.faces_checked, images.c.last_error)
    query = sa.select(*columns).where(images.c.id == source_id)
    _update(transaction, image_id, dict(transaction.connection.execute(query).mappings().one()))


def delete(transaction: Transaction, ids: Collection[int]) -> None:
    """Remove rows that have no faces any more."""
    for chunk in chunked(ids):
        transaction.connection.execute(sa.delete(images).where(images.c.id.in_(chunk)))


def finish(transaction: Transaction, image: Image, debug_filename: str | None, pixels: tuple[int, int] | None) -> None:
    """Note that the faces were looked for; writes only what differs from `image`, the locked row.

    `pixels` (width, height) are only written into a file of our own: in the app's database they are another job's.
    """
    wanted = {"faces_checked": True, "debug_filename": debug_filename, "last_error": None}
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if getattr(image, name) != value}
    if pixels and transaction.schema.ours and not image.faces_checked:
        changes |= {"width": pixels[0], "height": pixels[1]}
    if changes:
        _update(transaction, image.id, changes)


def note_error(transaction: Transaction, image_id: int, text: str) -> None:
    """Write `last_error` where it differs; nothing else of the row."""
    differs = sa.or_(images.c.last_error.is_(None), images.c.last_error != text)
    transaction.connection.execute(
        sa.update(images)
        .where(images.c.id == image_id, differs)
        .values(last_error=text, updated_at=transaction.now)
    )  # fmt: skip


def _has_json(text: str | bytes | None) -> bool:
    """Whether a JSON column holds something; the app reads JSON's own null as nothing, too."""
    return text is not None and text.strip() not in ("null", b"null")


def _first(transaction: Transaction, query: sa.Select[Any]) -> Image | None:
    row = transaction.connection.execute(query).mappings().first()
    return Image(**{**row, "faces_checked": bool(row["faces_checked"])}) if row else None


def _update(transaction: Transaction, image_id: int, changes: dict[str, Any]) -> None:
    transaction.connection.execute(
        sa.update(images).where(images.c.id == image_id).values(**changes, updated_at=transaction.now)
    )
