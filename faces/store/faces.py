"""The table `faces`: an image's rows, read and locked in one order, and written column by column.

Encodings and boxes are JSON text there, written as PHP writes it and read tolerantly.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.laravel import php_json
from faces.people.kept_face import KeptFace, Said, SaidOfFace
from faces.people.linking import Unlinked
from faces.photo.face import ENCODING_LENGTH, Encoding, Quality, RatioBox
from faces.store.database import Transaction, chunked
from faces.store.schema import TIME, faces

_others = faces.alias("others")

#: The columns that become a `KeptFace`.
READ = (
    *("id", "face_index", "encoding", "status", "name", "parent_id", "person_id", "is_reference", "deleted_at"),
    *("quality_score", "quality_details", "box"),
)


def of_image(transaction: Transaction, image_id: int) -> list[KeptFace]:
    """All rows of an image by id, soft-deleted ones too; not locked, and not asked whether they are parents."""
    return [kept(dict(row)) for row in transaction.connection.execute(_select(transaction, image_id)).mappings()]


def lock_of_image(transaction: Transaction, image_id: int) -> list[KeptFace]:
    """All rows of an image by id, soft-deleted ones too, locked until the transaction ends."""
    query = _select(transaction, image_id).with_for_update()
    rows = [kept(dict(row)) for row in transaction.connection.execute(query).mappings()]
    ids = [row.id for row in rows if not (row.deleted or row.touched)]
    if not ids or "parent_id" not in transaction.schema.face_columns:
        return rows
    children = sa.select(faces.c.parent_id).where(faces.c.parent_id.in_(ids), faces.c.deleted_at.is_(None))
    parents = set(transaction.connection.execute(children.distinct()).scalars())
    return [replace(row, is_parent=True) if row.id in parents else row for row in rows]


def image_of(transaction: Transaction, face_id: int) -> int | None:
    """The image that a not-deleted face is on."""
    query = sa.select(faces.c.image_id).where(faces.c.id == face_id, faces.c.deleted_at.is_(None))
    return transaction.connection.execute(query).scalar()


def insert(transaction: Transaction, image_id: int, values: dict[str, Any]) -> int:
    """A new row; columns that the database lacks are left out, as are status and name, as the app does it."""
    row = {name: value for name, value in values.items() if name in transaction.schema.face_columns}
    result: sa.CursorResult[Any] = transaction.connection.execute(
        sa.insert(faces).values(**row, image_id=image_id, created_at=transaction.now, updated_at=transaction.now)
    )
    return int(result.lastrowid)


def has_any(transaction: Transaction, image_id: int) -> bool:
    """Whether an image has rows, soft-deleted ones included."""
    query = sa.select(faces.c.id).where(faces.c.image_id == image_id).limit(1)
    return transaction.connection.execute(query).first() is not None


def copy(transaction: Transaction, source_id: int, image_id: int) -> None:
    """Give an image without faces those of another image of the same photo, in a file of our own.

    A copy is linked to the face that the other's is linked to or, where a person named that one, to it. What a person
    said without a name (that it is no face, or nobody known) holds for the copy, too.
    """
    named = faces.c.status == "ok"
    same = (faces.c.face_index, faces.c.name, faces.c.encoding, faces.c.quality_score, faces.c.quality_details)
    columns = (
        *(*same, faces.c.box),
        sa.case((named, "process"), else_=faces.c.status).label("status"),
        sa.case((sa.and_(named, faces.c.parent_id.is_(None)), faces.c.id), else_=faces.c.parent_id).label("parent_id"),
        sa.literal(image_id).label("image_id"),
        sa.literal(transaction.now, type_=TIME).label("created_at"),
        sa.literal(transaction.now, type_=TIME).label("updated_at"),
    )
    source = sa.select(*columns).where(faces.c.image_id == source_id, faces.c.deleted_at.is_(None))
    source = source.order_by(faces.c.face_index, faces.c.id)
    names = [column.name for column in columns]
    transaction.connection.execute(sa.insert(faces).from_select(names, source))


def hand_over(transaction: Transaction, image_id: int, copy_id: int) -> None:
    """Let the faces of an image's copy be what those of the image are: what a person named, and others are linked to.

    Only those that are still linked to the image's, as `copy` made them.
    """
    named = faces.c.parent_id.is_(None), faces.c.status == "ok", faces.c.deleted_at.is_(None)
    pairs = (
        sa.select(faces.c.id, faces.c.name, _others.c.id.label("copy_id"))
        .join_from(faces, _others, _others.c.parent_id == faces.c.id)
        .where(faces.c.image_id == image_id, *named)
        .where(_others.c.image_id == copy_id, _others.c.status == "process", _others.c.deleted_at.is_(None))
        .where(_others.c.face_index == faces.c.face_index, _others.c.encoding == faces.c.encoding)
    )
    for face_id, name, heir_id in transaction.connection.execute(pairs).all():
        values = {"name": name, "status": "ok", "parent_id": None, "updated_at": transaction.now}
        transaction.connection.execute(sa.update(faces).where(faces.c.id == heir_id).values(**values))
        followers = sa.update(faces).where(faces.c.parent_id == face_id)
        transaction.connection.execute(followers.values(parent_id=heir_id, updated_at=transaction.now))


def delete_of_images(transaction: Transaction, image_ids: Collection[int]) -> int:
    """Remove all rows of images, in a file of our own; returns how many of them were not soft-deleted."""
    live = 0
    for chunk in chunked(image_ids):
        of_these = faces.c.image_id.in_(chunk)
        count = sa.select(sa.func.count()).select_from(faces).where(of_these, faces.c.deleted_at.is_(None))
        live += transaction.connection.execute(count).scalar_one()
        transaction.connection.execute(sa.delete(faces).where(of_these))
    return live


def links_between_images(transaction: Transaction, image_ids: Collection[int]) -> set[tuple[int, int]]:
    """Which of these images have a face that a face of another image is linked to, each with that other image."""
    found: set[tuple[int, int]] = set()
    for chunk in chunked(image_ids):
        query = (
            sa.select(_others.c.image_id, faces.c.image_id)
            .join_from(faces, _others, faces.c.parent_id == _others.c.id)
            .where(_others.c.image_id.in_(chunk), faces.c.deleted_at.is_(None))
            .where(faces.c.image_id != _others.c.image_id)
        )
        found |= {(row[0], row[1]) for row in transaction.connection.execute(query)}
    return found


def update(transaction: Transaction, row: KeptFace, values: dict[str, Any]) -> bool:
    """Write those of the values that differ from the locked row, columns permitting; returns whether any did."""
    changes = {
        name: value
        for name, value in values.items()
        if name in transaction.schema.face_columns and (name == "encoding" or getattr(row, name) != value)
    }
    if changes:
        transaction.connection.execute(
            sa.update(faces).where(faces.c.id == row.id).values(**changes, updated_at=transaction.now)
        )
    return bool(changes)


def remove(transaction: Transaction, ids: Collection[int]) -> None:
    """Soft-delete rows."""
    if ids:
        transaction.connection.execute(
            sa.update(faces)
            .where(faces.c.id.in_(ids), faces.c.deleted_at.is_(None))
            .values(deleted_at=transaction.now, updated_at=transaction.now)
        )


def link(transaction: Transaction, face_id: int, values: dict[str, Any], unlinked: Unlinked) -> bool:
    """Write a link into a row that may be linked; False where it may not be any more."""
    result = transaction.connection.execute(
        sa.update(faces)
        .where(faces.c.id == face_id, *_may_be_linked(transaction, unlinked))
        .values(**values, updated_at=transaction.now)
    )  # fmt: skip
    return bool(result.rowcount)


def images_with_unlinked(transaction: Transaction, unlinked: Unlinked) -> list[int]:
    """Images that have a row with an encoding that may be linked, by id; not asked whether it is a parent."""
    # Faces without an image (NULL in v1's tables) have no row whose lock would order us and a click.
    found = (faces.c.image_id.is_not(None), faces.c.encoding.is_not(None))
    query = sa.select(faces.c.image_id).where(*found, *_may_be_linked(transaction, unlinked))
    return [int(row[0]) for row in transaction.connection.execute(query.distinct().order_by(faces.c.image_id))]


def all_parents(transaction: Transaction) -> frozenset[int]:
    """Faces that are the parent of a face that is not deleted."""
    if "parent_id" not in transaction.schema.face_columns:
        return frozenset()
    query = sa.select(faces.c.parent_id).where(faces.c.parent_id.is_not(None), faces.c.deleted_at.is_(None))
    return frozenset(transaction.connection.execute(query.distinct()).scalars())


def with_person(transaction: Transaction, face_ids: Collection[int]) -> set[int]:
    """Which of these have a person in their own rows."""
    found: set[int] = set()
    for chunk in chunked(face_ids):
        query = sa.select(faces.c.id).where(faces.c.id.in_(chunk), faces.c.person_id.is_not(None))
        found |= {int(face) for face in transaction.connection.execute(query).scalars()}
    return found


def share_lock(transaction: Transaction, face_ids: Collection[int]) -> dict[int, KeptFace]:
    """These faces, by id, as far as they are not deleted, locked for reading; without encodings."""
    found: dict[int, KeptFace] = {}
    for chunk in chunked(sorted(face_ids)):
        query = select_kept(transaction, encodings=False)
        query = query.where(faces.c.id.in_(chunk), faces.c.deleted_at.is_(None)).order_by(faces.c.id)
        rows = transaction.connection.execute(query.with_for_update(read=True)).mappings()
        found |= {int(row["id"]): kept(dict(row)) for row in rows}
    return found


def without_image(transaction: Transaction, face_ids: Collection[int]) -> set[int]:
    """Which of these faces are on no image."""
    found: set[int] = set()
    for chunk in chunked(face_ids):
        query = sa.select(faces.c.id).where(faces.c.id.in_(chunk), faces.c.image_id.is_(None))
        found |= {int(face) for face in transaction.connection.execute(query).scalars()}
    return found


def name_of(transaction: Transaction, face_id: int) -> str | None:
    """The name in a face's row; None also where rows have none."""
    if "name" not in transaction.schema.face_columns:
        return None
    return transaction.connection.execute(sa.select(faces.c.name).where(faces.c.id == face_id)).scalar()


