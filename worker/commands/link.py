"""link: matches faces found before with the people enrolled since. Reads no photo; takes locks as the job does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from faces.people.kept_face import KeptFace
from faces.people.linking import Identities, Link, Linking
from faces.people.matching import Candidates, Encodings
from faces.store import faces, images
from faces.store.database import Store, Transaction
from faces.store.who import identities_of
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_DETAILS = """\
Compares every face that nobody has touched and that is not linked with the people known today, and links it to the
nearest below the threshold (FACE_THRESHOLD). No photo is read and no API is needed: run it after naming somebody."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "link", run, _DETAILS)
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be linked")


def run(arguments: argparse.Namespace, session: Invocation) -> int:
    """Link image by image."""
    linked: list[Linked] = []
    with session.store() as store:
        # Refused where the database has not got what it needs.
        session.match_rule(store)
        linker = Linker.of(store, session.linking, linked.append)
        image_ids = linker.images()
        with session.output.progress("images", len(image_ids)) as step:
            for image_id in image_ids:
                linker.link_image(image_id, dry_run=arguments.dry_run)
                step()
    if arguments.dry_run:
        for one in linked:
            target = f"person {one.person_id}" if one.person_id is not None else str(one.parent_id)
            session.output.result(f"face {one.face_id} would be linked to {target} (distance {one.distance:.3f})")
    session.output.result(f"{len(linked)} faces {'would be ' if arguments.dry_run else ''}linked")
    session.output.record({"dry_run": arguments.dry_run, "linked": [asdict(one) for one in linked]})
    return 0


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
        return cls(row.id, image_id, link.face_id, link.distance, link.person_id)


@dataclass(frozen=True, slots=True)
class Linker:
    """Matches untouched, unlinked faces with today's masters or persons; the demo uses it, too.

    What two faces of one photo are to each other was decided when they were found: here faces are only linked to
    candidates. `tell` is called with each face that is linked.
    """

    store: Store
    linking: Linking
    identities: Identities[Transaction]
    candidates: Candidates
    parents: frozenset[int]
    """Faces that others are linked to: looked up once for all images; under the locks it is asked again."""
    tell: Callable[[Linked], None]

    @classmethod
    def of(cls, store: Store, linking: Linking, tell: Callable[[Linked], None]) -> Linker:
        """Read today's candidates, once for all images."""
        identities = identities_of(store.schema)
        with store.reading() as transaction:
            candidates = identities.read(transaction)
            return cls(store, linking, identities, candidates, faces.all_parents(transaction), tell)

    def images(self) -> list[int]:
        """Images with a face that may be linked."""
        with self.store.reading() as transaction:
            return self.identities.images_with_unlinked(transaction)

    def link_image(self, image_id: int, *, dry_run: bool) -> None:
        """Link an image's faces, each to the nearest below the threshold."""
        candidates = self.linking.eligible(self.candidates, image_id)
        with self.store.reading() as transaction:
            linked = self._look(transaction, image_id, candidates)
        if linked and not dry_run:
            linked = self.store.write(lambda transaction: self._write(transaction, image_id, candidates))
        for one in linked:
            self.tell(one)

    def _look(self, transaction: Transaction, image_id: int, candidates: Candidates) -> list[Linked]:
        """What would be linked, for most images nothing; locks nothing."""
        rows = [row for row in self._unlinked(faces.of_image(transaction, image_id)) if row.id not in self.parents]
        links = self.identities.choose(_matrix(rows), range(len(rows)), {}, candidates, Linking(self.linking.threshold))
        return [Linked.of(rows[place], image_id, link) for place, link in links.items()]

    def _write(self, transaction: Transaction, image_id: int, candidates: Candidates) -> list[Linked]:
        """Everything is looked at again under the locks: a click may have come in between."""
        if images.lock(transaction, image_id) is None:
            return []
        rows = self._unlinked(faces.lock_of_image(transaction, image_id))
        every, linking = range(len(rows)), Linking(self.linking.threshold)
        links = self.identities.lock(transaction, _matrix(rows), every, {}, candidates, linking)
        return [
            Linked.of(rows[place], image_id, link)
            for place, link in links.items()
            if self.identities.link(transaction, rows[place].id, link)
        ]

    def _unlinked(self, rows: list[KeptFace]) -> list[KeptFace]:
        return [row for row in rows if self.identities.may_be_linked(row) and row.encoding is not None]


def _matrix(rows: list[KeptFace]) -> Encodings:
    return np.stack([row.encoding for row in rows if row.encoding is not None]) if rows else np.empty((0, 128))
