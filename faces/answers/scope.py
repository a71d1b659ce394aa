"""What an answer takes in hand: the faces, groups and people that it is about, and whatever hangs on these faces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from faces.errors import RequestError
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.sidecar import face_index, group_rows, people_rows
from faces.store.sidecar.lists.group_pages import current_group
from faces.store.sidecar.lists.people_pages import current_person


@dataclass(slots=True)
class Scope:
    """Faces, groups and people by id."""

    faces: set[int] = field(default_factory=set)
    groups: set[int] = field(default_factory=set)
    people: set[int] = field(default_factory=set)

    def __le__(self, other: Scope) -> bool:
        return self.faces <= other.faces and self.groups <= other.groups and self.people <= other.people

    @classmethod
    def of(cls, transaction: Transaction, refs: Iterable[Ref]) -> Scope:
        """Faces, groups with all their faces, and people without theirs.

        Raises:
            RequestError: one is not there; the sentence says so, and where its faces are now.
        """
        scope = cls()
        for ref in refs:
            {"face": scope.faces, "group": scope.groups, "person": scope.people}[ref.kind].add(ref.id)
        scope._require(transaction)
        scope.faces |= face_index.ids_of_groups(transaction, scope.groups)
        return scope

    def with_groups(self, transaction: Transaction) -> Scope:
        """These, and all faces of the groups that these faces are in."""
        groups = self.groups | set(group_rows.groups_of(transaction, self.faces).values())
        return Scope(self.faces | face_index.ids_of_groups(transaction, groups), groups, set(self.people))

    def with_relatives(self, transaction: Transaction) -> Scope:
        """These, all that is linked to one of the faces and, for whoever may lose a master, the best other one."""
        scope = Scope(set(self.faces), set(self.groups), set(self.people))
        people = {person for person in face_index.who_is(transaction, scope.faces).values() if person is not None}
        scope.faces |= face_index.hanging_on(transaction, scope.faces, people)
        for person in sorted(people):
            master = people_rows.best_master(transaction, person, besides=self.faces)
            scope.faces |= set() if master is None else {master}
        scope.groups |= set(group_rows.groups_of(transaction, scope.faces).values())
        return scope

    def _require(self, transaction: Transaction) -> None:
        gone = self.faces - face_index.who_is(transaction, self.faces).keys()
        if gone:
            raise RequestError(f"found no face f{min(gone)} (or it was removed), needed ids that `faces` lists")
        groups = group_rows.read(transaction, self.groups)
        for group in sorted(self.groups):
            if group not in groups or not groups[group].is_there:
                moved = current_group(transaction, group) if group in groups else group
                where = f": its faces are in g{moved} now" if moved != group else ", needed ids that `groups` lists"
                raise RequestError(f"found no group g{group}{where}")
        marks = people_rows.marks(transaction, self.people)
        for person in sorted(self.people):
            if person not in marks:
                raise RequestError(f"found no person p{person}, needed ids that `people` lists")
            if marks[person]["joined_to"]:
                current = current_person(transaction, person)
                raise RequestError(f"found that p{person} was joined to p{current}, needed that id")