def name_children(transaction: Transaction, parents: Collection[int], name: str) -> int:
    """Give the name to the faces with one of these parents that no person has touched; returns how many had another."""
    result = transaction.connection.execute(
        sa.update(faces)
        .where(*_are_untouched_children(parents), sa.or_(faces.c.name.is_(None), faces.c.name != name))
        .values(name=name, updated_at=transaction.now)
    )
    return result.rowcount


def untouched_children(transaction: Transaction, parents: Collection[int]) -> set[int]:
    """The faces with one of these parents that `name_children` would name, by their rows alone."""
    query = sa.select(faces.c.id).where(*_are_untouched_children(parents))
    return {int(face) for face in transaction.connection.execute(query).scalars()}


def count_children(transaction: Transaction, parents: Collection[int]) -> int:
    """How many faces with one of these parents no person has touched."""
    query = sa.select(sa.func.count()).select_from(faces).where(*_are_untouched_children(parents))
    return int(transaction.connection.execute(query).scalar_one())


def write_encoding(encoding: Encoding) -> str:
    """The text for `faces.encoding`."""
    return php_json.dumps(encoding.tolist())


def read_encoding(text: str | bytes | None) -> Encoding | None:
    """The encoding in a row; None where it is empty, of another length, or not 128 finite numbers."""
    try:
        numbers = json.loads(text or "null")
    except ValueError:
        return None
    if not isinstance(numbers, list) or len(numbers) != ENCODING_LENGTH:
        return None
    return finite(numbers)


