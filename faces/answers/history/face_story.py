"""All that is known of one face: where it was found, who it is by which rule, who else it may be, and who said so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from faces.answers.history.entry_sentences import People
from faces.answers.history.told_entries import ToldEntry, names_today, told
from faces.errors import RequestError
from faces.library.groups.group_questions import GroupAnswer
from faces.library.groups.settling import Settling
from faces.library.library import Library
from faces.people.calibration import FEWEST_STRANGERS
from faces.people.identify import Contender, contenders
from faces.people.kept_face import FaceState, KeptFace
from faces.people.matching import Encodings
from faces.people.refs import Kind, Ref
from faces.store import faces
from faces.store.database import Transaction
from faces.store.sidecar import face_index, group_rows, known_encodings, ledger
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.ledger import Entry, PastLink
from faces.store.sidecar.lists.ledger_pages import (
    EntryChoice,
    entries_about,
    entry_that_refused,
    list_entries,
    read_entries,
)
from faces.store.sidecar.lists.where_found import FacesPlace, where_found

#: People that are told: the likeliest, and the next two.
_NEAREST = 3

#: Entries that are told, the newest; `ledger --face` lists all.
MOST_ENTRIES = 50


@dataclass(frozen=True, slots=True)
class GroupNow:
    """The group that a face is in."""

    id: int
    size: int
    person_id: int | None
    offered: int | None
    probability: float | None


@dataclass(frozen=True, slots=True)
class RefusedPair:
    """What a person has said that a face is not."""

    what: Ref
    """The face, or its group."""
    other: Ref
    entry: int | None
    """None where the ledger does not tell, as of what a group has inherited."""


@dataclass(frozen=True, slots=True)
class FaceStory:
    """What is told of a face; ids of people are those of our tables."""

    found: FacesPlace
    row: KeptFace
    state: FaceState | None
    """None where our tables do not know it: it was removed, or is not taken in yet."""
    person: int | None
    """Who it is or, where it is suggested, may be."""
    link: Entry | None
    """The newest entry by which a machine linked it."""
    link_holds: bool
    """Whether it is still linked to that person."""
    readable: bool
    """Whether it has an encoding."""
    nearest: list[Contender]
    """As of now, without a look at refusals; by the person's other faces where it is confirmed."""
    known: int
    """How many people it is compared with."""
    group: GroupNow | None
    answer: GroupAnswer | None
    """What is found of its group now, where it has no name."""
    refused: list[RefusedPair]
    links_by_itself: bool
    """Whether FACE_MATCH is calibrated."""
    entries: list[ToldEntry]
    more_entries: bool
    names: People


def story(transaction: Transaction, library: Library, settling: Settling, face: int, *, calibrated: bool) -> FaceStory:
    """Gather it; the library follows first. Locks and writes nothing.

    Raises:
        SchemaError: the database has no tables of ours.
        RequestError: there is no such face.
    """
    library.follow(transaction)
    found = where_found(transaction, face)
    row = next((row for row in faces.of_image(transaction, found.image_id) if row.id == face), None)
    if row is None:
        raise RequestError(f"found that f{face} was removed just now, needed the id of a face")
    indexed = face_index.read(transaction, [face]).get(face)
    kept = known_encodings.kept_of(transaction, [face]).get(face)
    group = _group(transaction, indexed)
    link, holds = _link(transaction, row, indexed)
    nearest = _nearest(library, kept.numbers, indexed) if kept is not None else []
    answer = settling.answer_now(transaction, group.id) if group and _is_open(indexed) else None
    refused = _refused(transaction, library, face, group)
    entries, more = _entries(transaction, library, face, indexed, refused)
    people = {one.person_id for one in nearest} | {one.other.id for one in refused if one.other.kind == "person"}
    people |= {person for person in _people(indexed, group, answer) if person is not None}
    return FaceStory(
        found=found,
        row=row,
        state=indexed.state if indexed else None,
        person=indexed.person_id if indexed else None,
        link=link,
        link_holds=holds,
        readable=kept is not None,
        nearest=nearest,
        known=len(library.people),
        group=group,
        answer=answer,
        refused=refused,
        links_by_itself=calibrated,
        entries=entries,
        more_entries=more,
        names=names_today(transaction, people),
    )


