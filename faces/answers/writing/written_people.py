"""Writes the people of an answer: names and marks, sums and counts, and which face others are linked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from faces.answers.held_faces import MASTER, HeldFaces
from faces.library.people_of_rows import PeopleOfRows
from faces.library.people_tally import PeopleTally
from faces.people.kept_face import FaceState
from faces.store.sidecar import people_rows
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.ledger import FaceChange

Pairs = Mapping[int, tuple[IndexedFace | None, IndexedFace | None]]
"""What each face was and is in the index."""


@dataclass(slots=True)
class WrittenPeople:
    """Those that one answer changes."""

    held: HeldFaces
    masters: dict[int, FaceChange] = field(default_factory=dict)
    """Whose master is another than it was."""

    def write(self, pairs: Pairs, vectors: Mapping[int, KnownEncoding]) -> set[int]:
        """Write people and their masters by what faces were and are in the index; who has changed."""
        held, transaction = self.held, self.held.transaction
        tally = PeopleTally()
        for face, (before, after) in pairs.items():
            tally.take(before, vectors.get(face))
            tally.give(after, vectors.get(face))
        held.hold_people(tally.people)
        marked = {person for person, marks in held.marks.items() if marks != held.marks_before[person]}
        for person in sorted(marked):
            people_rows.write_marks(transaction, person, held.marks[person])
            lost = held.marks[person]["name"] is None and held.marks_before[person]["name"] is not None
            if lost and not people_rows.is_master(transaction, person, held.people[person].master_face_id or 0):
                # Else it would be the nameless person of this face.
                people_rows.set_master(transaction, person, None)
        people = tally.write(transaction, held.library)
        confirmed = {
            one.person_id
            for pair in pairs.values()
            for one in pair
            if one is not None and one.state is FaceState.CONFIRMED and one.person_id is not None
        }
        # Where only a parent changes nothing of the index does, but whom faces can be linked by.
        still = {held.now[face].who for face in held.changed() if held.state(face) is FaceState.CONFIRMED}
        self._write_masters(confirmed | {person for person in still if person is not None})
        return people | marked | held.new_people

    def _write_masters(self, people: set[int]) -> None:
        held, rows = self.held, PeopleOfRows(self.held.transaction)
        for person, face in held.masters.items():
            if face is not None and people_rows.is_master(held.transaction, person, face):
                people_rows.set_master(held.transaction, person, face)
        for person in sorted(people):
            rows.see_to_master(person)
        now = people_rows.read(held.transaction, people)
        for person in people & now.keys() - held.new_people:
            before, after = held.people[person].master_face_id, now[person].master_face_id
            if before != after and not (held.people[person].is_nameless and now[person].is_nameless):
                self.masters[person] = FaceChange({MASTER: before}, {MASTER: after})

    def told_of(self, changed: list[int]) -> set[int]:
        """Who gains or loses a face, or is refused or allowed for something."""
        held = self.held
        pairs = [(held.before[face], held.now[face]) for face in changed]
        told = {
            one.who for was, now in pairs if was.who != now.who or was.answer != now.answer for one in (was, now)
        }  # fmt: skip
        sides = {ref.id for pair in held.refused | held.allowed for ref in pair if ref.kind == "person"}
        return {person for person in told if person is not None} | sides

    def with_masters(self, refs: dict[str, FaceChange]) -> dict[str, FaceChange]:
        """What an entry keeps of people and groups, with whose master is another by now."""
        for person, change in self.masters.items():
            known = refs.get(f"p{person}", FaceChange({}, {}))
            refs[f"p{person}"] = FaceChange({**known.before, **change.before}, {**known.after, **change.after})
        return refs
