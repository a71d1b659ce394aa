"""Who a group of the tables is, of the people known today: linked by itself, offered, or nothing is said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from faces.library.calibrated import held_back, lock_links
from faces.library.library import Library
from faces.library.people_tally import UNNAMED, PeopleTally, with_offer
from faces.people.encoding_sum import EncodingSum
from faces.people.identify import OFFER, Identification, decide
from faces.people.kept_face import Decision, FaceState
from faces.people.linking import Identities, Link
from faces.people.refs import Ref
from faces.photo.face import ENCODING_LENGTH
from faces.store import faces, images
from faces.store.database import Store, Transaction, chunked
from faces.store.sidecar import face_index, group_rows, known_encodings, ledger, library_row, people_rows
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.group_rows import GroupRow, Offer
from faces.store.sidecar.ledger import FaceChange

#: Faces that one transaction offers somebody else for: so long others wait for the rows of their images.
_FACES = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """What has become of groups."""

    groups: int = 0
    """That were linked by themselves."""
    faces: int = 0
    """That were linked with them."""

    def __add__(self, other: Asked) -> Asked:
        return Asked(self.groups + other.groups, self.faces + other.faces)


@dataclass(frozen=True, slots=True)
class _Question:
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
class _Answer:
    question: _Question
    found: Identification | None
    decision: Decision

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
    """Asks about groups. `go_on` is called between two steps, and ends it by raising.

    A group is asked about by its faces that nobody has confirmed. One with a name is only ever told to be that person.
    """

    store: Store
    library: Library
    identities: Identities[Transaction]
    links: bool
    """Whether a group is linked by itself: FACE_MATCH=calibrated."""
    go_on: Callable[[], None]

    def ask(self, group_ids: Iterable[int]) -> Asked:
        """Ask about groups, some hundred at a time; they are settled then.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        asked = Asked()
        for chunk in chunked(group_ids):
            self.go_on()
            asked += self._ask(chunk)
        return asked

    def answer_now(self, transaction: Transaction, group_id: int) -> GroupAnswer | None:
        """Who a group is, if it were asked about now, however unlikely; None where it is not there."""
        for answer in self._answers(
            transaction, self._questions(transaction, group_rows.read(transaction, [group_id]))
        ):
            in_photo = answer.found is not None and answer.found.person_id in _present(transaction, answer.question)
            return GroupAnswer(answer.found, answer.decision, answer.question.total.count, in_photo)
        return None

    def look(self, group_ids: Iterable[int]) -> Iterator[ProbableGroup]:
        """Who would be linked to these groups or offered for them, if they were asked about now; changes nothing."""
        for chunk in chunked(group_ids):
            with self.store.reading() as transaction:
                self.library.follow(transaction)
                answers = self._answers(transaction, self._questions(transaction, group_rows.read(transaction, chunk)))
            yield from (one for answer in answers if (one := answer.probable))

    def _ask(self, group_ids: Collection[int]) -> Asked:
        with self.store.reading() as transaction:
            self.library.follow(transaction)
            questions = self._questions(transaction, self._not_silent(transaction, group_ids))
            answers = self._answers(transaction, questions)
        asked, others = Asked(), list[_Answer]()
        for answer in answers:
            if self._is_linked(answer):
                self.go_on()
                linked = self.store.write(lambda transaction, answer=answer: self._link(transaction, answer))  # type: ignore[misc]
                asked += Asked(int(linked > 0), linked)
                if linked:
                    continue
            others.append(answer)
        for some in _batches(others):
            self.go_on()
            self.store.write(lambda transaction, some=some: self._offer(transaction, some))  # type: ignore[misc]
        return asked

    # --- asking ---

    def _not_silent(self, transaction: Transaction, group_ids: Collection[int]) -> dict[int, GroupRow]:
        """The groups without those that were silent when they were asked about last, and still are: nearly all."""
        rows = group_rows.read(transaction, group_ids)
        silent = [row for row in rows.values() if row.is_silent]
        middles = np.stack([row.total.middle for row in silent]) if silent else np.empty((0, ENCODING_LENGTH))
        found = self.library.identify(middles, [row.total.count for row in silent])
        for row, one in zip(silent, found, strict=True):
            if one is None or one.probability < OFFER:
                del rows[row.id]
        return rows

    def _questions(self, transaction: Transaction, rows: dict[int, GroupRow]) -> list[_Question]:
        indexed = face_index.of_groups(transaction, rows.keys())
        confirmed = known_encodings.kept_of(
            transaction,
            [face for each in indexed.values() for face, one in each.items() if one.state is FaceState.CONFIRMED],
        )
        suggested = self._suggested_by_rows(transaction, indexed.values())
        return [
            _Question(
                row,
                row.total - EncodingSum.of([confirmed[face].numbers for face in indexed[row.id] if face in confirmed])
                if any(face in confirmed for face in indexed[row.id])
                else row.total,
                {face: one for face, one in indexed[row.id].items() if one.state in UNNAMED and face not in suggested},
            )
            for row in rows.values()
        ]

    def _suggested_by_rows(self, transaction: Transaction, indexed: Iterable[dict[int, IndexedFace]]) -> set[int]:
        """Faces whose own rows have a suggested person: where the app has persons."""
        if transaction.schema.rule.linked is not FaceState.SUGGESTED:
            return set()
        suggested = [face for each in indexed for face, one in each.items() if one.state is FaceState.SUGGESTED]
        return faces.with_person(transaction, suggested)

    def _answers(self, transaction: Transaction, questions: list[_Question]) -> list[_Answer]:
        asked = [question for question in questions if question.total.count]
        refused = [
            self.library.refused_people(
                Ref("group", question.group.id), *(Ref("face", face) for face in question.faces)
            )
            for question in asked
        ]
        middles = np.stack([question.total.middle for question in asked]) if asked else np.empty((0, ENCODING_LENGTH))
        found = self.library.identify(middles, [question.total.count for question in asked], refused)
        answers = [_Answer(question, None, "silent") for question in questions if not question.total.count]
        for question, one in zip(asked, found, strict=True):
            named = question.group.person_id
            fits = one if one is None or named in (None, one.person_id) else None
            decision = decide(fits)
            if decision == "link" and fits and fits.person_id in _present(transaction, question):
                decision = "offer"
            answers.append(_Answer(question, fits, decision))
        return answers

    def _is_linked(self, answer: _Answer) -> bool:
        if not (self.links and answer.question.faces and answer.question.group.is_there):
            return False
        return answer.decision in self.store.schema.rule.written

    # --- writing ---

    def _link(self, transaction: Transaction, answer: _Answer) -> int:
        """Link the group's faces that may be; how many. 0 where it is another group by now, or nothing can be."""
        question, found = answer.question, answer.found
        if found is None:
            raise AssertionError("found an answer without a person, needed one: nobody else is linked")
        image_ids = {one.image_id for one in question.faces.values()}
        images.lock_all(transaction, image_ids)
        rows = {row.id: row for image in sorted(image_ids) for row in faces.lock_of_image(transaction, image)}
        links = lock_links(transaction, {question.group.id: found})
        current = self._as_asked(transaction, [answer]).get(question.group.id)
        if not links or current is None or current.keys() != question.faces.keys():
            return 0
        if answer.decision == "link" and found.person_id in _present(transaction, question):
            return 0
        link = links[question.group.id]
        like = [face for face, one in current.items() if one.like_not_face is not None]
        may_be = sorted(current.keys() - held_back(transaction, self.library, found.person_id, like))
        wanted = [face for face in may_be if face in rows and self.identities.may_be_linked(rows[face])]
        linked = [face for face in wanted if self.identities.link(transaction, face, link)]
        if linked:
            self._write_linked(transaction, answer, found, {face: current[face] for face in linked}, link)
        return len(linked)

    def _write_linked(
        self,
        transaction: Transaction,
        answer: _Answer,
        found: Identification,
        linked: dict[int, IndexedFace],
        link: Link,
    ) -> None:
        group, is_named = answer.question.group, answer.decision == "link"
        state = transaction.schema.rule.linked
        offer = None if is_named else answer.offer
        named = {"person_id": found.person_id} if is_named else {}
        group_rows.update(transaction, group.id, {**group_rows.offer_columns(offer), **named})
        group_rows.settle(transaction, [group.id])
        tally, changes = PeopleTally(), dict[int, FaceChange]()
        for face, before in linked.items():
            after = replace(before, state=state, person_id=found.person_id, probability=found.probability)
            face_index.write(transaction, face, before, after)
            tally.take(before)
            tally.give(after)
            changes[face] = FaceChange(
                {"parent_id": None, "person_id": None}, {"parent_id": link.face_id, "person_id": link.person_id}
            )
        people = tally.write(transaction, self.library)
        ledger.add(transaction, "linked", changes, found=found, people=[found.person_id])
        change = library_row.next_change(transaction)
        group_rows.stamp(transaction, [group.id], change)
        people_rows.stamp(transaction, people, change)

    def _offer(self, transaction: Transaction, answers: list[_Answer]) -> None:
        """Offer each group's person for its faces, where that is new; groups that are others by now stay unsettled."""
        locked = {before.image_id for answer in answers for before, _ in answer.changed.values()}
        images.lock_all(transaction, locked)
        current = self._as_asked(transaction, answers)
        tally, settled = PeopleTally(), list[int]()
        for answer in answers:
            group = answer.question.group
            if group.id not in current:
                continue
            now = _Answer(replace(answer.question, faces=current[group.id]), answer.found, answer.decision)
            if not locked.issuperset(before.image_id for before, _ in now.changed.values()):
                continue
            settled.append(group.id)
            if group.offer != now.offer:
                group_rows.update(transaction, group.id, group_rows.offer_columns(now.offer))
            for face, (before, after) in now.changed.items():
                face_index.write(transaction, face, before, after)
                tally.take(before)
                tally.give(after)
        group_rows.settle(transaction, settled)
        if people := tally.write(transaction, self.library):
            people_rows.stamp(transaction, people, library_row.next_change(transaction))

    def _as_asked(self, transaction: Transaction, answers: list[_Answer]) -> dict[int, dict[int, IndexedFace]]:
        """The groups that are what they were when they were asked about, locked, with their unnamed faces as now."""
        rows = group_rows.lock(transaction, [answer.question.group.id for answer in answers])
        same = [
            answer.question.group.id
            for answer in answers
            if (row := rows.get(answer.question.group.id)) and _is_same(row, answer.question.group)
        ]
        indexed = face_index.of_groups(transaction, same)
        suggested = self._suggested_by_rows(transaction, indexed.values())
        return {
            group: {face: one for face, one in each.items() if one.state in UNNAMED and face not in suggested}
            for group, each in indexed.items()
        }


def _is_same(row: GroupRow, asked: GroupRow) -> bool:
    return (row.total, row.person_id, row.joined_to) == (asked.total, asked.person_id, asked.joined_to)


def _present(transaction: Transaction, question: _Question) -> set[int]:
    """Who is linked or confirmed in the photos of the group's unnamed faces."""
    image_ids = {one.image_id for one in question.faces.values()}
    return {person for each in face_index.people_in_images(transaction, image_ids).values() for person in each}


def _batches(answers: Iterable[_Answer]) -> Iterator[list[_Answer]]:
    """Answers with so many faces between them that change as one transaction takes, or one answer with more."""
    batch, faces_in_it = list[_Answer](), 0
    for answer in answers:
        if batch and faces_in_it + len(answer.changed) > _FACES:
            yield batch
            batch, faces_in_it = [], 0
        batch.append(answer)
        faces_in_it += len(answer.changed)
    if batch:
        yield batch
