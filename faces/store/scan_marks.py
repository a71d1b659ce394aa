"""The table `scan_marks` of our own files: what a photo file was like when its faces were looked for."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from faces.store.database import Transaction
from faces.store.schema import Schema, images, scan_marks


@dataclass(frozen=True, slots=True)
class FileMark:
    """How a file is known again: bytes, time of change, SHA-256; and whether the API refused it for good."""

    size: int
    modified_ns: int
    sha256: bytes
    refused: bool = False


_COLUMNS = (scan_marks.c.size, scan_marks.c.modified_ns, scan_marks.c.sha256, scan_marks.c.refused)


def find(transaction: Transaction, image_id: int) -> FileMark | None:
    """The mark of an image."""
    query = sa.select(*_COLUMNS).where(scan_marks.c.image_id == image_id)
    row = transaction.connection.execute(query).first()
    return FileMark(row.size, row.modified_ns, row.sha256, bool(row.refused)) if row else None


def of_folder(transaction: Transaction, folder: str) -> dict[str, tuple[FileMark, bool]]:
    """The scanned files of a folder by name: the mark, and whether the faces were looked for."""
    query = (
        sa.select(images.c.filename, images.c.faces_checked, *_COLUMNS)
        .join_from(scan_marks, images)
        .where(images.c.disk.is_(None), images.c.path == folder)
    )
    return {
        row.filename: (FileMark(row.size, row.modified_ns, row.sha256, bool(row.refused)), bool(row.faces_checked))
        for row in transaction.connection.execute(query)
    }


def is_listed(schema: Schema, image_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """The condition for images to look at: in a file of our own those whose photo is not gone; else all."""
    gone = sa.select(scan_marks.c.image_id).where(scan_marks.c.gone_at.is_not(None))
    return image_id.not_in(gone) if schema.ours else sa.true()


def write(transaction: Transaction, image_id: int, mark: FileMark) -> None:
    """Set the mark of an image."""
    values = {
        "size": mark.size,
        "modified_ns": mark.modified_ns,
        "sha256": mark.sha256,
        "refused": int(mark.refused),
    }
    insert = sqlite.insert(scan_marks).values(image_id=image_id, **values)
    transaction.connection.execute(insert.on_conflict_do_update(index_elements=["image_id"], set_=values))
