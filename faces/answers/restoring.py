"""Whether a face is still as an entry of the ledger has left it, and what it was before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from faces.answers.face_facts import FaceFacts
from faces.answers.held_faces import HeldFaces
from faces.people import names
from faces.people.kept_face import FaceState

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
    if who is not None and name is not None and names.key(name) != names.key(held.name_of(who) or name):
        name = held.name_of(who)
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
