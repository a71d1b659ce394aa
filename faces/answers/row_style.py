"""How the rows of `faces` say what a person has answered; two styles of one interface, as versions of the app differ.

The app's own clicks are the measure: a row is left as its `save` leaves it. What rows have no room for, our
answers say.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Literal

from faces.answers.held_faces import HeldFaces
from faces.errors import RequestError, SchemaError
from faces.people import names
from faces.people.kept_face import FaceState, Said
from faces.store.sidecar import people_of_app

Nobody = Literal["process", "unknown", "not_face"]
"""Statuses of a face that is no person's."""

_SAID: dict[Nobody, Said] = {"process": Said.UNKNOWN, "unknown": Said.STRANGER, "not_face": Said.NOT_FACE}


class RowStyle(ABC):
    """Changes what is held; the writing comes later."""

    @abstractmethod
    def require_naming(self, held: HeldFaces, verb: str) -> None:
        """Refuse where people cannot be made or renamed here.

        Raises:
            SchemaError: the app keeps people itself, or rows have no names.
        """

    @abstractmethod
    def confirm(self, held: HeldFaces, person_id: int, faces: Collection[int]) -> None:
        """Faces are this person, because a person says so."""

    @abstractmethod
    def rename(self, held: HeldFaces, person_id: int) -> None:
        """Write a person's new name into the rows of the faces in hand that are theirs."""

    @abstractmethod
    def settle(self, held: HeldFaces) -> None:
        """See to the faces that hang on those which have changed. The last thing before the writing."""

    def take_out(self, held: HeldFaces, face: int, status: Nobody, said: Said | None = None) -> None:
        """A face is no person's any more; `said` where it is another thing than the status says."""
        held.become(face, status=status, name=None, parent_id=None, person_id=None, who=None)
        held.say(face, said or _SAID[status])


