"""The tables `photos` and `sources`: when a photo was taken, where it comes from, and its content where known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

from faces.store.capture_time import capture_time
from faces.store.database import Transaction, chunked
from faces.store.schema import images, scan_folders, scan_marks
from faces.store.sidecar.library_row import tables_of

_EPOCH = datetime(1970, 1, 1)

#: The app's own column for it: no version up to the fifth has one.
_APPS_OWN = "taken_at"

#: Time after an image was added in which the app may still write its metadata: longer than any queue is behind. Images
#: that never get any are looked for no longer than that.
_METADATA_COMES_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What the index of faces has of a photo."""

    source_id: int | None
    taken_at: datetime | None
    awaits_until: datetime | None = field(default=None, compare=False)
    """Until then the app may still write metadata, which may say another time; None: it has, or will not."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a scan has read in a photo's file."""

    sha256: bytes
    taken_at: datetime
    """By its EXIF block, in the time of the place where it was taken; else the file's time, UTC."""
    turn: int | None
    """EXIF's orientation."""


@dataclass(frozen=True, slots=True)
class _PhotoRow:
    image_id: int
    source: str
    taken_at: datetime | None
    awaits_until: datetime | None = None


def of_image(transaction: Transaction, image_id: int) -> PhotoFacts:
    """What is known of an image's photo, and kept from now on; nothing where there is no such image."""
    photos = tables_of(transaction).photos
    columns = (photos.c.source_id, photos.c.taken_at)
    row = transaction.connection.execute(sa.select(*columns).where(photos.c.image_id == image_id)).first()
    expected = _expected(transaction, [image_id], add=True).get(image_id)
    if expected is None:
        return PhotoFacts(None, None)
    values = {"source_id": expected.source_id, "taken_at": expected.taken_at}
    if row is None:
        transaction.connection.execute(sa.insert(photos).values(image_id=image_id, **values))
    elif expected != PhotoFacts(row.source_id, row.taken_at):
        transaction.connection.execute(sa.update(photos).where(photos.c.image_id == image_id).values(**values))
    return expected


def made_anew(transaction: Transaction, image_ids: Collection[int]) -> dict[int, PhotoFacts]:
    """What must be kept of these photos, by image; a source that is not kept yet is None. Writes nothing."""
    found: dict[int, PhotoFacts] = {}
    for chunk in chunked(sorted(image_ids)):
        found |= _expected(transaction, chunk, add=False)
    return found


def note_file(transaction: Transaction, image_id: int, file: FileFacts) -> bool:
    """Keep what a scan has read, in a file of our own; returns whether the photo is of another time than was kept."""
    photos = tables_of(transaction).photos
    query = sa.select(photos.c.taken_at).where(photos.c.image_id == image_id)
    before = transaction.connection.execute(query).scalar()
    values = {"sha256": file.sha256, "turn": file.turn, "taken_at": file.taken_at}
    insert = sqlite.insert(photos).values(image_id=image_id, **values)
    transaction.connection.execute(insert.on_conflict_do_update(index_elements=["image_id"], set_=values))
    return before is not None and before != file.taken_at


def time_of(modified_ns: int) -> datetime:
    """A file's time as the table keeps times."""
    return _EPOCH + timedelta(seconds=modified_ns // 1_000_000_000)


def _expected(transaction: Transaction, image_ids: Collection[int], *, add: bool) -> dict[int, PhotoFacts]:
    rows = _of_files(transaction, image_ids) if transaction.schema.ours else _of_app(transaction, image_ids)
    sources: dict[str, int | None] = {}
    found: dict[int, PhotoFacts] = {}
    for row in rows:
        if row.source not in sources:
            source = _source(transaction, row.source)
            sources[row.source] = source or (_add_source(transaction, row.source) if add else None)
        found[row.image_id] = PhotoFacts(sources[row.source], row.taken_at, row.awaits_until)
    return found


def _of_app(transaction: Transaction, image_ids: Collection[int]) -> list[_PhotoRow]:
    """Images by id with their disk, and when each was taken: the app's own word, else EXIF's, else the file's."""
    schema = transaction.schema
    own = [sa.column(_APPS_OWN, sa.DateTime)] if _APPS_OWN in schema.image_columns else []
    known = ("disk", "created_at_file", "metadata", "created_at")
    names = [name for name in known if name in schema.image_columns]
    query = sa.select(images.c.id, *(images.c[name] for name in names), *own).where(images.c.id.in_(image_ids))
    found = []
    for row in transaction.connection.execute(query).mappings():
        taken_at = row.get(_APPS_OWN) or capture_time(row.get("metadata"))
        awaits_until = None if taken_at else _awaits_until(transaction, row)
        taken_at = taken_at or row.get("created_at_file")
        found.append(_PhotoRow(int(row["id"]), row.get("disk") or "", taken_at, awaits_until))
    return found


def _awaits_until(transaction: Transaction, row: Mapping[Any, Any]) -> datetime | None:
    if row.get("metadata", "") is not None or row.get("created_at") is None:
        return None
    until: datetime = row["created_at"] + _METADATA_COMES_WITHIN
    return until if until > transaction.now else None


def _of_files(transaction: Transaction, image_ids: Collection[int]) -> list[_PhotoRow]:
    """Images by id with the outermost folder that was looked through, and EXIF's time or else the file's."""
    photos = tables_of(transaction).photos
    below = sa.func.substr(images.c.path + "/", 1, sa.func.length(scan_folders.c.path) + 1)
    top = (
        sa.select(scan_folders.c.path)
        .where(below == scan_folders.c.path + "/")
        .order_by(sa.func.length(scan_folders.c.path))
        .limit(1)
        .scalar_subquery()
    )
    query = (
        sa.select(images.c.id, sa.func.coalesce(top, images.c.path, images.c.disk, "").label("source"))
        .add_columns(photos.c.taken_at, photos.c.sha256, scan_marks.c.modified_ns, images.c.created_at_file)
        .join(photos, photos.c.image_id == images.c.id, isouter=True)
        .join(scan_marks, scan_marks.c.image_id == images.c.id, isouter=True)
        .where(images.c.id.in_(image_ids))
    )
    return [_PhotoRow(int(row.id), row.source, _taken(row)) for row in transaction.connection.execute(query)]


def _taken(row: Any) -> datetime | None:
    """What a scan has noted; of a photo that was found before scans did that, the file's time."""
    noted: datetime | None = row.taken_at if row.sha256 is not None else None
    if noted is not None or row.modified_ns is None:
        return noted or row.created_at_file
    return time_of(row.modified_ns)


def _source(transaction: Transaction, name: str) -> int | None:
    sources = tables_of(transaction).sources
    found = transaction.connection.execute(sa.select(sources.c.id).where(sources.c.name == name)).scalar()
    return None if found is None else int(found)


def _add_source(transaction: Transaction, name: str) -> int | None:
    """Of two transactions that add the same one the second finds the first's: also one that is not committed yet."""
    sources = tables_of(transaction).sources
    if transaction.connection.dialect.name == "sqlite":
        transaction.connection.execute(sqlite.insert(sources).values(name=name).on_conflict_do_nothing())
    else:
        transaction.connection.execute(mysql.insert(sources).values(name=name).on_duplicate_key_update(name=name))
    return _source(transaction, name)
