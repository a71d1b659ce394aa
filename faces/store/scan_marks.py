"""The table `scan_marks` of our own files: what a photo was like when its faces were looked for, and if it is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class MarkedImage:
    """An image that a scan made, where its photo was last seen, and what it was like."""

    image_id: int
    folder: str
    name: str
    mark: FileMark
    checked: bool
    """Whether this content's faces were looked for."""
    gone: bool
    """Whether a scan saw that the file is neither there nor elsewhere."""

    @property
    def settled(self) -> bool:
        """Whether there is nothing more to find out: its faces are known, or it was refused for good."""
        return self.checked or self.mark.refused


_QUERY = (
    sa.select(
        *(images.c.id, images.c.path, images.c.filename, images.c.faces_checked),
        *(scan_marks.c.size, scan_marks.c.modified_ns, scan_marks.c.sha256, scan_marks.c.refused, scan_marks.c.gone_at),
    )
    .join_from(scan_marks, images)
    .where(images.c.disk.is_(None))
    .order_by(images.c.id)
)


def at(transaction: Transaction, folder: str, name: str) -> MarkedImage | None:
    """The image of the file at a place; none whose photo is gone from there."""
    query = _QUERY.where(images.c.path == folder, images.c.filename == name, scan_marks.c.gone_at.is_(None))
    return next(iter(_read(transaction, query.limit(1))), None)


def of_folder(transaction: Transaction, folder: str) -> list[MarkedImage]:
    """The images of a folder's files, without the folders below."""
    return _read(transaction, _QUERY.where(images.c.path == folder))


def below(transaction: Transaction, folder: str) -> list[MarkedImage]:
    """The images of the files in a folder and in all folders below; `folder` is absolute."""
    start = folder.rstrip("/")
    # "0" is the character behind "/": a range, which the index of places answers.
    within = sa.and_(images.c.path > f"{start}/", images.c.path < f"{start}0")
    return _read(transaction, _QUERY.where(sa.or_(images.c.path == folder, within)))


def with_content(transaction: Transaction, sha256: bytes) -> list[MarkedImage]:
    """The images of this content, wherever they are or were."""
    return _read(transaction, _QUERY.where(scan_marks.c.sha256 == sha256))


def sizes(transaction: Transaction) -> set[int]:
    """The sizes of all photos, in bytes: a file of another size is none of them."""
    return set(transaction.connection.execute(sa.select(scan_marks.c.size).distinct()).scalars())


def is_listed(schema: Schema, image_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """The condition for images to look at: in a file of our own those whose photo is not gone; else all."""
    gone = sa.select(scan_marks.c.image_id).where(scan_marks.c.gone_at.is_not(None))
    return image_id.not_in(gone) if schema.ours else sa.true()


def write(transaction: Transaction, image_id: int, mark: FileMark) -> None:
    """Set the mark of an image whose file is there."""
    values = {
        "size": mark.size,
        "modified_ns": mark.modified_ns,
        "sha256": mark.sha256,
        "refused": int(mark.refused),
        "gone_at": None,
    }
    insert = sqlite.insert(scan_marks).values(image_id=image_id, **values)
    transaction.connection.execute(insert.on_conflict_do_update(index_elements=["image_id"], set_=values))


def mark_gone(transaction: Transaction, gone: Iterable[MarkedImage]) -> None:
    """Note that photos are gone, of those of the images that are still where they were when they were read."""
    at_its_place = sa.exists().where(
        images.c.id == scan_marks.c.image_id,
        images.c.path == sa.bindparam("old_folder"),
        images.c.filename == sa.bindparam("old_name"),
    )
    statement = sa.update(scan_marks).where(
        scan_marks.c.image_id == sa.bindparam("id"), scan_marks.c.gone_at.is_(None), at_its_place
    )
    rows = [{"id": one.image_id, "old_folder": one.folder, "old_name": one.name} for one in gone]
    if rows:
        transaction.connection.execute(statement.values(gone_at=transaction.now), rows)


def _read(transaction: Transaction, query: sa.Select[Any]) -> list[MarkedImage]:
    return [
        MarkedImage(row[0], row[1], row[2], FileMark(row[4], row[5], row[6], bool(row[7])), bool(row[3]), bool(row[8]))
        for row in transaction.connection.execute(query)
    ]