def finite(numbers: list[object]) -> Encoding | None:
    """The numbers of a JSON list as an encoding; None where one is no number, or too large for one."""
    if not all(type(number) in (float, int) for number in numbers):
        return None
    try:
        encoding = np.array(numbers, np.float64)
    except OverflowError:
        return None
    return encoding if np.isfinite(encoding).all() else None


def write_quality_details(quality: Quality) -> str:
    """The text for `faces.quality_details`: the four parts, without the total."""
    return php_json.dumps({name: value for name, value in asdict(quality).items() if name != "total"})


def read_size_points(text: str | bytes | None) -> float | None:
    """The part of a row's quality that is for the face's size; None where there is none."""
    try:
        return float(json.loads(text or "null")["size"])
    except (ValueError, TypeError, KeyError):
        return None


def write_box(box: RatioBox) -> str:
    """The text for `faces.box`: parts of the photo's width and height."""
    return php_json.dumps(asdict(box))


def read_box(text: str | bytes | None) -> RatioBox | None:
    """The box in a row; None where there is none."""
    try:
        values = json.loads(text or "null")
        return RatioBox(**{edge: float(values[edge]) for edge in ("top", "right", "bottom", "left")})
    except (ValueError, TypeError, KeyError):
        return None


def _select(transaction: Transaction, image_id: int) -> sa.Select[Any]:
    return select_kept(transaction).where(faces.c.image_id == image_id).order_by(faces.c.id)


