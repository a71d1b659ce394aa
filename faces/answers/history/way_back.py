"""Which entries are taken back, and in which order, to come back to what was at a time. Decides; undoes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from faces.answers.held_faces import MASTER, SHARED_NAME
from faces.store.database import Transaction
from faces.store.sidecar import ledger
from faces.store.sidecar.ledger import Entry, FaceChange

Changes = Mapping[int | str, FaceChange]
"""What an entry has changed, by the ids of faces and by what the ledger calls people, groups and refusals."""

#: What the ledger keeps of people that follows of the rest.
_FOLLOWS = (MASTER, SHARED_NAME)


def undoable_since(transaction: Transaction, since: datetime | None, after_entry: int | None) -> list[Entry]:
    """What people have answered from a time on, and after an entry, and is in force, newest first.

    An undo of an entry of that time, and that entry, are left out: nothing is to be done about them.
    """
    found = ledger.answers_since(transaction, since, after_entry)
    ids, handled, wanted = {one.id for one in found}, set[int](), list[Entry]()
    for one in found:
        if one.id in handled or ledger.undone_by(transaction, one.id) is not None:
            continue
        if one.undoes in ids:
            handled.add(one.undoes)
        else:
            wanted.append(one)
    return wanted


def way_back(transaction: Transaction, since: datetime) -> list[Entry]:
    """The entries since a time that are taken back one after the other, newest first, to come back to what was then.

    An undo and what it took back cancel out and are left out, unless it left something alone that had been answered
    again: then both are taken back, each in its turn, for only so that is as it was before.
    """
    found = ledger.answers_since(transaction, since, None)
    changes = {one.id: ledger.faces_of(transaction, one.id) | ledger.refs_of(transaction, one.id) for one in found}
    ids, handled, wanted = {one.id for one in found}, set[int](), list[Entry]()
    for one in found:
        if one.id in handled:
            continue
        if one.undoes in ids - handled and not _has_left(one.undoes, one.id, changes):
            handled.add(one.undoes)
        else:
            wanted.append(one)
    return wanted


def _has_left(entry: int, undo: int, changes: Mapping[int, Changes]) -> bool:
    """Whether an undo has not taken back what an entry between it and the one that it undoes has changed, too."""
    between = _changed_by([one for number, one in changes.items() if entry < number < undo])
    for what, change in changes[entry].items():
        if what in between and not _is_as_before(change, changes[undo].get(what)):
            return True
    return False


def _is_as_before(change: FaceChange, taken_back: FaceChange | None) -> bool:
    after = {} if taken_back is None else taken_back.after
    if change.before.get("new"):
        return "name" in after and after["name"] is None
    return all(after.get(name) == value for name, value in change.before.items() if name not in _FOLLOWS)


def _changed_by(several: Collection[Changes]) -> set[int | str]:
    return {what for one in several for what in one}
