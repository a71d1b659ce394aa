"""What the fixed threshold linked before: which links are doubtful, and taking them back to unknown.

A link is doubtful where its face is not believed to be its master's person by the master alone
(`faces.people.judging.old_links`). What a person has said of a face is never touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal
from uuid import uuid4

import numpy as np

from faces.library.arrivals import Arrivals
from faces.people.calibration import Learned
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.identify import Identification, decide_photo
from faces.people.judging.old_links import BELIEVED, OldLink, judge
from faces.people.kept_face import Decision, KeptFace
from faces.people.learning import learn_shift
from faces.people.refs import Ref
from faces.store import faces, images
from faces.store.database import Transaction
from faces.store.sidecar import answer_rows, known_encodings, ledger, linked_faces, never_rows, people_rows
from faces.store.sidecar.ledger import FaceChange
from faces.store.sidecar.linked_faces import LinkedFace

#: Links that are judged at a time.
BATCH = 1000

Becomes = Literal["linked again", "linked to another", "offered", "unknown"]


@dataclass(frozen=True, slots=True)
class DoubtfulLink:
    """A link that is not believed, and what the face would become without it."""

    link: LinkedFace
    old: OldLink
    decision: Decision
    """What today's rule does with the face: it is linked, offered, or unknown."""
    found: Identification | None
    """The likeliest person by today's rule."""
    name: str | None
    """That person's."""

    @property
    def becomes(self) -> Becomes:
        """What today's rule makes of the face."""
        if self.found is None or self.decision == "silent":
            return "unknown"
        if self.decision == "offer":
            return "offered"
        return "linked again" if self.found.person_id == self.link.person_id else "linked to another"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some links that were judged."""

    judged: int
    answered: int
    """Of faces that a person has said something of: they stay as they are."""
    doubtful: list[DoubtfulLink]


class OldLibrary:
    """The links of a database by `parent_id`, judged by its masters as they were when it was opened."""

    def __init__(self, arrivals: Arrivals) -> None:
        """Read the masters.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        self._arrivals, self._library = arrivals, arrivals.library
        arrivals.follow()
        with arrivals.store.reading() as transaction:
            masters = linked_faces.masters(transaction)
            kept = known_encodings.kept_of(transaction, [face for of in masters.values() for face in of])
            self.links = linked_faces.number(transaction)
            self.not_indexed = linked_faces.number_not_indexed(transaction)
        # One may have been removed since it was listed.
        there = {person: [kept[face].numbers for face in of if face in kept] for person, of in masters.items()}
        sums = {person: EncodingSum.of(np.stack(encodings)) for person, encodings in there.items() if encodings}
        self._masters = EnrolledPeople(self._library.neighbourhood, sums)
        first = [there[person][0] for person in self._masters.ids.tolist()]
        self._learned = Learned(learn_shift(self._masters, np.stack(first)) if first else 0.0)
        self.uuid = str(uuid4())
        """Of the ledger's one entry for all that is taken back."""

    @property
    def rule(self) -> str:
        """By what links are doubtful, as the ledger keeps it."""
        version = self._library.cohort.version
        return (
            f"p < {BELIEVED} by masters alone N={len(self._masters)} shift={self._learned.shift:.4f} cohort={version}"
        )

    def batches(self) -> Iterator[Batch]:
        """Judge all links, ascending by face; locks nothing."""
        last = 0
        while True:
            self._arrivals.follow()
            with self._arrivals.store.reading() as transaction:
                links = linked_faces.after(transaction, last, BATCH)
                if not links:
                    return
                last = links[-1].face_id
                batch = self._judge(transaction, links)
            yield batch

    def take_back(self, doubtful: Sequence[DoubtfulLink]) -> int:
        """Make these faces unknown, a photo's in one transaction with our tables and the ledger; returns how many.

        Whatever has changed since they were judged stays as it is. What is committed stays if this process is killed;
        the next run judges what is left.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        by_image: defaultdict[int, dict[int, LinkedFace]] = defaultdict(dict)
        for one in doubtful:
            by_image[one.link.image_id][one.link.face_id] = one.link
        taken, followers = 0, set[int]()
        for image_id, links in sorted(by_image.items()):
            # The groups that the last photo's faces began are there for this one's.
            self._arrivals.follow()
            number, more = self._arrivals.write(partial(self._take_back, image_id=image_id, links=links))
            taken, followers = taken + number, followers | more
        self._arrivals.update_images(sorted(followers))
        return taken

    # --- judging ---

    def _judge(self, transaction: Transaction, links: Sequence[LinkedFace]) -> Batch:
        known = [link for link in links if link.person_id in self._masters]
        answered = _answered(transaction, [link.face_id for link in known])
        kept = known_encodings.kept_of(transaction, [link.face_id for link in known])
        asked = [link for link in known if link.face_id not in answered and link.face_id in kept]
        if not asked:
            return Batch(0, len(answered), [])
        encodings = np.stack([kept[link.face_id].numbers for link in asked])
        judged = judge(encodings, [link.person_id for link in asked], self._masters, self._learned)
        places = [place for place, one in enumerate(judged) if not one.is_believed]
        today = self._today(transaction, [asked[place] for place in places], encodings[places])
        doubtful = [
            DoubtfulLink(asked[place], judged[place], *answer) for place, answer in zip(places, today, strict=True)
        ]
        return Batch(len(asked), len(answered), doubtful)

    def _today(
        self, transaction: Transaction, links: Sequence[LinkedFace], encodings: np.ndarray
    ) -> list[tuple[Decision, Identification | None, str | None]]:
        """What today's rule does with faces without their links, each with the others of its photo."""
        found = self._library.identify(encodings) if links else []
        known = linked_faces.known_in_images(transaction, {link.image_id for link in links})
        for link in links:
            known[link.image_id].pop(link.face_id, None)
        of_image: defaultdict[int, list[int]] = defaultdict(list)
        for place, link in enumerate(links):
            of_image[link.image_id].append(place)
        decisions: dict[int, Decision] = {}
        for image_id, places in of_image.items():
            decided = decide_photo([found[place] for place in places], known[image_id].values())
            decisions |= dict(zip(places, decided, strict=True))
        people = people_rows.read(transaction, {one.person_id for one in found if one})
        return [(decisions[place], one, people[one.person_id].name if one else None) for place, one in enumerate(found)]

    # --- taking back ---

    def _take_back(
        self, transaction: Transaction, image_id: int, links: Mapping[int, LinkedFace]
    ) -> tuple[int, set[int]]:
        if images.lock(transaction, image_id) is None:
            return 0, set()
        rows = [row for row in faces.lock_of_image(transaction, image_id) if _is_as_judged(row, links.get(row.id))]
        answered = _answered(transaction, [row.id for row in rows])
        changes = {row.id: self._unlink(transaction, row) for row in rows if row.id not in answered}
        if not changes:
            return 0, set()
        followers = self._arrivals.bring_up_to_date(transaction, image_id)
        people = {links[face].person_id for face in changes}
        entry = ledger.find(transaction, self.uuid)
        if entry is None:
            ledger.add(transaction, "unlinked", changes, rule=self.rule, uuid=self.uuid, people=people)
        else:
            ledger.add_faces(transaction, entry, changes)
            ledger.note_people(transaction, entry, people)
        return len(changes), followers

    def _unlink(self, transaction: Transaction, row: KeptFace) -> FaceChange:
        columns = [name for name in ("parent_id", "name") if name in transaction.schema.face_columns]
        faces.update(transaction, row, dict.fromkeys(columns))
        return FaceChange({name: getattr(row, name) for name in columns}, dict.fromkeys(columns))


def _is_as_judged(row: KeptFace, link: LinkedFace | None) -> bool:
    """Whether it is still linked as it was judged, and by a machine: nobody has touched it."""
    if link is None or row.deleted or row.touched:
        return False
    return row.status == "process" and row.parent_id == link.parent_id


def _answered(transaction: Transaction, face_ids: Collection[int]) -> set[int]:
    """Faces that a person has answered about: in the ledger, or by a refusal."""
    refs = {Ref("face", face) for face in face_ids}
    refused = {ref.id for ref in never_rows.read_of(transaction, refs).named & refs} if refs else set()
    return refused | answer_rows.answered(transaction, face_ids)
