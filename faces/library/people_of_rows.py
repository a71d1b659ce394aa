"""Which of our people a face's row says that it is; people are added and renamed as the rows have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from faces.people import names
from faces.people.kept_face import FaceState, KeptFace
from faces.store import faces
from faces.store.database import Transaction
from faces.store.sidecar import face_index, library_row, people_of_app, people_rows
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.people_rows import PersonRow


@dataclass(slots=True)
class PeopleOfRows:
    """The people of one transaction's rows.

    A confirmed face is the person of its name, of several the one that it was before. Where faces have no names it is
    the person of its `person_id`, else the one that began with it or its parent. A linked face is who its parent is; so
    is one that was confirmed to us alone and, where its parent is nobody any more, it is who was said then.
    """

    transaction: Transaction
    _found_by_name: dict[int, str] = field(default_factory=dict)

    def of(self, rows: Iterable[KeptFace], before: Mapping[int, IndexedFace]) -> dict[int, int]:
        """The person of each of an image's faces that is somebody, as our tables have it from now on."""
        found: dict[int, int] = {}
        rule = self.transaction.schema.rule
        here = {row.id: row for row in rows}
        linked: dict[int, int] = {}
        for row in here.values():
            state = rule.state(row)
            if state is FaceState.LINKED or rule.is_confirmed_by_answer(row):
                if row.parent_id is not None:
                    linked[row.id] = row.parent_id
            elif state in (FaceState.CONFIRMED, FaceState.SUGGESTED):
                person = self._person(row, before.get(row.id))
                if person is not None:
                    found[row.id] = person
        elsewhere = self._confirmed(set(linked.values()) - here.keys())
        confirmed = elsewhere | found
        for face, parent in linked.items():
            person = confirmed.get(parent)
            if person is not None:
                found[face] = person
        return self._as_said(here.values()) | found

    def _as_said(self, rows: Iterable[KeptFace]) -> dict[int, int]:
        """Who each face that was confirmed to us alone is by what was said then; of people that are there still."""
        rule = self.transaction.schema.rule
        said = {
            row.id: row.answer.person_id
            for row in rows
            if rule.is_confirmed_by_answer(row) and row.answer and row.answer.person_id is not None
        }
        there = people_rows.read(self.transaction, set(said.values())) if said else {}
        return {face: person for face, person in said.items() if person in there}

    def names_are_the_same(self) -> bool:
        """Whether those that were found by their names, locked by now, still have them."""
        known = people_rows.read(self.transaction, self._found_by_name.keys())
        return all(
            one in known and known[one].name is not None and names.key(known[one].name or "") == key
            for one, key in self._found_by_name.items()
        )

    def see_to_master(self, person_id: int) -> None:
        """Give a locked person that has lost its master, or has none, the best face that can be one.

        Its name is written as that face's is. A person without a name is known by the face that it began with, and
        keeps that one.
        """
        if not self.transaction.schema.rule.has_masters:
            return
        person = people_rows.read(self.transaction, [person_id])[person_id]
        if person.is_nameless:
            return
        master = person.master_face_id
        if master is None or not people_rows.is_master(self.transaction, person_id, master):
            master = people_rows.best_master(self.transaction, person_id)
            if master != person.master_face_id:
                people_rows.set_master(self.transaction, person_id, master)
        if master is not None and person.app_person_id is None:
            self._spell(person, faces.name_of(self.transaction, master))

    def _spell(self, person: PersonRow, name: str | None) -> None:
        written = names.canonical(name or "")
        if person.name and written != person.name and names.key(written) == names.key(person.name):
            people_rows.rename(self.transaction, person.id, written)

    def _confirmed(self, face_ids: set[int]) -> dict[int, int]:
        """Who faces of other images are that a person has confirmed, by face, as our tables have it.

        One that our tables have not got yet is nobody, until its image is brought up to date, and then this one is.
        """
        if not face_ids:
            return {}
        rule = self.transaction.schema.rule
        parents = faces.share_lock(self.transaction, face_ids)
        confirmed = {face for face, row in parents.items() if rule.state(row) is FaceState.CONFIRMED}
        indexed = face_index.read(self.transaction, confirmed)
        found = {
            face: one.person_id
            for face, one in indexed.items()
            if one.state is FaceState.CONFIRMED and one.person_id is not None
        }
        # In v1's tables a face may have no image: it is in no index.
        for face in confirmed & faces.without_image(self.transaction, confirmed - indexed.keys()):
            person = self._person(parents[face], None)
            if person is not None:
                found[face] = person
        return found

    def _person(self, row: KeptFace, before: IndexedFace | None) -> int | None:
        rule = self.transaction.schema.rule
        name = names.canonical(rule.name_of(row) or "")
        if name:
            person = self._named(name, row, before)
            self._found_by_name[person] = names.key(name)
            return person
        if row.person_id is not None:
            return self._of_app(row.person_id)
        root = rule.root_of(row)
        return None if root is None else self._of_master(root)

    def _named(self, name: str, row: KeptFace, before: IndexedFace | None) -> int:
        if (said := self._said(row)) is not None and names.key(said.name or "") == names.key(name):
            return said.id
        was = self._was(before)
        if was is not None and was.app_person_id is None:
            if was.name is not None and names.key(was.name) == names.key(name):
                return was.id
            if self._may_be_renamed(was, row.id, name):
                people_rows.rename(self.transaction, was.id, name)
                return was.id
        return people_rows.find_named(self.transaction, name) or self._add_named(name)

    def _said(self, row: KeptFace) -> PersonRow | None:
        """Whom a person said that it is, of several people of one name."""
        if row.answer is None or row.answer.person_id is None:
            return None
        return people_rows.read(self.transaction, [row.answer.person_id]).get(row.answer.person_id)

    def _may_be_renamed(self, person: PersonRow, face_id: int, name: str) -> bool:
        """Whether no other face is confirmed as this person, and nobody has the name: else the face has left it."""
        if people_rows.find_named(self.transaction, name) is not None:
            return False
        people_rows.lock(self.transaction, [person.id])
        library_row.hold(self.transaction)
        is_alone = not face_index.has_other_confirmed(self.transaction, person.id, face_id)
        return is_alone and people_rows.find_named(self.transaction, name) is None

    def _was(self, before: IndexedFace | None) -> PersonRow | None:
        if before is None or before.state is not FaceState.CONFIRMED or before.person_id is None:
            return None
        return people_rows.read(self.transaction, [before.person_id]).get(before.person_id)

    def _add_named(self, name: str) -> int:
        library_row.hold(self.transaction)
        return people_rows.find_named(self.transaction, name) or people_rows.add(self.transaction, name=name)

    def _of_app(self, app_person_id: int) -> int:
        if (found := people_rows.find_of_app(self.transaction, app_person_id)) is not None:
            return found
        library_row.hold(self.transaction)
        found = people_rows.find_of_app(self.transaction, app_person_id)
        return found or people_of_app.add(self.transaction, app_person_id)

    def _of_master(self, face_id: int) -> int:
        if (found := people_rows.find_nameless(self.transaction, face_id)) is not None:
            return found
        library_row.hold(self.transaction)
        found = people_rows.find_nameless(self.transaction, face_id)
        return found or people_rows.add(self.transaction, master_face_id=face_id)
