"""One face as it was found: on which photo, where there, and when. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from faces.errors import RequestError
from faces.people.refs import Ref
from faces.photo.face import RatioBox
from faces.store.database import Transaction
from faces.store.faces import read_box
from faces.store.schema import faces, images


@dataclass(frozen=True, slots=True)
class FacesPlace:
    """A face's place; `box` in parts of the photo's width and height, None where it was not kept."""

    face_id: int
    face_index: int
    image_id: int
    disk: str | None
    """The app's; None: `path` is a folder of this machine."""
    path: str | None
    filename: str
    source: str | None
    """The disk, or the folder that was scanned, as our tables know it."""
    box: RatioBox | None
    quality: float | None
    found_at: datetime | None
    taken_at: datetime | None
    """By the camera's clock, as far as our tables know it."""
    removed_at: datetime | None
    """When it was soft-deleted."""


def where_found(transaction: Transaction, face_id: int) -> FacesPlace:
    """One face, soft-deleted or not.

    Raises:
        SchemaError: the database has no tables of ours.
        RequestError: there is none of this id, or it has no image.
    """
    tables, has = transaction.schema.require_sidecar(), transaction.schema.face_columns
    photos, sources = tables.photos, tables.sources
    optional = [faces.c[name] for name in ("box", "quality_score") if name in has]
    query = (
        sa.select(
            *(faces.c.id, faces.c.face_index, faces.c.image_id, faces.c.created_at, faces.c.deleted_at),
            *(images.c.disk, images.c.path, images.c.filename, photos.c.taken_at, sources.c.name, *optional),
        )
        .join_from(faces, images, images.c.id == faces.c.image_id)
        .outerjoin(photos, photos.c.image_id == images.c.id)
        .outerjoin(sources, sources.c.id == photos.c.source_id)
        .where(faces.c.id == face_id)
    )
    row = transaction.connection.execute(query).mappings().one_or_none()
    if row is None:
        raise RequestError(f"found no face {Ref('face', face_id)}, needed the id of one; `faces` lists them")
    return FacesPlace(
        face_id=row["id"],
        face_index=row["face_index"],
        image_id=row["image_id"],
        disk=row["disk"],
        path=row["path"],
        filename=row["filename"],
        source=row["name"],
        box=read_box(row.get("box")),
        quality=row.get("quality_score"),
        found_at=row["created_at"],
        taken_at=row["taken_at"],
        removed_at=row["deleted_at"],
    )
