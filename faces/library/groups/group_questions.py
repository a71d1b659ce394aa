"""Who a group of the tables is, of the people known today: linked by itself, offered, or nothing is said.

It only finds; `group_links` writes what was found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from faces.library.library import Library
from faces.library.people_tally import UNNAMED, with_offer
from faces.people.encoding_sum import EncodingSum
from faces.people.identify import OFFER, Identification, decide
from faces.people.kept_face import Decision, FaceState
from faces.people.refs import Ref
from faces.photo.face import ENCODING_LENGTH
from faces.store import faces
from faces.store.database import Store, Transaction, chunked
from faces.store.sidecar import face_index, group_rows, known_encodings
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.group_rows import GroupRow, Offer
from faces.store.sidecar.known_encodings import KnownEncoding


@dataclass(frozen=True, slots=True)
class GroupQuestion:
    """A group as it is asked about."""

    group: GroupRow
    total: EncodingSum
    """Of the faces that nobody has confirmed."""
    faces: dict[int, IndexedFace]
    """Of the group, those without a name."""

    @property
    def refs(self) -> list[Ref]:
        """What a person may have refused of it."""
        return [Ref("group", self.group.id), *(Ref("face", face) for face in self.faces)]

    @property
    def images(self) -> set[int]:
        """Those that the unnamed faces are in."""
        return {one.image_id for one in self.faces.values()}


@dataclass(frozen=True, slots=True)
class ProbableGroup:
    """A group that somebody is linked to or offered for."""

    group_id: int
    faces: dict[int, IndexedFace]
    """Those without a name."""
    found: Identification
    decision: Decision


@dataclass(frozen=True, slots=True)
class GroupAnswer:
    """Who a group is likeliest, and what is done with that."""

    found: Identification | None
    """None where nobody is known, all who are were refused, or it has a name and is likelier another."""
    decision: Decision
    faces: int
    """By so many it is asked about: those that nobody has confirmed."""
    in_photo: bool
    """Whether the person has a face in one of its photos already."""


@dataclass(frozen=True, slots=True)
class AskedGroup:
    """A group, and what was found."""

    question: GroupQuestion
    found: Identification | None
    decision: Decision

    def is_present(self, in_photos: Mapping[int, Collection[int]]) -> bool:
        """Whether the person has a face in one of the photos already, by who is in each."""
        if self.found is None:
            return False
        person = self.found.person_id
        return any(person in in_photos.get(image, ()) for image in self.question.images)

    @property
    def probable(self) -> ProbableGroup | None:
        """For who only looks."""
        if self.found is None or self.decision == "silent" or not self.question.faces:
            return None
        return ProbableGroup(self.question.group.id, self.question.faces, self.found, self.decision)

    @property
    def offer(self) -> Offer | None:
        """What is offered where it is not linked."""
        one = self.found
        if self.question.group.person_id is not None and not self.question.faces:
            return None
        return Offer(one.person_id, one.probability) if one and one.probability >= OFFER else None

    @property
    def changed(self) -> dict[int, tuple[IndexedFace, IndexedFace]]:
        """The faces that the offer changes, before and after."""
        pairs = {face: (one, with_offer(one, self.offer)) for face, one in self.question.faces.items()}
        return {face: pair for face, pair in pairs.items() if pair[0] != pair[1]}


@dataclass(frozen=True, slots=True)
class GroupQuestions:
    """Asks about groups; changes nothing.

    A group is asked about by its faces that nobody has confirmed. One with a name is only ever told to be that person.
    """

    store: Store
    library: Library

    def answers(self, transaction: Transaction, group_ids: Collection[int]) -> list[AskedGroup]:
        """Who these groups are."""
        return self._answers(transaction, group_rows.read(transaction, group_ids))

    def answer_now(self, transaction: Transaction, group_id: int) -> GroupAnswer | None:
        """Who a group is, if it were asked about now, however unlikely; None where it is not there."""
        for one in self._answers(transaction, group_rows.read(transaction, [group_id])):
            in_photo = one.found is not None and one.is_present(people_in_photos(transaction, [one]))
            return GroupAnswer(one.found, one.decision, one.question.total.count, in_photo)
        return None

    def look(self, group_ids: Iterable[int]) -> Iterator[ProbableGroup]:
        """Who would be linked to these groups or offered for them, if they were asked about now."""
        for chunk in chunked(group_ids):
            with self.store.reading() as transaction:
                self.library.follow(transaction)
                answers = self._answers(transaction, group_rows.read(transaction, chunk))
            yield from (one for answer in answers if (one := answer.probable))

    def lock(self, transaction: Transaction, asked: Iterable[AskedGroup]) -> dict[int, dict[int, IndexedFace]]:
        """Lock groups; of those that are what they were when they were asked about, the unnamed faces as they are."""
        groups = {one.question.group.id: one.question.group for one in asked}
        rows = group_rows.lock(transaction, groups)
        same = [group for group, row in rows.items() if _is_same(row, groups[group])]
        return _unnamed_of(transaction, face_index.of_groups(transaction, same))

    def _answers(self, transaction: Transaction, rows: Mapping[int, GroupRow]) -> list[AskedGroup]:
        questions = self._questions(transaction, rows)
        asked = [question for question in questions if question.total.count]
        refused = [self.library.refused_people(*question.refs) for question in asked]
        middles = np.stack([question.total.middle for question in asked]) if asked else np.empty((0, ENCODING_LENGTH))
        found = self.library.identify(middles, [question.total.count for question in asked], refused)
        answers = [AskedGroup(question, None, "silent") for question in questions if not question.total.count]
        for question, one in zip(asked, found, strict=True):
            fits = one if one is None or question.group.person_id in (None, one.person_id) else None
            answers.append(AskedGroup(question, fits, decide(fits)))
        in_photos = people_in_photos(transaction, [one for one in answers if one.decision == "link"])
        return [
            replace(one, decision="offer") if one.decision == "link" and one.is_present(in_photos) else one
            for one in answers
        ]

    def _questions(self, transaction: Transaction, rows: Mapping[int, GroupRow]) -> list[GroupQuestion]:
        indexed = face_index.of_groups(transaction, rows.keys())
        confirmed = known_encodings.kept_of(
            transaction,
            [face for each in indexed.values() for face, one in each.items() if one.state is FaceState.CONFIRMED],
        )
        unnamed = _unnamed_of(transaction, indexed)
        return [
            GroupQuestion(row, _without(row.total, indexed[row.id], confirmed), unnamed[row.id])
            for row in rows.values()
        ]


def people_in_photos(transaction: Transaction, asked: Iterable[AskedGroup]) -> dict[int, set[int]]:
    """Who is linked or confirmed in the photos of these groups' unnamed faces, by image."""
    wanted = {image for one in asked for image in one.question.images}
    return face_index.people_in_images(transaction, wanted)


def _without(total: EncodingSum, faces: Iterable[int], confirmed: Mapping[int, KnownEncoding]) -> EncodingSum:
    """The sum of a group without its confirmed faces."""
    known = [confirmed[face].numbers for face in faces if face in confirmed]
    return total - EncodingSum.of(known) if known else total


def _unnamed_of(
    transaction: Transaction, indexed: Mapping[int, Mapping[int, IndexedFace]]
) -> dict[int, dict[int, IndexedFace]]:
    """Of the faces of groups those without a name; where an app has persons, none that it suggests one for."""
    suggested = set[int]()
    if transaction.schema.rule.linked is FaceState.SUGGESTED:
        offered = [face for each in indexed.values() for face, one in each.items() if one.state is FaceState.SUGGESTED]
        suggested = faces.with_person(transaction, offered)
    return {
        group: {face: one for face, one in each.items() if one.state in UNNAMED and face not in suggested}
        for group, each in indexed.items()
    }


def _is_same(row: GroupRow, asked: GroupRow) -> bool:
    return (row.total, row.person_id, row.joined_to) == (asked.total, asked.person_id, asked.joined_to)
