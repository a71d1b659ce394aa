"""What an answer has in hand: locked faces, groups and people, as they are and as they become; writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from faces.answers.answer import GivenAnswer, LeftAlone
from faces.answers.face_facts import FaceFacts, said
from faces.answers.scope import Scope
from faces.errors import ChangedSince
from faces.library.library import Library
from faces.library.upkeep.differences import faces_that_differ
from faces.people.groups.refusals import Refusals
from faces.people.kept_face import FaceState, KeptFace, Said
from faces.people.refs import Ref
from faces.store import face_batches, images
from faces.store.database import Transaction
from faces.store.sidecar import face_index, group_rows, ledger, library_row, member_batches, never_rows, people_rows
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.group_rows import GroupRow, Offer
from faces.store.sidecar.ledger import FaceChange
from faces.store.sidecar.people_rows import PersonRow

#: What the ledger calls the face of a person that others are linked to. That there is one follows of the rest, but not
#: which of several it is.
MASTER = "master_face_id"

#: What the ledger has with a name that a person loses, where another person has it, too.
SHARED_NAME = "shared_name"

_KNOWN = (FaceState.LINKED, FaceState.CONFIRMED)


class NotUpToDate(Exception):
    """Rows say something else than our tables: these images are brought up to date, and all is done again."""

    def __init__(self, images: Collection[int]) -> None:
        super().__init__(images)
        self.images = sorted(images)


@dataclass(slots=True)
class HeldFaces:
    """One answer in its transaction. Made by `lock`; what it becomes is said by the methods and written at the end."""

    transaction: Transaction
    library: Library
    answer: GivenAnswer
    rows: dict[int, KeptFace] = field(default_factory=dict)
    """As they were, soft-deleted ones too, without encodings."""
    images: dict[int, int] = field(default_factory=dict)
    indexed: dict[int, IndexedFace] = field(default_factory=dict)
    before: dict[int, FaceFacts] = field(default_factory=dict)
    now: dict[int, FaceFacts] = field(default_factory=dict)
    groups: dict[int, GroupRow] = field(default_factory=dict)
    """As they were."""
    group_person: dict[int, int | None] = field(default_factory=dict)
    """Whose each group is, from now on."""
    joined_to: dict[int, int | None] = field(default_factory=dict)
    """Which group has the faces of each that was joined to another, from now on."""
    offers: dict[int, Offer | None] = field(default_factory=dict)
    """Who is offered for a group from now on, where that is another than it was."""
    people: dict[int, PersonRow] = field(default_factory=dict)
    marks_before: dict[int, dict[str, Any]] = field(default_factory=dict)
    marks: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Names and marks of people from now on."""
    refused: set[tuple[Ref, Ref]] = field(default_factory=set)
    """Refusals that come; the lesser text first."""
    allowed: set[tuple[Ref, Ref]] = field(default_factory=set)
    """Refusals that are taken away."""
    left: list[LeftAlone] = field(default_factory=list)
    about: set[int] = field(default_factory=set)
    """Faces that it is about, where nothing is noted of that with the faces themselves."""
    new_people: set[int] = field(default_factory=set)
    masters: dict[int, int | None] = field(default_factory=dict)
    """Which face each person's links had as their parent, and have again where it can be."""
    staying: set[int] = field(default_factory=set)
    """Faces that stay in their groups, though they are not their people's any more: as before what is taken back."""
    restored: set[int] = field(default_factory=set)
    """Faces that are as before what is taken back."""
    undoes: int | None = None
    """The entry that is taken back."""
    _refusals: Refusals | None = None
    _states: dict[int, tuple[FaceFacts, FaceState]] = field(default_factory=dict)
    """What facts of a face were found to say: they are asked for again and again."""

    @classmethod
    def lock(cls, transaction: Transaction, library: Library, answer: GivenAnswer, scope: Scope) -> HeldFaces:
        """Lock images, faces, groups and people, each by id, and read them.

        Raises:
            NotUpToDate: a row was changed by another program since our tables were brought up to date.
            ChangedSince: a face, group or person is another than was seen.
        """
        held = cls(transaction, library, answer)
        held.images = face_batches.images_of(transaction, scope.faces)
        images.lock_all(transaction, set(held.images.values()))
        held.rows = face_batches.lock(transaction, held.images)
        deleted = face_index.read(transaction, scope.faces - held.rows.keys())
        if deleted:
            raise NotUpToDate({one.image_id for one in deleted.values()})
        differing = faces_that_differ(transaction, held.rows.values())
        if differing:
            raise NotUpToDate({held.images[face] for face in differing})
        held.indexed = face_index.read(transaction, held.rows)
        member_of = group_rows.groups_of(transaction, held.rows)
        held.groups = group_rows.lock(transaction, scope.groups | set(member_of.values()))
        held.group_person = {group: row.person_id for group, row in held.groups.items()}
        held.joined_to = {group: row.joined_to for group, row in held.groups.items()}
        held.before = {face: FaceFacts.of(row, member_of.get(face), held._who(row)) for face, row in held.rows.items()}
        held.now = dict(held.before)
        held.hold_people(
            scope.people | held._people_concerned() | {one.person_id for one in held.groups.values() if one.person_id}
        )
        held._see_that_nothing_changed()
        return held

    # --- as it is ---

    def state(self, face: int) -> FaceState:
        """What the row says of a face from now on, offers of ours apart."""
        facts = self.now[face]
        known = self._states.get(face)
        if known is None or known[0] is not facts:
            known = self._states[face] = facts, facts.state(self.rows[face], self.transaction.schema.rule)
        return known[1]

    def state_before(self, face: int) -> FaceState:
        """What it said before."""
        return self.before[face].state(self.rows[face], self.transaction.schema.rule)

    def is_confirmed_as(self, face: int, person_id: int) -> bool:
        """Whether a person has said that it is this one, from now on."""
        return self.state(face) is FaceState.CONFIRMED and self.now[face].who == person_id

    def was_taken_out(self, face: int, group: int) -> bool:
        """Whether it was the person's whose group it is in, and is not any more."""
        whose, was = self.group_person[group], self.before[face]
        if whose is None or face in self.staying or was.group_id != group:
            return False
        return was.who == whose and self.now[face].who != whose

    def offered(self, face: int) -> int | None:
        """Who is offered for a face, by our groups or by the app's own row."""
        one = self.indexed.get(face)
        return one.person_id if one is not None and one.state is FaceState.SUGGESTED else None

    def is_root_of(self, face: int, person_id: int) -> bool:
        """Whether faces can be linked to it as this person, from now on."""
        facts = self.now[face]
        return facts.parent_id is None and facts.status == "ok" and self.is_confirmed_as(face, person_id)

    def has_confirmed(self, person_id: int) -> bool:
        """Whether any face, in hand or not, is confirmed as this person, from now on."""
        if any(self.is_confirmed_as(face, person_id) for face in self.now):
            return True
        there = face_index.of_people(self.transaction, [person_id], FaceState.CONFIRMED)
        return bool(there - self.now.keys())

    def members(self, group: int) -> list[int]:
        """The faces in hand that are in a group now, by id."""
        return sorted(face for face, facts in self.now.items() if facts.group_id == group)

    def quality(self, face: int) -> float:
        """By which the best face of several is chosen; -1 where none is known."""
        found = self.rows[face].quality_score
        return -1.0 if found is None else found

    def changed(self) -> list[int]:
        """The faces that become something else, by id."""
        return sorted(face for face, facts in self.now.items() if facts != self.before[face])

    def name_of(self, person_id: int) -> str | None:
        """A person's name from now on."""
        return self.marks[person_id]["name"] if person_id in self.marks else self.people[person_id].name

    def change_of(self, face: int) -> FaceChange:
        """What the ledger keeps of a face."""
        before, now = self.before[face], self.now[face]
        was = self.marks_before[before.who]["name"] if before.who in self.marks_before else None
        return FaceChange(
            before.record(was), now.record(self.marks[now.who]["name"] if now.who in self.marks else None)
        )

    def change_of_group(self, group: int) -> FaceChange | None:
        """What the ledger keeps of a group: whose it becomes, and where its faces go; None where that stays."""
        row = self.groups[group]
        before = {"person_id": row.person_id, "joined_to": row.joined_to}
        now = {"person_id": self.group_person[group], "joined_to": self.joined_to[group]}
        names = [name for name in now if now[name] != before[name]]
        after: dict[str, Any] = {name: now[name] for name in names}
        if after.get("joined_to") is not None:
            after[ledger.NEWEST_FACE] = face_batches.newest(self.transaction)
        return FaceChange({name: before[name] for name in names}, after) if names else None

    # --- as it becomes ---

    def become(self, face: int, **facts: Any) -> None:
        """Change facts of a face."""
        self.now[face] = replace(self.now[face], **facts)

    def take_new(self, row: KeptFace, image_id: int) -> None:
        """Take a row in hand that was written just now, as if it had been removed before."""
        self.rows[row.id], self.images[row.id] = replace(row, deleted=True), image_id
        self.before[row.id] = FaceFacts.of(self.rows[row.id], None, None)
        self.now[row.id] = replace(self.before[row.id], deleted=False)

    def say(self, face: int, what: Said, person_id: int | None = None) -> None:
        """Note what this answer says of a face."""
        self.become(face, answer=said(what, person_id))

    @property
    def refusals(self) -> Refusals:
        """All that was refused before."""
        if self._refusals is None:
            is_followed = library_row.read(self.transaction).never_change == self.library.state.never_change
            self._refusals = self.library.refusals if is_followed else never_rows.read_all(self.transaction)
        return self._refusals

    def refuse(self, one: Ref, other: Ref) -> None:
        """Keep that two do not belong together."""
        pair = _ordered(one, other)
        self.allowed.discard(pair)
        if pair not in self.refusals:
            self.refused.add(pair)

    def allow(self, one: Ref, other: Ref) -> None:
        """Take away what was refused."""
        pair = _ordered(one, other)
        self.refused.discard(pair)
        if pair in self.refusals:
            self.allowed.add(pair)

    def is_refused(self, one: Ref, other: Ref) -> bool:
        """Whether a person has said that two do not belong together."""
        pair = _ordered(one, other)
        return (pair in self.refusals and pair not in self.allowed) or pair in self.refused

    def offer_no_more(self, person_id: int) -> None:
        """A person is not offered any more for groups, nor for faces that have not heard yet what is offered now."""
        of_faces = {self.now[face].group_id for face in self.indexed if self.offered(face) == person_id}
        for group, row in self.groups.items():
            is_theirs = row.offer is not None and row.offer.person_id == person_id
            if is_theirs or group in of_faces:
                self.offers[group] = None if is_theirs else row.offer

    def leave(self, ref: Ref, why: str) -> None:
        """Say that one stays as it is."""
        self.left.append(LeftAlone(str(ref), why))

    def mark(self, person_id: int, **marks: Any) -> None:
        """Change a person's name or marks."""
        self.hold_people([person_id])
        self.marks[person_id] |= marks

    def add_person(self, name: str | None) -> int:
        """A new person without a face."""
        person = people_rows.add(self.transaction, name=name)
        self.new_people.add(person)
        self.hold_people([person])
        return person

    def add_group(self) -> int:
        """A new group without a face, nobody's."""
        group = group_rows.start(self.transaction, people_rows.NOTHING, None)
        self.groups |= group_rows.lock(self.transaction, [group])
        self.group_person[group] = self.joined_to[group] = None
        return group

    def drop_person(self, person_id: int) -> None:
        """Take back `add_person`: nothing became this person."""
        people_rows.drop(self.transaction, person_id)
        self.new_people.discard(person_id)
        for known in (self.people, self.marks, self.marks_before):
            known.pop(person_id, None)

    def hold_people(self, ids: Iterable[int]) -> None:
        """Lock people and read them, where that is not done yet."""
        new = set(ids) - self.people.keys()
        if not new:
            return
        people_rows.lock(self.transaction, new)
        self.people |= people_rows.read(self.transaction, new)
        read = people_rows.marks(self.transaction, new)
        self.marks_before |= {person: dict(marks) for person, marks in read.items()}
        self.marks |= {person: dict(marks) for person, marks in read.items()}

    def hold_library(self) -> None:
        """Lock what is locked last, so that of several processes one adds a person of a name."""
        library_row.hold(self.transaction)

    # --- ---

    def _who(self, row: KeptFace) -> int | None:
        one = self.indexed.get(row.id)
        if one is None:
            return None
        by_row = one.state in _KNOWN or (one.state is FaceState.SUGGESTED and row.person_id is not None)
        return one.person_id if by_row else None

    def _people_concerned(self) -> set[int]:
        return {one.person_id for one in self.indexed.values() if one.person_id is not None}

    def _see_that_nothing_changed(self) -> None:
        seen = self.answer.seen
        groups = member_batches.revisions(self.transaction, [ref.id for ref in seen if ref.kind == "group"])
        people = people_rows.revisions(self.transaction, [ref.id for ref in seen if ref.kind == "person"])
        for ref, revision in seen.items():
            if ref.kind == "face":
                answer = self.before[ref.id].answer if ref.id in self.before else None
                found: int | None = answer.entry if answer else 0
            else:
                found = (groups if ref.kind == "group" else people).get(ref.id)
            if found != revision:
                raise ChangedSince(
                    f"found {ref} at revision {found}, needed {revision}, as it was seen: {self._as_it_is(ref)}"
                )

    def _as_it_is(self, ref: Ref) -> str:
        if ref.kind == "person":
            name = self.people[ref.id].name if ref.id in self.people else None
            return f"it is {name} now" if name else "it has no name now"
        if ref.kind == "group":
            row = self.groups.get(ref.id)
            if row is None or not row.is_there:
                return "it has no faces now"
            whose = f"p{row.person_id}'s" if row.person_id else "nobody's"
            return f"it has {row.total.count} faces and is {whose} now"
        facts = self.before.get(ref.id)
        whose = "" if facts is None or facts.who is None else f" of p{facts.who}"
        return f"it is {self.state_before(ref.id).word}{whose} now" if facts else "it was removed"


def _ordered(one: Ref, other: Ref) -> tuple[Ref, Ref]:
    first, second = sorted((one, other), key=str)
    return first, second
