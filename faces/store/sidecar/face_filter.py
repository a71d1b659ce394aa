"""Which faces are wanted, by what the index of faces has of them; soft-deleted ones never are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from faces.people.kept_face import FaceState
from faces.store.database import Transaction, chunked
from faces.store.schema import faces
from faces.store.sidecar import face_index
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.library_row import tables_of


@dataclass(frozen=True, slots=True)
class FaceFilter:
    """What a face must be; what is not said may be anything."""

    person_id: int | None = None
    """Who it is or, where it is suggested, may be."""
    states: frozenset[FaceState] | None = None
    source_id: int | None = None
    min_quality: float | None = None
    """At least so much; then faces whose quality is not known are not wanted."""

    @property
    def is_nothing(self) -> bool:
        """Whether every face is wanted."""
        return self == FaceFilter()

    def conditions(self, index: sa.Table) -> list[sa.ColumnElement[bool]]:
        """The same as SQL."""
        found: list[sa.ColumnElement[bool]] = []
        if self.person_id is not None:
            found.append(index.c.person_id == self.person_id)
        if self.states is not None:
            found.append(index.c.state.in_(sorted(self.states)))
        if self.source_id is not None:
            found.append(index.c.source_id == self.source_id)
        if self.min_quality is not None:
            found.append(index.c.quality >= self.min_quality)
        return found


def ids_of(transaction: Transaction, wanted: FaceFilter, most: int | None = None) -> list[int]:
    """The faces that are wanted, in no order, up to so many; deleted ones may be among them until our tables follow."""
    index = tables_of(transaction).face_index
    query = sa.select(index.c.face_id).where(*wanted.conditions(index)).limit(most)
    return [int(face) for face in transaction.connection.execute(query).scalars()]


def wanted_of(transaction: Transaction, face_ids: Collection[int], wanted: FaceFilter) -> dict[int, IndexedFace]:
    """Those of these faces that are wanted and there now, by id."""
    index = tables_of(transaction).face_index
    found: dict[int, IndexedFace] = {}
    for chunk in chunked(sorted(face_ids)):
        query = sa.select(index.c.face_id).join(faces, faces.c.id == index.c.face_id)
        query = query.where(index.c.face_id.in_(chunk), faces.c.deleted_at.is_(None), *wanted.conditions(index))
        ids = {int(face) for face in transaction.connection.execute(query).scalars()}
        found |= face_index.read(transaction, ids)
    return found
