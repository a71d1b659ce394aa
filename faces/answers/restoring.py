"""Whether faces, people and refusals are as an entry has left them, what was before, and whose newcomers are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from faces.answers.face_facts import OTHER_NAME, FaceFacts
from faces.answers.held_faces import SHARED_NAME, HeldFaces
from faces.errors import RequestError
from faces.people import names
from faces.people.kept_face import FaceState
from faces.store.database import Transaction
from faces.store.sidecar import known_encodings, ledger, people_rows
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.ledger import FaceChange, Moved, RefChange

Record = Mapping[str, Any]
"""What the ledger keeps of a face: all facts of it, or those few that a machine has changed."""

_OPEN = (FaceState.UNKNOWN, FaceState.SUGGESTED, FaceState.LINKED)


def is_untouched(held: HeldFaces, face: int, after: Record) -> bool:
    """Whether neither a person has answered of a face since an entry, nor the app has changed what it said.

    What a machine has linked since is no answer. A name that follows its person's, and a link that follows its
    master, are none either.
    """
    now, state = held.now[face], held.state(face)
    if "said_in" not in after:
        return _is_as_a_machine_left_it(now, after)
    entry = now.answer.entry if now.answer else None
    if entry != after["said_in"] or now.deleted != after["deleted"]:
        return False
    was = now.with_record(after).state(held.rows[face], held.transaction.schema.rule)
    if was in _OPEN and after["says"] is None:
        return state in _OPEN
    if was in _OPEN:
        return state in _OPEN and (now.status == after["status"] or now.status == "suggested")
    # Where an undo of a join is taken back, that person is joined again by now, and has its faces yet.
    return state is was and now.who in (after["who"], _joined(held, after["who"]))


def restored(held: HeldFaces, face: int, before: Record) -> FaceFacts:
    """What a face becomes when an entry is taken back: its group is seen to apart."""
    facts = held.now[face].with_record({name: value for name, value in before.items() if name != "group_id"})
    if "who" not in before:
        return facts
    who = _joined(held, facts.who)
    name = facts.name
    if who is not None and name is not None and OTHER_NAME not in before:
        current = held.name_of(who) or name
        name = current if names.key(name) != names.key(current) else name
    if facts.who is not None and who is None:
        # That person is no more: forgotten since.
        return facts_of_nobody(facts)
    return replace(facts, who=who, name=name)


def facts_of_nobody(facts: FaceFacts) -> FaceFacts:
    """A face that would be a person's who is no more."""
    return replace(facts, status="process", name=None, parent_id=None, person_id=None, who=None, answer=None)


def has_moved(held: HeldFaces, face: int, before: Record, after: Record) -> bool:
    """Whether an entry has moved a face between groups, into one or out of one, and it is there yet."""
    then, current = after.get("group_id"), held.now[face].group_id
    if before.get("group_id") == then:
        return False
    return current in (None, then) or (then is not None and current == end_of(held, then))


def end_of(held: HeldFaces, group: int) -> int:
    """The group that has the faces of one that was joined to another, as far as it is in hand."""
    seen = set[int]()
    while group not in seen and (into := held.joined_to.get(group)) is not None:
        seen.add(group)
        group = into
    return group


def _joined(held: HeldFaces, person: int | None) -> int | None:
    """The person that has the faces of one by now; None where that one was forgotten, or never known."""
    seen = set[int]()
    while person is not None and person not in seen:
        seen.add(person)
        held.hold_people([person])
        if person not in held.marks:
            return None
        if held.marks[person]["joined_to"] is None:
            return person
        person = held.marks[person]["joined_to"]
    return None


def _is_as_a_machine_left_it(now: FaceFacts, after: Record) -> bool:
    if now.answer is not None or now.deleted:
        return False
    columns = {name: after[name] for name in ("parent_id", "person_id", "name") if name in after}
    return all(getattr(now, name) == value for name, value in columns.items() if name != "name")


