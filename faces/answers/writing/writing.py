"""Writes what an answer has made of the faces in its hand: rows, facts, what is derived of them, and its one entry."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np

from faces.answers.answer import Answered
from faces.answers.held_faces import SHARED_NAME, HeldFaces
from faces.answers.writing.no_face_questions import NoFaceQuestions
from faces.answers.writing.written_people import WrittenPeople
from faces.library.people_tally import UNNAMED, with_offer
from faces.people.encoding_sum import EncodingSum
from faces.people.groups.alarm import Alarm
from faces.people.kept_face import FaceState
from faces.store import face_batches
from faces.store.sidecar import (
    answer_rows,
    face_index,
    group_rows,
    known_encodings,
    ledger,
    library_row,
    member_batches,
    never_rows,
    people_rows,
    photo_rows,
)
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.group_rows import GroupRow, Offer
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.ledger import FaceChange

_LEFT_BY = (FaceState.STRANGER, FaceState.NOT_FACE)
_KNOWN = (FaceState.LINKED, FaceState.CONFIRMED)


def write(held: HeldFaces, kind: str) -> Answered:
    """Write it all, with one entry of this kind in the ledger; nothing where nothing becomes something else."""
    return _Writing(held).run(kind)


@dataclass(slots=True)
class _Writing:
    held: HeldFaces
    vectors: dict[int, KnownEncoding] = field(default_factory=dict)
    totals: dict[int, EncodingSum] = field(default_factory=dict)
    started: set[int] = field(default_factory=set)
    alarm: Alarm = field(default_factory=Alarm)
    no_face: NoFaceQuestions = field(init=False)
    people: WrittenPeople = field(init=False)

    def run(self, kind: str) -> Answered:
        held, transaction = self.held, self.held.transaction
        self.no_face, self.people = NoFaceQuestions(held), WrittenPeople(held)
        self.vectors = known_encodings.kept_of(transaction, held.changed())
        back = [face for face in held.changed() if held.before[face].deleted and not held.now[face].deleted]
        self.vectors |= known_encodings.read_of(transaction, back)
        self._regroup()
        changed, refs = held.changed(), self._changed_refs()
        if not changed and not refs:
            return Answered(None, kind, left=tuple(held.left))
        entry = ledger.add(
            transaction, kind, {}, actor=held.answer.actor, uuid=held.answer.uuid, undoes=held.undoes
        )  # fmt: skip
        held.now = {face: facts.numbered(entry) for face, facts in held.now.items()}
        ledger.add_faces(transaction, entry, {face: held.change_of(face) for face in changed})
        self._write_rows(changed)
        self._write_members(changed)
        encodings = self._write_encodings(changed)
        people = self.people.write(self._write_index(changed), self.vectors)
        self._write_groups()
        self._write_refusals()
        ledger.add_refs(
            transaction, entry, ledger.told_of(self.people.told_of(changed)) | self.people.with_masters(refs)
        )
        self._tell(people, encodings)
        about = {face for face in changed if held.now[face].answer != held.before[face].answer or face in held.about}
        followed = tuple(face for face in changed if face not in about)
        return Answered(entry, kind, tuple(sorted(about)), followed, tuple(sorted(people)), tuple(held.left))

    # --- groups ---

    def _regroup(self) -> None:
        """Whose groups are from now on, and which faces leave theirs or begin one."""
        held = self.held
        left = defaultdict[int, list[int]](list)
        for face in held.changed():
            facts, state = held.now[face], held.state(face)
            group = facts.group_id
            is_new = group != held.before[face].group_id
            if facts.deleted or state in _LEFT_BY or (is_new and face not in self.vectors):
                # Without a readable encoding it joins no group: it would be in no sum.
                held.become(face, group_id=None)
            elif state is FaceState.CONFIRMED and group is not None:
                if held.group_person[group] is None:
                    held.group_person[group] = facts.who
                elif held.group_person[group] != facts.who:
                    held.become(face, group_id=None)
            elif state in UNNAMED and group is not None and held.was_taken_out(face, group):
                left[group].append(face)
        for group, faces in left.items():
            if self._has_more_of(group, faces):
                for face in faces:
                    held.become(face, group_id=None)
            else:
                held.group_person[group] = None
        for face in held.changed():
            facts = held.now[face]
            if facts.group_id is None and held.state(face) in UNNAMED and not facts.deleted and face in self.vectors:
                self._begin_group(face)

    def _has_more_of(self, group: int, leaving: list[int]) -> bool:
        """Whether other faces of a group are its person's, linked or confirmed."""
        held = self.held
        whose, gone = held.group_person[group], set(leaving)
        for face, one in face_index.of_groups(held.transaction, [group])[group].items():
            if face in gone:
                continue
            if face in held.now:
                if held.now[face].group_id == group and held.now[face].who == whose:
                    return True
            elif one.state in _KNOWN and one.person_id == whose:
                return True
        return False

    def _begin_group(self, face: int) -> None:
        held = self.held
        total = self.vectors[face].total
        group = group_rows.start(held.transaction, total, held.library.around(total))
        self.started.add(group)
        held.group_person[group] = None
        self.totals[group] = total
        held.become(face, group_id=group)

    # --- facts ---

    def _changed_refs(self) -> dict[str, FaceChange]:
        held = self.held
        found: dict[str, FaceChange] = {}
        for person, marks in held.marks.items():
            before = held.marks_before[person]
            if person in held.new_people:
                found[f"p{person}"] = FaceChange({"new": True}, marks)
            elif marks != before:
                names = [name for name in marks if marks[name] != before[name]]
                shared = {SHARED_NAME: True} if "name" in names and self._is_shared(person, before["name"]) else {}
                found[f"p{person}"] = FaceChange({n: before[n] for n in names} | shared, {n: marks[n] for n in names})
        for group in held.groups:
            if (change := held.change_of_group(group)) is not None:
                found[f"g{group}"] = change
        for one, other in held.refused:
            found[f"{one} {other}"] = FaceChange({"never": False}, {"never": True})
        for one, other in held.allowed:
            found[f"{one} {other}"] = FaceChange({"never": True}, {"never": False})
        return found

    def _is_shared(self, person: int, name: str | None) -> bool:
        others = [] if name is None else people_rows.all_named(self.held.transaction, name)
        return any(one != person for one in others)

    def _write_rows(self, changed: list[int]) -> None:
        held = self.held
        columns = {}
        for face in changed:
            before, now = held.before[face].columns(), held.now[face].columns()
            differing = {name: value for name, value in now.items() if before[name] != value}
            if differing:
                columns[face] = differing
        face_batches.update(held.transaction, columns)
        answers = {face: held.now[face].answer for face in changed if held.now[face].answer != held.before[face].answer}
        answer_rows.write(held.transaction, answers)

    def _write_members(self, changed: list[int]) -> None:
        held = self.held
        moved = [face for face in changed if held.now[face].group_id != held.before[face].group_id]
        member_batches.take(held.transaction, [face for face in moved if held.before[face].group_id is not None])
        into = {face: group for face in moved if (group := held.now[face].group_id) is not None}
        member_batches.put(held.transaction, {face: (group, held.images[face]) for face, group in into.items()})
        for face in moved:
            if (known := self.vectors.get(face)) is None:
                continue
            was, group = held.before[face].group_id, held.now[face].group_id
            if was is not None:
                self.totals[was] = self._total(was) - known.total
            if group is not None and group not in self.started:
                self.totals[group] = self._total(group) + known.total
        self._count_alarm(moved)

    def _write_encodings(self, changed: list[int]) -> set[int]:
        """Keep those of faces that are there again, and nothing of those that are removed; returns both."""
        held = self.held
        removed = [face for face in changed if held.now[face].deleted and not held.before[face].deleted]
        back = [face for face in changed if held.before[face].deleted and not held.now[face].deleted]
        known = {face: self.vectors[face] for face in back if face in self.vectors}
        return known_encodings.replace(held.transaction, removed, known)

    def _total(self, group: int) -> EncodingSum:
        return self.totals[group] if group in self.totals else self.held.groups[group].total

    def _count_alarm(self, moved: list[int]) -> None:
        held = self.held
        left = [face for face in moved if held.now[face].group_id is None]
        came = [face for face in moved if held.before[face].group_id is None]
        self.alarm = self._alone(came) - self._alone(left)

    def _alone(self, faces: list[int]) -> Alarm:
        rows = [self.vectors[face].numbers for face in faces if face in self.vectors]
        return Alarm.of(self.held.library.neighbourhood.shipped_alone(np.stack(rows))) if rows else Alarm()

    # --- what is derived ---

    def _write_index(self, changed: list[int]) -> dict[int, tuple[IndexedFace | None, IndexedFace | None]]:
        """Write the index of faces; what each was and is, by face."""
        held = self.held
        offered = {group for group in held.offers if group in held.groups}
        concerned = {*changed, *(face for face, facts in held.now.items() if facts.group_id in offered)}
        likely = self._probabilities(concerned)
        self.no_face.compare(changed, self.vectors)
        pairs = {face: (held.indexed.get(face), self._index(face, likely.get(face))) for face in sorted(concerned)}
        pairs = {face: pair for face, pair in pairs.items() if pair[0] != pair[1]}
        face_index.write_all(held.transaction, {face: after for face, (_, after) in pairs.items()})
        return pairs

    def _index(self, face: int, probability: float | None) -> IndexedFace | None:
        held = self.held
        facts, state, before = held.now[face], held.state(face), held.indexed.get(face)
        if facts.deleted:
            return None
        if before is None:
            before = self._unindexed(face)
        one = replace(before, person_id=facts.who, group_id=facts.group_id, state=state, probability=probability)
        one = replace(one, like_not_face=self.no_face.of(face, before.like_not_face))
        if state is FaceState.UNKNOWN:
            return with_offer(one, None if facts.group_id is None else self._offer(facts.group_id))
        return one

    def _unindexed(self, face: int) -> IndexedFace:
        """Of a face that is there again."""
        held = self.held
        image = held.images[face]
        photo = photo_rows.of_image(held.transaction, image)
        quality = held.rows[face].quality_score
        return IndexedFace(image, photo.source_id, photo.taken_at, None, None, FaceState.UNKNOWN, None, quality)

    def _probabilities(self, faces: set[int]) -> dict[int, float]:
        """By what machine's links, and the app's suggestions, were made that hold."""
        held = self.held
        linked = [face for face in faces if held.state(face) in (FaceState.LINKED, FaceState.SUGGESTED)]
        return {
            face: link.probability
            for face, link in ledger.last_links(held.transaction, linked).items()
            if link.probability is not None and link.is_of(held.now[face].parent_id, held.now[face].person_id)
        }

    def _offer(self, group: int) -> Offer | None:
        held = self.held
        if group in held.offers:
            return held.offers[group]
        if group not in held.groups or held.group_person[group] != held.groups[group].person_id:
            return None
        return held.groups[group].offer

    def _write_groups(self) -> None:
        held, rows = self.held, list[GroupRow]()
        totals = {group: self._total(group) for group in self._changed_groups() - self.started}
        around = held.library.around_each(totals)
        for group, total in totals.items():
            whose, joined_to = held.group_person[group], held.joined_to[group]
            offer = self._offer(group) if whose == held.groups[group].person_id else None
            rows.append(GroupRow(group, whose, joined_to, total, around.get(group), offer, unsettled=True))
        group_rows.write_all(held.transaction, rows)

    def _changed_groups(self) -> set[int]:
        held = self.held
        facts = {
            group
            for group, row in held.groups.items()
            if (held.group_person[group], held.joined_to[group]) != (row.person_id, row.joined_to)
        }
        return facts | self.totals.keys() | held.offers.keys()

    def _write_refusals(self) -> None:
        for one, other in sorted(self.held.refused):
            never_rows.add(self.held.transaction, one, other)
        for one, other in sorted(self.held.allowed):
            never_rows.drop(self.held.transaction, one, other)

    def _tell(self, people: set[int], encodings: set[int]) -> None:
        """Tell the processes that follow; the last thing that is locked."""
        held, transaction = self.held, self.held.transaction
        not_faces, refusals = self.no_face.changes_not_faces(), bool(held.refused or held.allowed)
        change = library_row.next_change(transaction, self.alarm, refusals=refusals, not_faces=not_faces)
        group_rows.stamp(transaction, self._changed_groups(), change)
        people_rows.stamp(transaction, people, change)
        known_encodings.note(transaction, encodings, change)
        held.library.expect(self.alarm.faces)
