"""Linking faces that were found before somebody was named: no photo is read, and locks are taken as the job does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from faces.kept_face import KeptFace
from faces.linking import Linking
from faces.matching import Candidates, Encodings, Match, nearest
from faces.store import faces, images
from faces.store.candidates import CandidateReader
from faces.store.database import Store, Transaction
from worker.process import lock_parents


@dataclass(frozen=True, slots=True)
class Linked:
    """A face that was linked, or in a dry run would be."""

    face_id: int
    image_id: int
    parent_id: int
    distance: float


@dataclass(frozen=True, slots=True)
class Linker:
    """Matches untouched, unlinked faces with today's masters; `tell` hears of each that is linked."""

    store: Store
    linking: Linking
    candidates: Candidates
    parents: frozenset[int]
    """Faces that are somebody's parent: looked up once for all images; under the locks it is asked again."""
    tell: Callable[[Linked], None]

    @classmethod
    def of(cls, store: Store, linking: Linking, tell: Callable[[Linked], None]) -> Linker:
        """Read today's masters.

        Raises:
            SchemaError: the database links faces to persons.
        """
        store.schema.require_parents("link")
        with store.reading() as transaction:
            candidates = CandidateReader().read(transaction)
            return cls(store, linking, candidates, faces.all_parents(transaction), tell)

    def images(self) -> list[int]:
        """Images with a face that may be linked."""
        with self.store.reading() as transaction:
            return faces.images_with_unlinked(transaction)

    def link_image(self, image_id: int, *, dry_run: bool) -> None:
        """Link an image's faces, each to the nearest master below the threshold."""
        candidates = self.candidates if self.linking.within_photo else self.candidates.outside_image(image_id)
        with self.store.reading() as transaction:
            matches = self._look(transaction, image_id, candidates)
        if dry_run:
            linked = [Linked(row.id, image_id, match.id, match.distance) for row, match in matches]
        elif matches:
            linked = self.store.write(lambda transaction: self._write(transaction, image_id, candidates))
        else:
            linked = []
        for one in linked:
            self.tell(one)

    def _look(self, transaction: Transaction, image_id: int, candidates: Candidates) -> list[tuple[KeptFace, Match]]:
        return [
            (row, match)
            for row in faces.of_image(transaction, image_id)
            if _may_be_linked(row) and row.encoding is not None and row.id not in self.parents
            if (match := nearest(row.encoding, candidates, self.linking.threshold))
        ]

    def _write(self, transaction: Transaction, image_id: int, candidates: Candidates) -> list[Linked]:
        """Everything is looked at again under the locks: a click may have come in between."""
        if images.lock(transaction, image_id) is None:
            return []
        rows = [row for row in faces.lock_of_image(transaction, image_id) if _may_be_linked(row)]
        # Only masters count here: what two faces of one photo are to each other was decided when they were found.
        masters_only = Linking(self.linking.threshold)
        parents = lock_parents(transaction, _matrix(rows), set(range(len(rows))), {}, candidates, masters_only)
        return [
            Linked(rows[place].id, image_id, parent.face_id, parent.distance)
            for place, parent in parents.items()
            if parent.face_id is not None and faces.link(transaction, rows[place].id, parent.face_id)
        ]


def _may_be_linked(row: KeptFace) -> bool:
    return not (row.deleted or row.touched or row.parent_id is not None or row.encoding is None)


def _matrix(rows: list[KeptFace]) -> Encodings:
    return np.stack([row.encoding for row in rows if row.encoding is not None]) if rows else np.empty((0, 128))
