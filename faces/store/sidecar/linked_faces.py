"""Faces that are linked to masters, and these: what an old library's links are judged by. Where faces have parents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from faces.people.kept_face import FaceState
from faces.store.database import Transaction, chunked
from faces.store.schema import faces
from faces.store.sidecar.library_row import tables_of


@dataclass(frozen=True, slots=True)
class LinkedFace:
    """A face that a machine has linked to somebody's master."""

    face_id: int
    image_id: int
    parent_id: int
    person_id: int
    name: str | None
    """The person's."""


def masters(transaction: Transaction) -> dict[int, list[int]]:
    """Each person's confirmed faces without a parent whose encoding is kept, ascending by id."""
    tables = tables_of(transaction)
    index, vectors = tables.face_index, tables.vectors
    query = (
        sa.select(index.c.person_id, index.c.face_id)
        .join_from(index, faces, faces.c.id == index.c.face_id)
        .join(vectors, vectors.c.face_id == index.c.face_id)
        .where(index.c.state == FaceState.CONFIRMED, index.c.person_id.is_not(None))
        .where(faces.c.status == "ok", faces.c.parent_id.is_(None), faces.c.deleted_at.is_(None))
        .order_by(index.c.face_id)
    )
    found: defaultdict[int, list[int]] = defaultdict(list)
    for row in transaction.connection.execute(query):
        found[int(row.person_id)].append(int(row.face_id))
    return dict(found)


def after(transaction: Transaction, face_id: int, most: int) -> list[LinkedFace]:
    """The next linked faces by id: status `process`, of a known person, with an encoding that is kept."""
    tables = tables_of(transaction)
    index, people, vectors = tables.face_index, tables.people, tables.vectors
    query = (
        sa.select(index.c.face_id, index.c.image_id, faces.c.parent_id, index.c.person_id, people.c.name)
        .join_from(index, faces, faces.c.id == index.c.face_id)
        .join(vectors, vectors.c.face_id == index.c.face_id)
        .join(people, people.c.id == index.c.person_id)
        .where(index.c.face_id > face_id, index.c.state == FaceState.LINKED)
        .where(faces.c.status == "process", faces.c.parent_id.is_not(None), faces.c.deleted_at.is_(None))
        .order_by(index.c.face_id)
        .limit(most)
    )
    return [
        LinkedFace(int(row.face_id), int(row.image_id), int(row.parent_id), int(row.person_id), row.name)
        for row in transaction.connection.execute(query)
    ]


def number(transaction: Transaction) -> int:
    """How many faces are linked."""
    index = tables_of(transaction).face_index
    query = sa.select(sa.func.count()).select_from(index).where(index.c.state == FaceState.LINKED)
    return int(transaction.connection.execute(query).scalar_one())


def number_not_indexed(transaction: Transaction) -> int:
    """How many faces our tables do not know yet."""
    index = tables_of(transaction).face_index
    of_image = sa.select(sa.func.count()).select_from(faces)
    live = of_image.where(faces.c.deleted_at.is_(None), faces.c.image_id.is_not(None))
    indexed = sa.select(sa.func.count()).select_from(index)
    there, known = (int(transaction.connection.execute(query).scalar_one()) for query in (live, indexed))
    return max(0, there - known)


def known_in_images(transaction: Transaction, image_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """Who is linked or confirmed in these images: the person by face, by image."""
    index = tables_of(transaction).face_index
    known = (index.c.person_id.is_not(None), index.c.state.in_((FaceState.LINKED, FaceState.CONFIRMED)))
    found: dict[int, dict[int, int]] = {image: {} for image in image_ids}
    for chunk in chunked(image_ids):
        query = sa.select(index.c.image_id, index.c.face_id, index.c.person_id).where(index.c.image_id.in_(chunk))
        for row in transaction.connection.execute(query.where(*known)):
            found[int(row.image_id)][int(row.face_id)] = int(row.person_id)
    return found