def select_kept(transaction: Transaction, *more: sa.ColumnElement[Any], encodings: bool = True) -> sa.Select[Any]:
    """A query of the columns that `kept` reads, and more; what was said of a face comes with it.

    Without `encodings` they are None, and some thousand rows are no megabytes.
    """
    columns = [faces.c[name] for name in READ if name in transaction.schema.face_columns]
    if not encodings:
        columns = [column for column in columns if column is not faces.c.encoding]
        more = (*more, sa.null().label("encoding"))
    if transaction.schema.sidecar is None:
        return sa.select(*columns, *more)
    said = transaction.schema.sidecar.answers
    told = (said.c.says, said.c.entry.label("said_in"), said.c.person_id.label("said_person"))
    return sa.select(*columns, *told, *more).select_from(faces.outerjoin(said, said.c.face_id == faces.c.id))


def _are_untouched_children(parents: Collection[int]) -> tuple[sa.ColumnElement[bool], ...]:
    return (faces.c.parent_id.in_(sorted(parents)), faces.c.status == "process", faces.c.deleted_at.is_(None))


def _may_be_linked(transaction: Transaction, unlinked: Unlinked) -> list[sa.ColumnElement[bool]]:
    """The rule as a condition; whether other rows are linked to it is only asked where rows are locked."""
    conditions: list[sa.ColumnElement[bool]] = [
        faces.c.status.in_(sorted(unlinked.statuses)),
        faces.c[unlinked.column].is_(None),
        faces.c.deleted_at.is_(None),
    ]
    if "is_reference" in transaction.schema.face_columns:
        conditions.append(faces.c.is_reference == 0)
    return conditions


def kept(row: dict[str, Any]) -> KeptFace:
    """A row that `select_kept` has asked for."""
    says, said_in, said_person = (row.pop(name, None) for name in ("says", "said_in", "said_person"))
    values = row | {
        "answer": None if says is None else SaidOfFace(Said(says), int(said_in), said_person),
        "encoding": read_encoding(row["encoding"]),
        "is_reference": bool(row.get("is_reference")),
        "deleted": row["deleted_at"] is not None,
    }
    return KeptFace(**{name: value for name, value in values.items() if name != "deleted_at"})
