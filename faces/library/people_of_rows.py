"""Which of our people a face's row says that it is; people are added and renamed as the rows have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from faces.people import names
from faces.people.kept_face import FaceState, KeptFace
from faces.store import faces
from faces.store.database import Transaction
from faces.store.sidecar import library_row, people_rows
from faces.store.sidecar.face_index import IndexedFace


@dataclass(frozen=True, slots=True)
class PeopleOfRows:
    """The people of one transaction's rows.

    A confirmed face is the person of its name, of several the one that it was before. Where faces have no names it is
    the person of its `person_id`, else the one whose master it or its parent is. A linked face is who its parent is.
    """

    transaction: Transaction

    def of(self, rows: Iterable[KeptFace], before: Mapping[int, IndexedFace]) -> dict[int, int]:
        """The person of each of an image's faces that is somebody, as our tables have it from now on."""
        found: dict[int, int] = {}
        has_persons = self.transaction.schema.has_persons
        linked: dict[int, int] = {}
        for row in rows:
            state = row.state(has_persons=has_persons)
            if state is FaceState.CONFIRMED or (state is FaceState.SUGGESTED and has_persons):
                person = self._person(row, before.get(row.id))
                if person is not None:
                    found[row.id] = person
            elif state is FaceState.LINKED and row.parent_id is not None:
                linked[row.id] = row.parent_id
        parents = faces.roots(self.transaction, set(linked.values()))
        for face, parent in linked.items():
            root = parents.get(parent)
            if root is not None and root.state(has_persons=has_persons) is FaceState.CONFIRMED:
                person = self._person(root, None)
                if person is not None:
                    found[face] = person
        return found

    def see_to_master(self, person_id: int) -> None:
        """Give a person that has lost its master, or has none, the best face that can be one."""
        if self.transaction.schema.has_persons:
            return
        master = people_rows.read(self.transaction, [person_id])[person_id].master_face_id
        if master is None or not people_rows.is_master(self.transaction, person_id, master):
            best = people_rows.best_master(self.transaction, person_id)
            if best != master:
                people_rows.set_master(self.transaction, person_id, best)

    def _person(self, row: KeptFace, before: IndexedFace | None) -> int | None:
        schema = self.transaction.schema
        if schema.has_persons:
            return None if row.person_id is None else self._of_app(row.person_id)
        name = names.canonical(row.name) if row.name else None
        if name:
            return self._named(name, row, before)
        if row.person_id is not None:
            return self._of_app(row.person_id)
        was = self._was(before)
        if was is not None and was.name is None and was.app_person_id is None:
            return was.id
        return self._of_master(row.parent_id or row.id)

    def _named(self, name: str, row: KeptFace, before: IndexedFace | None) -> int:
        was = self._was(before)
        if was is not None and was.name is not None:
            if names.key(was.name) == names.key(name):
                if was.name != name and was.master_face_id == row.id:
                    people_rows.rename(self.transaction, was.id, name)
                return was.id
            if was.master_face_id == row.id and people_rows.find_named(self.transaction, name) is None:
                people_rows.rename(self.transaction, was.id, name)
                return was.id
        return people_rows.find_named(self.transaction, name) or self._add_named(name)

    def _was(self, before: IndexedFace | None) -> people_rows.PersonRow | None:
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
        return found or people_rows.add(self.transaction, app_person_id=app_person_id)

    def _of_master(self, face_id: int) -> int:
        if (found := people_rows.find_by_master(self.transaction, face_id)) is not None:
            return found
        library_row.hold(self.transaction)
        found = people_rows.find_by_master(self.transaction, face_id)
        return found or people_rows.add(self.transaction, master_face_id=face_id)