def _is_open(indexed: IndexedFace | None) -> bool:
    """Whether it is asked who it is."""
    return indexed is not None and indexed.state in (FaceState.UNKNOWN, FaceState.SUGGESTED)


def _people(indexed: IndexedFace | None, group: GroupNow | None, answer: GroupAnswer | None) -> list[int | None]:
    found = answer.found if answer else None
    second = [one.person_id for one in found.others[:1]] if found else []
    of_group = [group.person_id, group.offered] if group else []
    return [indexed.person_id if indexed else None, *of_group, found.person_id if found else None, *second]


def _group(transaction: Transaction, indexed: IndexedFace | None) -> GroupNow | None:
    if indexed is None or indexed.group_id is None:
        return None
    row = group_rows.read(transaction, [indexed.group_id]).get(indexed.group_id)
    if row is None:
        return None
    offer = row.offer if row.person_id is None else None
    return GroupNow(
        row.id, row.total.count, row.person_id, offer.person_id if offer else None, offer.probability if offer else None
    )


def _link(transaction: Transaction, row: KeptFace, indexed: IndexedFace | None) -> tuple[Entry | None, bool]:
    """The newest entry that linked it, and whether it is still linked so: to the same, or by another master's row."""
    linked = next(list_entries(transaction, EntryChoice(kind="linked", face=row.id, limit=1)), None)
    if linked is None:
        return None, False
    change = ledger.change_of(transaction, linked.entry.id, row.id)
    is_same = change is not None and PastLink(None, change.after).is_of(row.parent_id, row.person_id)
    person = indexed.person_id if indexed else None
    return linked.entry, is_same or (person is not None and str(Ref("person", person)) in linked.refs)


def _nearest(library: Library, encoding: Encodings, indexed: IndexedFace | None) -> list[Contender]:
    confirmed = indexed is not None and indexed.state is FaceState.CONFIRMED
    own = indexed.person_id if indexed is not None and confirmed else None
    with library.mutex:
        learned = replace(library.learned, strangers=FEWEST_STRANGERS) if confirmed else library.learned
        return contenders(encoding, library.people, learned, _NEAREST, own=own)


def _refused(transaction: Transaction, library: Library, face: int, group: GroupNow | None) -> list[RefusedPair]:
    """What was refused of the face and its group."""
    own = [Ref("face", face), *([Ref("group", group.id)] if group else [])]
    return _with_entries(transaction, library, own, ("face", "group", "person"))


def _with_entries(
    transaction: Transaction, library: Library, own: Collection[Ref], kinds: tuple[Kind, ...]
) -> list[RefusedPair]:
    with library.mutex:
        pairs = [(one, other) for one in own for other in sorted(library.refusals.of(one)) if other.kind in kinds]
    return [RefusedPair(one, other, entry_that_refused(transaction, one, other)) for one, other in pairs]


def _entries(
    transaction: Transaction, library: Library, face: int, indexed: IndexedFace | None, refused: Collection[RefusedPair]
) -> tuple[list[ToldEntry], bool]:
    """Those of the face, and those about its group and person as such: names, marks, joins and refusals."""
    about = _refs(indexed)
    people = [ref for ref in about if ref.kind == "person"]
    told_of = [*refused, *_with_entries(transaction, library, people, ("person",))]
    own = list(list_entries(transaction, EntryChoice(face=face, limit=MOST_ENTRIES + 1)))
    others = entries_about(transaction, about, MOST_ENTRIES + 1) | {one.entry for one in told_of if one.entry}
    both = [*own, *read_entries(transaction, others - {one.entry.id for one in own})]
    both.sort(key=lambda one: -one.entry.id)
    return list(told(transaction, both[:MOST_ENTRIES])), len(both) > MOST_ENTRIES


def _refs(indexed: IndexedFace | None) -> list[Ref]:
    group = [Ref("group", indexed.group_id)] if indexed and indexed.group_id is not None else []
    is_known = indexed is not None and indexed.state in (FaceState.LINKED, FaceState.CONFIRMED)
    return [*group, *([Ref("person", indexed.person_id)] if indexed and is_known and indexed.person_id else [])]
