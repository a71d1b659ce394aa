"""Linking faces that were found before somebody was named: no photo is read, and locks are taken as the job does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from faces.people.kept_face import KeptFace
from faces.people.linking import Linking, Person, choose_parents, choose_persons
from faces.people.matching import Candidates, Encodings
from faces.store import faces, images
from faces.store.candidates import CandidateReader
from faces.store.database import Store, Transaction
from worker.jobs.links import Link, columns_of, lock_parents, lock_persons, may_be_suggested


@dataclass(frozen=True, slots=True)
class Linked:
    """A face that was linked, or in a dry run would be: to a master or, where the app has persons, to one of them."""

    face_id: int
    image_id: int
    parent_id: int | None
    distance: float
    person_id: int | None = None

    @classmethod
    def of(cls, row: KeptFace, image_id: int, link: Link) -> Linked:
        """What became of a row."""
        if isinstance(link, Person):
            return cls(row.id, image_id, None, link.distance, link.person_id)
        return cls(row.id, image_id, link.face_id, link.distance)


@dataclass(frozen=True, slots=True)
class Linker:
    """Matches untouched, unlinked faces with today's masters; `tell` hears of each that is linked."""

    store: Store
    linking: Linking
    reader: CandidateReader
    candidates: Candidates
    parents: frozenset[int]
    """Faces that are somebody's parent: looked up once for all images; under the locks it is asked again."""
    tell: Callable[[Linked], None]

    @classmethod
    def of(cls, store: Store, linking: Linking, tell: Callable[[Linked], None]) -> Linker:
        """Read today's masters or persons."""
        reader = CandidateReader()
        with store.reading() as transaction:
            candidates = reader.read(transaction)
            return cls(store, linking, reader, candidates, faces.all_parents(transaction), tell)

    def images(self) -> list[int]:
        """Images with a face that may be linked."""
        with self.store.reading() as transaction:
            return faces.images_with_unlinked(transaction)

    def link_image(self, image_id: int, *, dry_run: bool) -> None:
        """Link an image's faces, each to the nearest below the threshold."""
        everybody = self.linking.within_photo or self.store.schema.has_persons
        candidates = self.candidates if everybody else self.candidates.outside_image(image_id)
        with self.store.reading() as transaction:
            linked = self._look(transaction, image_id, candidates)
        if linked and not dry_run:
            linked = self.store.write(lambda transaction: self._write(transaction, image_id, candidates))
        for one in linked:
            self.tell(one)

    def _look(self, transaction: Transaction, image_id: int, candidates: Candidates) -> list[Linked]:
        rows = [
            row
            for row in faces.of_image(transaction, image_id)
            if self._may_be_linked(row) and row.id not in self.parents
        ]
        links = self._choose(_matrix(rows), candidates)
        return [Linked.of(rows[place], image_id, link) for place, link in links.items()]

    def _choose(self, found: Encodings, candidates: Candidates) -> Mapping[int, Link]:
        wanted = range(len(found))
        if self.store.schema.has_persons:
            return choose_persons(found, wanted, candidates, self.linking)
        return choose_parents(found, wanted, {}, candidates, Linking(self.linking.threshold))

    def _write(self, transaction: Transaction, image_id: int, candidates: Candidates) -> list[Linked]:
        """Everything is looked at again under the locks: a click may have come in between."""
        if images.lock(transaction, image_id) is None:
            return []
        rows = [row for row in faces.lock_of_image(transaction, image_id) if self._may_be_linked(row)]
        links = self._lock(transaction, _matrix(rows), candidates)
        return [
            Linked.of(rows[place], image_id, link)
            for place, link in links.items()
            if faces.link(transaction, rows[place].id, columns_of(link, {}))
        ]

    def _lock(self, transaction: Transaction, found: Encodings, candidates: Candidates) -> Mapping[int, Link]:
        wanted = set(range(len(found)))
        if self.store.schema.has_persons:
            return lock_persons(transaction, self.reader, found, wanted, candidates, self.linking)
        # Only masters count here: what two faces of one photo are to each other was decided when they were found.
        return lock_parents(transaction, found, wanted, {}, candidates, Linking(self.linking.threshold))

    def _may_be_linked(self, row: KeptFace) -> bool:
        if self.store.schema.has_persons:
            return may_be_suggested(row) and row.encoding is not None
        return not (row.deleted or row.touched or row.parent_id is not None or row.encoding is None)


def _matrix(rows: list[KeptFace]) -> Encodings:
    return np.stack([row.encoding for row in rows if row.encoding is not None]) if rows else np.empty((0, 128))
