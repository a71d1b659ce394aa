"""The tables `photos` and `sources`: when a photo was taken, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from faces.store.database import Transaction
from faces.store.schema import images
from faces.store.sidecar.library_row import tables_of


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What the index of faces has of a photo."""

    source_id: int | None
    taken_at: datetime | None


def of_image(transaction: Transaction, image_id: int) -> PhotoFacts:
    """What is known of an image's photo; noted the first time that it is asked for."""
    photos = tables_of(transaction).photos
    query = sa.select(photos.c.source_id, photos.c.taken_at).where(photos.c.image_id == image_id)
    row = transaction.connection.execute(query).first()
    if row is not None:
        return PhotoFacts(row.source_id, row.taken_at)
    columns = [images.c[name] for name in ("disk", "created_at_file") if name in transaction.schema.image_columns]
    image = transaction.connection.execute(sa.select(*columns).where(images.c.id == image_id)).mappings().one()
    found = PhotoFacts(_source(transaction, image.get("disk") or ""), image.get("created_at_file"))
    values = {"image_id": image_id, "source_id": found.source_id, "taken_at": found.taken_at}
    transaction.connection.execute(sa.insert(photos).values(**values))
    return found


def _source(transaction: Transaction, name: str) -> int:
    sources = tables_of(transaction).sources
    found = transaction.connection.execute(sa.select(sources.c.id).where(sources.c.name == name)).scalar()
    if found is not None:
        return int(found)
    result: sa.CursorResult[Any] = transaction.connection.execute(sa.insert(sources).values(name=name))
    return int(result.lastrowid)
