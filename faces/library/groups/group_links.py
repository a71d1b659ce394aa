"""Links groups to who they were found to be, or offers that: some hundred faces in a transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from faces.library.calibrated import held_back, lock_links
from faces.library.groups.group_questions import AskedGroup, GroupQuestions, people_in_photos
from faces.library.library import Library
from faces.library.people_tally import PeopleTally
from faces.people.identify import Identification
from faces.people.linking import Identities, Link
from faces.store import face_batches, images
from faces.store.database import Store, Transaction, chunked
from faces.store.sidecar import face_index, group_rows, ledger, library_row, people_rows, unsettled_groups
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.group_rows import Offer
from faces.store.sidecar.ledger import FaceChange

#: Faces that one transaction links or offers somebody for: so long others wait for the rows of their images.
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


@dataclass(slots=True)
class _Written:
    """What one transaction writes of groups, noted until all of it is known."""

    tally: PeopleTally = field(default_factory=PeopleTally)
    index: dict[int, IndexedFace] = field(default_factory=dict)
    settled: list[int] = field(default_factory=list)
    offers: dict[int, Offer | None] = field(default_factory=dict)

    def become(self, face: int, before: IndexedFace, after: IndexedFace) -> None:
        self.index[face] = after
        self.tally.take(before)
        self.tally.give(after)


@dataclass(frozen=True, slots=True)
class GroupLinks:
    """Asks about groups and writes what is found. `go_on` is called between two steps, and ends it by raising."""

    questions: GroupQuestions
    identities: Identities[Transaction]
    links: bool
    """Whether a group is linked by itself: FACE_MATCH=calibrated."""
    go_on: Callable[[], None]

    @property
    def _store(self) -> Store:
        return self.questions.store

    @property
    def _library(self) -> Library:
        return self.questions.library

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

    def _ask(self, group_ids: Collection[int]) -> Asked:
        with self._store.reading() as transaction:
            self._library.follow(transaction)
            answers = self.questions.answers(transaction, group_ids)
        linked: dict[int, int] = {}
        for some in _batches([one for one in answers if self._is_linked(one)], _faces_asked_about):
            self.go_on()
            linked |= self._store.write(lambda transaction, some=some: self._link(transaction, some))  # type: ignore[misc]
        for some in _batches([one for one in answers if one.question.group.id not in linked], _faces_offered):
            self.go_on()
            self._store.write(lambda transaction, some=some: self._offer(transaction, some))  # type: ignore[misc]
        return Asked(len(linked), sum(linked.values()))

    def _is_linked(self, answer: AskedGroup) -> bool:
        if not (self.links and answer.question.faces and answer.question.group.is_there):
            return False
        return answer.decision in self._store.schema.rule.written

    # --- linking ---

    def _link(self, transaction: Transaction, answers: list[AskedGroup]) -> dict[int, int]:
        """Link the faces that may be: how many of each group, without those that are others by now or have none."""
        images.lock_all(transaction, {image for one in answers for image in one.question.images})
        rows = face_batches.lock(transaction, {face for one in answers for face in one.question.faces})
        links = lock_links(transaction, {one.question.group.id: one.found for one in answers if one.found is not None})
        current = self.questions.lock(transaction, answers)
        in_photos = people_in_photos(transaction, answers)
        written, linked = _Written(), dict[int, int]()
        for answer in answers:
            group = answer.question.group.id
            faces = current.get(group)
            if group not in links or faces is None or faces.keys() != answer.question.faces.keys():
                continue
            if answer.decision == "link" and answer.is_present(in_photos):
                continue
            may_be = sorted(faces.keys() & rows.keys() - self._held_back(transaction, answer, faces))
            done = [
                face
                for face in may_be
                if self.identities.may_be_linked(rows[face]) and self.identities.link(transaction, face, links[group])
            ]
            if done:
                self._note_linked(transaction, answer, {face: faces[face] for face in done}, links[group], written)
                linked[group] = len(done)
                for face in done:
                    in_photos[faces[face].image_id].add(_found(answer).person_id)
        if linked:
            self._write(transaction, written, linked)
        return linked

    def _held_back(self, transaction: Transaction, answer: AskedGroup, faces: dict[int, IndexedFace]) -> set[int]:
        like = [face for face, one in faces.items() if one.like_not_face is not None]
        return held_back(transaction, self._library, _found(answer).person_id, like)

    def _note_linked(
        self,
        transaction: Transaction,
        answer: AskedGroup,
        linked: dict[int, IndexedFace],
        link: Link,
        written: _Written,
    ) -> None:
        found, group, is_named = _found(answer), answer.question.group, answer.decision == "link"
        offer = None if is_named else answer.offer
        named = {"person_id": found.person_id} if is_named else {}
        group_rows.update(transaction, group.id, {**group_rows.offer_columns(offer), **named})
        written.settled.append(group.id)
        state = transaction.schema.rule.linked
        changes = dict[int, FaceChange]()
        for face, before in linked.items():
            after = replace(before, state=state, person_id=found.person_id, probability=found.probability)
            written.become(face, before, after)
            changes[face] = FaceChange(
                {"parent_id": None, "person_id": None}, {"parent_id": link.face_id, "person_id": link.person_id}
            )
        ledger.add(transaction, "linked", changes, found=found, people=[found.person_id])

    # --- offering ---

    def _offer(self, transaction: Transaction, answers: list[AskedGroup]) -> None:
        """Offer each group's person for its faces, where that is new; groups that are others by now stay unsettled."""
        locked = {before.image_id for answer in answers for before, _ in answer.changed.values()}
        images.lock_all(transaction, locked)
        current = self.questions.lock(transaction, answers)
        written = _Written()
        for answer in answers:
            group = answer.question.group
            if group.id not in current:
                continue
            now = replace(answer, question=replace(answer.question, faces=current[group.id]))
            if not locked.issuperset(before.image_id for before, _ in now.changed.values()):
                continue
            written.settled.append(group.id)
            if group.offer != now.offer:
                written.offers[group.id] = now.offer
            for face, (before, after) in now.changed.items():
                written.become(face, before, after)
        self._write(transaction, written, [])

    def _write(self, transaction: Transaction, written: _Written, groups: Collection[int]) -> None:
        """Write what was noted, and tell the processes that follow of these groups, and of people who are others."""
        group_rows.write_offers(transaction, written.offers)
        unsettled_groups.settle(transaction, written.settled)
        face_index.write_all(transaction, written.index)
        people = written.tally.write(transaction, self._library)
        if groups or people:
            change = library_row.next_change(transaction)
            group_rows.stamp(transaction, groups, change)
            people_rows.stamp(transaction, people, change)


def _found(answer: AskedGroup) -> Identification:
    if answer.found is None:
        raise AssertionError("found an answer without a person, needed one: no other is linked")
    return answer.found


def _faces_asked_about(answer: AskedGroup) -> int:
    return len(answer.question.faces)


def _faces_offered(answer: AskedGroup) -> int:
    return len(answer.changed)


def _batches(answers: Iterable[AskedGroup], faces_of: Callable[[AskedGroup], int]) -> Iterator[list[AskedGroup]]:
    """Answers with so many faces between them as one transaction takes, or one answer with more."""
    batch, faces_in_it = list[AskedGroup](), 0
    for answer in answers:
        if batch and faces_in_it + faces_of(answer) > _FACES:
            yield batch
            batch, faces_in_it = [], 0
        batch.append(answer)
        faces_in_it += faces_of(answer)
    if batch:
        yield batch
