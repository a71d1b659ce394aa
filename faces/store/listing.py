"""Who is where: images and their faces with names, to look at; none of a photo that is gone. Only reads."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from faces.people.matching import distances
from faces.photo.face import RatioBox
from faces.store.database import Transaction
from faces.store.faces import read_box, read_encoding
from faces.store.scan_marks import is_listed
from faces.store.schema import faces, images, persons
from faces.store.who import identities_of

_parents = faces.alias("parents")


@dataclass(frozen=True, slots=True)
class ListedImage:
    """An image, and why its faces are not known where they are not."""

    id: int
    disk: str | None
    path: str | None
    filename: str
    faces_checked: bool
    last_error: str | None


@dataclass(frozen=True, slots=True)
class ListedFace:
    """A face that is not deleted. `name` is the person's: of its master where it is linked, else its own."""

    id: int
    image_id: int
    face_index: int
    name: str | None
    status: str
    parent_id: int | None
    quality: float | None
    box: RatioBox | None
    distance: float | None
    """To the master that it is linked to."""


def list_images(transaction: Transaction, ids: Collection[int] | None = None) -> list[ListedImage]:
    """All images, or these, in the order of their places."""
    columns = (
        images.c.id,
        images.c.disk,
        images.c.path,
        images.c.filename,
        images.c.faces_checked,
        images.c.last_error,
    )
    query = sa.select(*columns).where(is_listed(transaction.schema, images.c.id))
    query = query.order_by(images.c.disk, images.c.path, images.c.filename, images.c.id)
    rows = transaction.connection.execute(query if ids is None else query.where(images.c.id.in_(ids))).mappings()
    return [ListedImage(**{**row, "faces_checked": bool(row["faces_checked"])}) for row in rows]


def list_faces(transaction: Transaction, image_ids: Collection[int] | None = None) -> list[ListedFace]:
    """All faces that are not deleted, or those of these images, by image and number; only those that have an image."""
    query = (
        _query(transaction)
        .where(faces.c.deleted_at.is_(None), faces.c.image_id.is_not(None))
        .where(is_listed(transaction.schema, faces.c.image_id))
        .order_by(faces.c.image_id, faces.c.face_index, faces.c.id)
    )
    rows = transaction.connection.execute(query if image_ids is None else query.where(faces.c.image_id.in_(image_ids)))
    return [_listed(dict(row)) for row in rows.mappings()]


def _query(transaction: Transaction) -> sa.Select[Any]:
    has = transaction.schema.face_columns
    columns: list[sa.ColumnElement[Any]] = [
        *(faces.c.id, faces.c.image_id, faces.c.face_index, faces.c.status),
        *(faces.c[name] for name in ("quality_score", "box", "name", "parent_id") if name in has),
    ]
    source: sa.FromClause = faces
    if "parent_id" in has:
        source = source.outerjoin(_parents, _parents.c.id == faces.c.parent_id)
        linked = faces.c.parent_id.is_not(None)
        columns += [
            sa.case((linked, faces.c.encoding)).label("encoding"),
            _parents.c.encoding.label("parent_encoding"),
            *([_parents.c.name.label("parent_name")] if "name" in has else []),
        ]
    if "person_id" in has and "persons" in transaction.schema.tables:
        source = source.outerjoin(persons, persons.c.id == identities_of(transaction.schema).person_of(_parents))
        columns.append(persons.c.name.label("person_name"))
    return sa.select(*columns).select_from(source)


def _listed(row: dict[str, Any]) -> ListedFace:
    return ListedFace(
        id=row["id"],
        image_id=row["image_id"],
        face_index=row["face_index"],
        name=_name(row),
        status=row["status"],
        parent_id=row.get("parent_id"),
        quality=row.get("quality_score"),
        box=read_box(row.get("box")),
        distance=_distance(row),
    )


def _distance(row: dict[str, Any]) -> float | None:
    encoding, master = read_encoding(row.get("encoding")), read_encoding(row.get("parent_encoding"))
    return None if encoding is None or master is None else float(distances(encoding, master[None])[0])


def _name(row: dict[str, Any]) -> str | None:
    """A person's own word first; else the master's name, because one beside `process` may be an old copy of it."""
    names = [row.get("name"), row.get("parent_name")]
    ordered = names if row["status"] == "ok" else names[::-1]
    return next((name for name in (row.get("person_name"), *ordered) if name), None)
