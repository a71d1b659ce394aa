"""link: matches faces found before with the people enrolled since. Reads no photo; takes locks as the job does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from faces.errors import RequestError
from faces.library.opening import OpenLibrary
from faces.people.kept_face import KeptFace
from faces.people.linking import Link, Linking
from faces.people.matching import Candidates, Encodings
from faces.photo.face import ENCODING_LENGTH
from faces.store import faces, images
from faces.store.database import Store, Transaction
from faces.store.who import identities_of
from worker.commands.doubtful_links import look_again
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_DETAILS = """\
Compares every face that nobody has touched and that is not linked with the people known today. FACE_MATCH says what
links it: nearest, the nearest below the threshold (FACE_THRESHOLD); or calibrated, a probability of 0.95 and more. No
photo is read and no API is needed: run it after naming somebody.

--again looks at the links that nearest has made before: which are doubtful, because by the person's master alone they
are less than 0.9 likely, and what calibrated would say instead. With --dry-run it only tells; with --apply it makes
these unknown again, without the names that came with the links. What a person has named, confirmed or answered stays.
It needs our own tables (`worker tables`), whose ledger keeps what was changed."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "link", run, _DETAILS)
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be linked")
    parser.add_argument("--again", action="store_true", help="look at links that were made before, with one of these:")
    parser.add_argument("--apply", action="store_true", help="with --again: take doubtful links back to unknown")


def run(arguments: argparse.Namespace, session: Invocation) -> int:
    """Link image by image, or look at old links again."""
    if arguments.apply and not arguments.again:
        raise RequestError("--apply is for --again: `link` alone links")
    linked: list[Linked] = []
    with session.store() as store:
        if arguments.again:
            return look_again(arguments, session, store)
        library = session.library(store)
        if library.is_calibrated and library.settling:
            # Here, and not above: only a database with our tables needs it.
            from worker.commands.probable_links import link_groups

            return link_groups(session, store, library, library.settling, dry_run=arguments.dry_run)
        linker = Linker.of(store, session.linking, linked.append, library)
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
    """Matches untouched, unlinked faces one by one with today's masters or persons; the demo uses it, too.

    What two faces of one photo are to each other was decided when they were found: here faces are only linked to
    candidates. `tell` is called with each face that is linked.
    """

    store: Store
    linking: Linking
    library: OpenLibrary
    candidates: Candidates
    parents: frozenset[int]
    """Faces that others are linked to: looked up once for all images; under the locks it is asked again."""
    tell: Callable[[Linked], None]

    @classmethod
    def of(
        cls, store: Store, linking: Linking, tell: Callable[[Linked], None], library: OpenLibrary | None = None
    ) -> Linker:
        """Read today's candidates, once for all images; without a library by distance, with our tables left alone."""
        library = library or OpenLibrary(identities_of(store.schema), None, None, is_calibrated=False)
        with store.reading() as transaction:
            candidates = library.identities.read(transaction)
            return cls(store, linking, library, candidates, faces.all_parents(transaction), tell)

    def images(self) -> list[int]:
        """Images with a face that may be linked."""
        with self.store.reading() as transaction:
            return self.library.identities.images_with_unlinked(transaction)

    def link_image(self, image_id: int, *, dry_run: bool) -> None:
        """Link an image's faces, each to the nearest below the threshold."""
        candidates = self.linking.eligible(self.candidates, image_id)
        with self.store.reading() as transaction:
            linked = self._look(transaction, image_id, candidates)
        if linked and not dry_run:
            linked = self._write(image_id, candidates)
        for one in linked:
            self.tell(one)

    def _look(self, transaction: Transaction, image_id: int, candidates: Candidates) -> list[Linked]:
        """What would be linked, for most images nothing; locks nothing."""
        photo = self._photo(faces.of_image(transaction, image_id))
        wanted = {place for place in photo.wanted if photo.rows[place].id not in self.parents}
        links = self.library.identities.choose(
            photo.encodings, wanted, photo.by_place, candidates, Linking(self.linking.threshold)
        )
        return [Linked.of(photo.rows[place], image_id, link) for place, link in links.items()]

    def _write(self, image_id: int, candidates: Candidates) -> list[Linked]:
        """Link them, and bring our tables up to date where there are some."""
        if (arrivals := self.library.arrivals) is None:
            return self.store.write(lambda transaction: self._link(transaction, image_id, candidates)[0])
        arrivals.follow()

        def work(transaction: Transaction) -> list[Linked]:
            linked, links = self._link(transaction, image_id, candidates)
            if linked:
                arrivals.bring_up_to_date(transaction, image_id, links)
            return linked

        return arrivals.write(work)

    def _link(
        self, transaction: Transaction, image_id: int, candidates: Candidates
    ) -> tuple[list[Linked], dict[int, Link]]:
        """Everything is looked at again under the locks: a click may have come in between. The links, by face."""
        if images.lock(transaction, image_id) is None:
            return [], {}
        identities = self.library.identities
        photo = self._photo(faces.lock_of_image(transaction, image_id))
        linking = Linking(self.linking.threshold)
        chosen = identities.lock(transaction, photo.encodings, photo.wanted, photo.by_place, candidates, linking)
        links = {
            place: link for place, link in chosen.items() if identities.link(transaction, photo.rows[place].id, link)
        }
        linked = [Linked.of(photo.rows[place], image_id, link) for place, link in links.items()]
        return linked, {photo.rows[place].id: link for place, link in links.items()}

    def _photo(self, rows: list[KeptFace]) -> _Photo:
        live = [row for row in rows if not row.deleted]
        return _Photo.of(live, {row.id for row in live if self.library.identities.may_be_linked(row)})


@dataclass(frozen=True, slots=True, eq=False)
class _Photo:
    """An image's rows by place; those without an encoding stand past the last one of `encodings`, shape (n, 128)."""

    rows: list[KeptFace]
    encodings: Encodings
    wanted: set[int]
    """Places that may be linked."""

    @classmethod
    def of(cls, rows: list[KeptFace], linkable: set[int]) -> _Photo:
        """Of an image's live rows, and the ids of those that may be linked."""
        encodings = [row.encoding for row in rows if row.encoding is not None]
        ordered = [row for row in rows if row.encoding is not None] + [row for row in rows if row.encoding is None]
        matrix = np.stack(encodings) if encodings else np.empty((0, ENCODING_LENGTH))
        return cls(ordered, matrix, {place for place in range(len(encodings)) if ordered[place].id in linkable})

    @property
    def by_place(self) -> dict[int, KeptFace]:
        return dict(enumerate(self.rows))