class ByParent(RowStyle):
    """The app's v1 to v3, and files of our own: masters are `ok` without a parent, and other faces hang on them."""

    def require_naming(self, held: HeldFaces, verb: str) -> None:
        """Refuse where `faces` has no column `name`.

        Raises:
            SchemaError: it has none.
        """
        if "name" not in held.transaction.schema.face_columns:
            raise SchemaError(f"found no column faces.name in this database: {verb} cannot write names here")

    def confirm(self, held: HeldFaces, person_id: int, faces: Collection[int]) -> None:
        """One face becomes a master, as by `save`. Of several the best does and the others hang on it, still `process`.

        A face that hangs on a master of this person stays there; one that was `ok` stays `ok`.
        """
        name = held.name_of(person_id)
        new = [face for face in sorted(faces) if not held.is_confirmed_as(face, person_id)]
        hanging = {face for face in new if self._hangs_on(held, face, person_id)}
        loose = [face for face in new if face not in hanging]
        if name is None or "name" not in held.transaction.schema.face_columns:
            # Nothing but the status says then that a person has confirmed it.
            self._save_nameless(held, new, person_id)
            return
        if len(new) == 1:
            self._save(held, new[0], person_id, keep_parent=bool(hanging) and not held.transaction.schema.ours)
            return
        saved = [face for face in loose if held.before[face].status == "ok"]
        if loose and not saved:
            saved = [max(loose, key=lambda face: (held.quality(face), -face))]
        for face in saved:
            self._save(held, face, person_id)
        for face in sorted(set(new) - set(saved)):
            parent = held.now[face].parent_id if face in hanging else saved[0]
            held.become(face, status="process", name=name, parent_id=parent, who=person_id)
            held.say(face, Said.YES, person_id)

    def rename(self, held: HeldFaces, person_id: int) -> None:
        """All of theirs, linked ones too; what has the name in another spelling, or is as before, keeps what it has."""
        name = held.name_of(person_id)
        for face, facts in held.now.items():
            if facts.who != person_id or facts.name is None or held.state(face) is FaceState.SUGGESTED:
                continue
            if face in held.restored:
                continue
            if names.key(facts.name) != names.key(name or ""):
                held.become(face, name=name)

    def settle(self, held: HeldFaces) -> None:
        """Hang what hung on a changed face upon a master of its person, or take the link away with the person."""
        changed = set(held.changed())
        for face in sorted(held.now):
            facts = held.now[face]
            if facts.deleted or facts.parent_id is None or facts.parent_id not in held.now:
                continue
            if face not in changed and facts.parent_id not in changed:
                continue
            if self._hangs_as_before(held, face, facts.parent_id, changed):
                continue
            if facts.status not in ("process", "suggested"):
                if facts.parent_id not in changed or (facts.who is not None and facts.name is None):
                    # As the app has hung it; and without a name it is known by that face, whatever becomes of it.
                    continue
                if face not in changed and facts.parent_id in held.restored:
                    # As the app has hung it, on what is as before, too.
                    continue
                if not self._may_stay(held, face):
                    held.become(face, parent_id=None)
            elif facts.who is None or not held.is_root_of(facts.parent_id, facts.who):
                self._hang_elsewhere(held, face)

    def _hangs_as_before(self, held: HeldFaces, face: int, parent: int, changed: set[int]) -> bool:
        """Whether an undo has hung it as it hung before, however the app had hung what it hangs on."""
        if face not in held.restored:
            return False
        who = held.now[face].who
        is_still_theirs = who is not None and held.now[parent].status == "ok" and held.is_confirmed_as(parent, who)
        return parent in held.restored or (parent not in changed and is_still_theirs)

    def _may_stay(self, held: HeldFaces, face: int) -> bool:
        """Whether a face that is `ok` keeps its parent.

        One with a name is who that says: the app's click leaves its parent, whoever that is, as long as it is a root.
        """
        facts = held.now[face]
        if facts.parent_id is None or facts.who is None:
            return False
        whose = held.now[facts.parent_id].who if facts.name and not held.transaction.schema.ours else facts.who
        return whose is not None and held.is_root_of(facts.parent_id, whose)

    def _hang_elsewhere(self, held: HeldFaces, face: int) -> None:
        facts = held.now[face]
        if facts.who is not None and (root := self._root(held, facts.who)) is not None:
            if root != face:
                held.become(face, parent_id=root)
            return
        parent = held.now.get(facts.parent_id or 0)
        if held.state(face) is FaceState.CONFIRMED:
            raise AssertionError(f"found no face of p{facts.who} that f{face} can hang on, needed that one itself")
        follows = parent.who if parent is not None and facts.parent_id is not None else None
        if follows is not None and held.is_confirmed_as(facts.parent_id or 0, follows):
            root = facts.parent_id if held.is_root_of(facts.parent_id or 0, follows) else self._root(held, follows)
            name = held.name_of(follows) if facts.name is not None else None
            held.become(face, parent_id=root, who=follows, name=name)
        elif facts.who is not None:
            held.become(face, parent_id=None, name=None, who=None)

    def _root(self, held: HeldFaces, person_id: int) -> int | None:
        """A master of a person: theirs, else the best one in hand, else the best confirmed face becomes one."""
        master = held.people[person_id].master_face_id if person_id in held.people else None
        if master is not None and (master not in held.now or held.is_root_of(master, person_id)):
            return master
        best = _best(held, [face for face in held.now if held.is_root_of(face, person_id)])
        if best is not None:
            return best
        best = _best(held, [face for face in held.now if held.is_confirmed_as(face, person_id)])
        if best is not None:
            facts = held.now[best]
            held.become(best, status="ok", parent_id=None, name=held.name_of(person_id) or facts.name)
        return best

    def _save(self, held: HeldFaces, face: int, person_id: int, *, keep_parent: bool = False) -> None:
        parent = held.now[face].parent_id if keep_parent else None
        held.become(face, status="ok", name=held.name_of(person_id), parent_id=parent, who=person_id)
        held.say(face, Said.YES, person_id)

    def _save_nameless(self, held: HeldFaces, faces: Collection[int], person_id: int) -> None:
        """Hang them all on the face by which a person without a name is known."""
        root = held.people[person_id].master_face_id
        for face in faces:
            self._save(held, face, person_id)
            held.become(face, parent_id=None if face == root else root)

    def _hangs_on(self, held: HeldFaces, face: int, person_id: int) -> bool:
        """Whether a machine has linked it to this person, by a master that stays one."""
        facts = held.now[face]
        if facts.who != person_id or facts.parent_id is None:
            return False
        return facts.parent_id not in held.now or held.is_root_of(facts.parent_id, person_id)


class ByPerson(RowStyle):
    """The app's versions from v4 on: `person_id` and `status` alone are written, and `persons` is the app's."""

    def require_naming(self, held: HeldFaces, verb: str) -> None:
        """Refuse always.

        Raises:
            SchemaError: in any case.
        """
        raise SchemaError(
            f"found a table `persons`, which the app keeps itself: {verb} would change it. Say it in the app; "
            "needed here are people that are there already"
        )

    def confirm(self, held: HeldFaces, person_id: int, faces: Collection[int]) -> None:
        """Each becomes `ok`, with the person."""
        person = held.people[person_id].app_person_id
        if person is None:
            raise SchemaError(f"found that p{person_id} is no person of the app's, needed one that `people` lists")
        if person not in people_of_app.read(held.transaction, [person]):
            raise RequestError(f"found that the app has removed p{person_id}, needed a person that is there")
        for face in sorted(faces):
            if not held.is_confirmed_as(face, person_id):
                held.become(face, status="ok", person_id=person, who=person_id)
                held.say(face, Said.YES, person_id)

    def rename(self, held: HeldFaces, person_id: int) -> None:
        """Nothing: rows have no names, and `require_naming` refuses before."""

    def settle(self, held: HeldFaces) -> None:
        """Nothing hangs on a face here."""


def style_of(held: HeldFaces) -> RowStyle:
    """The one of the database that an answer is written into."""
    return ByParent() if held.transaction.schema.rule.has_masters else ByPerson()


def _best(held: HeldFaces, faces: Collection[int]) -> int | None:
    """The face of the best quality, of equals the smallest id."""
    return max(faces, key=lambda face: (held.quality(face), -face), default=None)