def see_that_names_are_free(held: HeldFaces, refs: Mapping[str, FaceChange]) -> None:
    """Refuse, as `rename` does, where somebody else has a name by now that this gives back.

    Args:
        held: as it becomes.
        refs: what the entry that is taken back has changed of people.

    Raises:
        RequestError: it has.
    """
    for person, marks in held.marks.items():
        name, was = marks["name"], held.marks_before[person]["name"]
        change = refs.get(f"p{person}")
        if name is None or names.key(name) == names.key(was or "") or (change and SHARED_NAME in change.before):
            continue
        held.hold_library()
        others = set(people_rows.all_named(held.transaction, name)) - held.marks.keys()
        others |= {one for one, of in held.marks.items() if names.key(of["name"] or "") == names.key(name)}
        for other in sorted(others - {person}):
            raise RequestError(
                f"found that p{other} is named {name} by now, and p{person} would have that name again: `rename` "
                f"or `join` comes first; needed --new where they are two of one name"
            )


@dataclass(slots=True)
class RefHistory:
    """What else was said of the people and refusals that an entry has changed: before it, and since."""

    transaction: Transaction
    entry_id: int
    """The entry that is taken back."""
    _changes: dict[str, list[RefChange]] = field(default_factory=dict)

    def is_said_again(self, ref: str, name: str) -> bool:
        """Whether an entry since that is in force has said something of it, were it the same again."""
        since = [one for one in self._of(ref, name) if one.entry > self.entry_id]
        # What takes back one that came since only brings back what was before that.
        return any(self._is_in_force(one) for one in since if one.undoes is None or one.undoes < self.entry_id)

    def before(self, ref: str, name: str, value: Any) -> Any:
        """The value before the entry, where what had said that was not taken back meanwhile; else that before it."""
        for one in self._of(ref, name):
            if one.entry < self.entry_id:
                if self._is_in_force(one):
                    break
                value = one.change.before[name]
        return value

    def _of(self, ref: str, name: str) -> list[RefChange]:
        if ref not in self._changes:
            self._changes[ref] = ledger.changes_of_ref(self.transaction, ref)
        return [one for one in self._changes[ref] if name in one.change.before]

    def _is_in_force(self, one: RefChange) -> bool:
        return ledger.undone_by(self.transaction, one.entry, without=self.entry_id) is None


@dataclass(frozen=True, slots=True)
class JoinOfGroups:
    """An entry that has joined one group to another, as the ledger has it."""

    entry_id: int
    kept: int
    """The group that has had the faces of both since."""
    newest_face: int
    """The highest id of a face then."""
    gone: frozenset[int]
    """The faces of the one that was joined to it."""


def newcomers_nearer_to_gone(held: HeldFaces, join: JoinOfGroups) -> dict[int, float]:
    """Faces that have come into the kept group since, and are nearer to the middle of the one that was joined to it.

    Only those that nobody has answered of. Middles are the plain means of the faces that the two had then, as far as
    they are there yet; of the kept group only those that are in it yet. A face came since if its row is newer than the
    join, or if its first change of groups that the ledger has since was into the group. One that is older, and whose
    row the app alone has brought into it since, is taken for one of the kept group.

    Returns their distances to that middle, by face.
    """
    end = end_of(held, join.kept)
    there = set(held.members(end)) - join.gone
    moves = ledger.moves_since(held.transaction, join.entry_id, there)
    of_kept = {face for face in there if end == join.kept or _was_in(join.kept, moves.get(face, ()))}
    came = {face for face in of_kept if _came_since(join, face, moves.get(face, ()))}
    open_ones = [face for face in sorted(came) if held.now[face].answer is None and held.state(face) in _OPEN]
    if not open_ones:
        return {}
    known = known_encodings.kept_of(held.transaction, there | join.gone)
    kept_middle, gone_middle = _middle(known, of_kept - came), _middle(known, join.gone)
    if kept_middle is None or gone_middle is None:
        return {}
    found = {}
    for face in open_ones:
        if face in known:
            numbers = known[face].numbers
            to_gone, to_kept = (float(np.linalg.norm(numbers - middle)) for middle in (gone_middle, kept_middle))
            if to_gone < to_kept:
                found[face] = to_gone
    return found


def _was_in(group: int, moves: Collection[Moved]) -> bool:
    return any(group in (one.before, one.after) for one in moves)


def _came_since(join: JoinOfGroups, face: int, moves: Collection[Moved]) -> bool:
    first = next(iter(moves), None)
    return face > join.newest_face or (first is not None and first.before != join.kept)


def _middle(known: dict[int, KnownEncoding], faces: Collection[int]) -> npt.NDArray[np.float64] | None:
    rows = [known[face].numbers for face in sorted(faces) if face in known]
    return np.mean(np.asarray(rows, np.float64), axis=0) if rows else None
