"""The table `faces`: an image's rows, read and locked in one order, and written column by column."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from faces.people.kept_face import MACHINE_STATUSES, KeptFace
from faces.store.database import Transaction
from faces.store.encodings import read_encoding
from faces.store.schema import faces

_READ = (
    *("id", "face_index", "encoding", "status", "name", "parent_id", "person_id", "is_reference", "deleted_at"),
    *("quality_score", "quality_details", "box"),
)


def of_image(transaction: Transaction, image_id: int) -> list[KeptFace]:
    """All rows of an image by id, soft-deleted ones too; not locked, and not asked whether they are parents."""
    return [_kept(dict(row)) for row in transaction.connection.execute(_select(transaction, image_id)).mappings()]


def lock_of_image(transaction: Transaction, image_id: int) -> list[KeptFace]:
    """All rows of an image by id, soft-deleted ones too, locked until the transaction ends."""
    query = _select(transaction, image_id).with_for_update()
    kept = [_kept(dict(row)) for row in transaction.connection.execute(query).mappings()]
    parents = _with_children(transaction, [row.id for row in kept if not (row.deleted or row.touched)])
    return [replace(row, is_parent=True) if row.id in parents else row for row in kept]


def image_of(transaction: Transaction, face_id: int) -> int | None:
    """The image that a not-deleted face is on."""
    query = sa.select(faces.c.image_id).where(faces.c.id == face_id, faces.c.deleted_at.is_(None))
    return transaction.connection.execute(query).scalar()


def insert(transaction: Transaction, image_id: int, values: dict[str, Any]) -> int:
    """A new row; columns that the database lacks are left out, as are status and name, as the app does it."""
    row = _existing(transaction, values) | {"image_id": image_id}
    result: sa.CursorResult[Any] = transaction.connection.execute(
        sa.insert(faces).values(**row, created_at=transaction.now, updated_at=transaction.now)
    )
    return int(result.lastrowid)


def update(transaction: Transaction, row: KeptFace, values: dict[str, Any]) -> bool:
    """Write those of the values that differ from the locked row; returns whether any did."""
    changes = {
        name: value
        for name, value in _existing(transaction, values).items()
        if name == "encoding" or getattr(row, name) != value
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


def link(transaction: Transaction, face_id: int, values: dict[str, Any]) -> bool:
    """Give an untouched face without a parent or person its own; False where it is no such face any more."""
    result = transaction.connection.execute(
        sa.update(faces)
        .where(faces.c.id == face_id, *_unlinked(transaction))
        .values(**values, updated_at=transaction.now)
    )  # fmt: skip
    return bool(result.rowcount)


def lock_parents(transaction: Transaction, ids: Iterable[int]) -> tuple[set[int], set[int]]:
    """Share-lock chosen parents by id: which of them are candidates now, and which are at least roots now.

    A root is a face that is not deleted and has no parent.
    """
    columns = (faces.c.id, faces.c.status, faces.c.encoding.is_not(None).label("encoded"))
    query = sa.select(*columns).where(
        faces.c.id.in_(sorted(ids)), faces.c.parent_id.is_(None), faces.c.deleted_at.is_(None)
    )  # fmt: skip
    rows = transaction.connection.execute(query.order_by(faces.c.id).with_for_update(read=True)).all()
    return {row.id for row in rows if row.status == "ok" and row.encoded}, {row.id for row in rows}


def images_with_unlinked(transaction: Transaction) -> list[int]:
    """Images that have an untouched face without a parent or person, by id."""
    # Faces without an image (NULL in v1's tables) have no row whose lock would order us and a click.
    found = (faces.c.image_id.is_not(None), faces.c.encoding.is_not(None))
    query = sa.select(faces.c.image_id).where(*found, *_unlinked(transaction))
    return [int(row[0]) for row in transaction.connection.execute(query.distinct().order_by(faces.c.image_id))]


def all_parents(transaction: Transaction) -> frozenset[int]:
    """Faces that are the parent of a face that is not deleted."""
    if "parent_id" not in transaction.schema.face_columns:
        return frozenset()
    query = sa.select(faces.c.parent_id).where(faces.c.parent_id.is_not(None), faces.c.deleted_at.is_(None))
    return frozenset(transaction.connection.execute(query.distinct()).scalars())


def name_face(transaction: Transaction, row: KeptFace, name: str, *, as_master: bool) -> int:
    """Name a locked face as a click does, and its relatives that no person has touched; returns how many of these.

    A click leaves the parent as it is; `as_master` takes it away, so that others can be linked to this face. The
    relatives are the faces whose parent is this one or, for a click, this one's parent.
    """
    update(transaction, row, {"name": name, "status": "ok"} | ({"parent_id": None} if as_master else {}))
    family = {row.id} if as_master or row.parent_id is None else {row.id, row.parent_id}
    result = transaction.connection.execute(
        sa.update(faces)
        .where(
            faces.c.parent_id.in_(sorted(family)),
            faces.c.status == "process",
            faces.c.deleted_at.is_(None),
            sa.or_(faces.c.name.is_(None), faces.c.name != name),
        )
        .values(name=name, updated_at=transaction.now)
    )
    return result.rowcount


def _select(transaction: Transaction, image_id: int) -> sa.Select[Any]:
    columns = [faces.c[name] for name in _READ if name in transaction.schema.face_columns]
    return sa.select(*columns).where(faces.c.image_id == image_id).order_by(faces.c.id)


def _unlinked(transaction: Transaction) -> list[sa.ColumnElement[bool]]:
    """What makes a row one that `link` may write; of the statuses a person's version asks for `process` alone."""
    persons = transaction.schema.has_persons
    mine = faces.c.status == "process" if persons else faces.c.status.in_(sorted(MACHINE_STATUSES))
    linked_to = faces.c.person_id if persons else faces.c.parent_id
    unlinked = [mine, linked_to.is_(None), faces.c.deleted_at.is_(None)]
    if "is_reference" in transaction.schema.face_columns:
        unlinked.append(faces.c.is_reference == 0)
    return unlinked


def _existing(transaction: Transaction, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in transaction.schema.face_columns}


def _kept(row: dict[str, Any]) -> KeptFace:
    values = row | {
        "encoding": read_encoding(row["encoding"]),
        "is_reference": bool(row.get("is_reference")),
        "deleted": row["deleted_at"] is not None,
    }
    return KeptFace(**{name: value for name, value in values.items() if name != "deleted_at"})


def _with_children(transaction: Transaction, ids: Collection[int]) -> set[int]:
    """Which of these faces are the parent of a face that is not deleted."""
    if not ids or "parent_id" not in transaction.schema.face_columns:
        return set()
    query = sa.select(faces.c.parent_id).where(faces.c.parent_id.in_(ids), faces.c.deleted_at.is_(None))
    return set(transaction.connection.execute(query.distinct()).scalars())
