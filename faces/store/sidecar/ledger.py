"""The tables `ledger` and `ledger_faces`: what was decided, when, by which rule, and what it changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from faces.people.identify import Identification
from faces.people.refs import Ref
from faces.store.database import Transaction, chunked
from faces.store.sidecar.library_row import tables_of

#: Who decided, where no person did.
MACHINE = "machine"

#: In what an entry keeps of a group that went into another: the highest id of a face then.
NEWEST_FACE = "newest_face_id"

Fields = Mapping[str, Any]
"""Names and values of what was changed in a face's row or of its group: JSON."""


@dataclass(frozen=True, slots=True)
class FaceChange:
    """What an entry changed of a face."""

    before: Fields
    after: Fields


@dataclass(frozen=True, slots=True)
class Entry:
    """Who decided what, when and by which rule."""

    id: int
    uuid: str
    actor: str
    at: datetime
    kind: str
    undoes: int | None
    p: float | None
    t: float | None
    distance: float | None
    rule: str | None


#: A ref of a person who only gained or lost faces has this before and after.
NOTHING_ITSELF = "{}"

ENTRY = ("id", "uuid", "actor", "at", "kind", "undoes", "p", "t", "distance", "rule")


@dataclass(frozen=True, slots=True)
class PastLink:
    """How a face was linked last."""

    probability: float | None
    after: Fields

    def is_of(self, parent_id: int | None, person_id: int | None) -> bool:
        """Whether the row still says what it was linked to."""
        return (self.after.get("parent_id"), self.after.get("person_id")) == (parent_id, person_id)


@dataclass(frozen=True, slots=True)
class LinkedBefore:
    """A face that an entry has linked."""

    face_id: int
    image_id: int
    person_id: int | None
    """Whom it is today, of our people."""
    probability: float
    distance: float
    after: Fields


def add(
    transaction: Transaction,
    kind: str,
    changes: Mapping[int, FaceChange],
    *,
    actor: str = MACHINE,
    found: Identification | None = None,
    distance: float | None = None,
    rule: str | None = None,
    uuid: str | None = None,
    undoes: int | None = None,
    people: Collection[int] = (),
) -> int:
    """Write an entry; returns its id.

    Args:
        transaction: the one that makes the changes.
        kind: merged, linked, unlinked …
        changes: by face.
        actor: who decided.
        found: where it was decided by probability: p, t, distance and rule.
        distance: where it was decided by distance alone.
        rule: by which rule then.
        uuid: the entry's own; without it a new one.
        undoes: the entry that it takes back.
        people: whose faces it gives or takes: by them their entries are found.
    """
    tables = tables_of(transaction)
    values: dict[str, Any] = {
        "uuid": uuid or str(uuid4()),
        "actor": actor,
        "at": transaction.now,
        "kind": kind,
        "undoes": undoes,
        "p": found.probability if found else None,
        "t": found.t if found else None,
        "distance": found.distance if found else distance,
        "rule": str(found.rule) if found else rule,
    }
    result: sa.CursorResult[Any] = transaction.connection.execute(sa.insert(tables.ledger).values(**values))
    entry = int(result.lastrowid)
    add_faces(transaction, entry, changes)
    add_refs(transaction, entry, told_of(people))
    return entry


def add_faces(transaction: Transaction, entry: int, changes: Mapping[int, FaceChange]) -> None:
    """Write further faces of an entry."""
    rows = [
        {"entry": entry, "face_id": face, "before": _json(change.before), "after": _json(change.after)}
        for face, change in sorted(changes.items())
    ]
    if rows:
        transaction.connection.execute(sa.insert(tables_of(transaction).ledger_faces), rows)


def add_refs(transaction: Transaction, entry: int, changes: Mapping[str, FaceChange]) -> None:
    """Write what an entry changed of people, groups and refusals, by p4, g3 or the two sides of a refusal."""
    rows = [
        {"entry": entry, "ref": ref, "before": _json(change.before), "after": _json(change.after)}
        for ref, change in sorted(changes.items())
    ]
    if rows:
        transaction.connection.execute(sa.insert(tables_of(transaction).ledger_refs), rows)


def told_of(person_ids: Collection[int]) -> dict[str, FaceChange]:
    """What `add_refs` takes for people of whom nothing itself is changed, but faces are given to them or taken."""
    return {str(Ref("person", person)): FaceChange({}, {}) for person in person_ids}


def note_people(transaction: Transaction, entry: int, person_ids: Collection[int]) -> None:
    """Say of an entry that is there already whose faces it gives or takes, too."""
    table = tables_of(transaction).ledger_refs
    wanted = told_of(person_ids)
    for chunk in chunked(sorted(wanted)):
        query = sa.select(table.c.ref).where(table.c.entry == entry, table.c.ref.in_(chunk))
        for ref in transaction.connection.execute(query).scalars().all():
            del wanted[ref]
    add_refs(transaction, entry, wanted)


def last_links(transaction: Transaction, face_ids: Collection[int]) -> dict[int, PastLink]:
    """The newest entry `linked` of each of these faces."""
    tables = tables_of(transaction)
    entries, changes = tables.ledger, tables.ledger_faces
    found: dict[int, PastLink] = {}
    for chunk in chunked(face_ids):
        query = (
            sa.select(changes.c.face_id, changes.c.after, entries.c.p)
            .join(entries, entries.c.id == changes.c.entry)
            .where(changes.c.face_id.in_(chunk), entries.c.kind == "linked")
            .order_by(changes.c.entry)
        )
        for row in transaction.connection.execute(query):
            found[int(row.face_id)] = PastLink(row.p, json.loads(row.after))
    return found


def find(transaction: Transaction, uuid: str) -> int | None:
    """The id of the entry that has this uuid."""
    table = tables_of(transaction).ledger
    found = transaction.connection.execute(sa.select(table.c.id).where(table.c.uuid == uuid)).scalar()
    return None if found is None else int(found)


def entry(transaction: Transaction, entry_id: int) -> Entry | None:
    """One entry; None where there is none of this id."""
    table = tables_of(transaction).ledger
    row = transaction.connection.execute(sa.select(table).where(table.c.id == entry_id)).mappings().first()
    return Entry(**{name: row[name] for name in ENTRY}) if row else None


def faces_of(transaction: Transaction, entry_id: int) -> dict[int, FaceChange]:
    """What an entry has changed of faces, by face."""
    table = tables_of(transaction).ledger_faces
    rows = transaction.connection.execute(sa.select(table).where(table.c.entry == entry_id).order_by(table.c.face_id))
    return {int(row.face_id): FaceChange(json.loads(row.before), json.loads(row.after)) for row in rows}


def refs_of(transaction: Transaction, entry_id: int) -> dict[str, FaceChange]:
    """What an entry has changed of people, groups and refusals, by what `add_refs` calls them."""
    table = tables_of(transaction).ledger_refs
    rows = transaction.connection.execute(sa.select(table).where(table.c.entry == entry_id).order_by(table.c.ref))
    return {row.ref: FaceChange(json.loads(row.before), json.loads(row.after)) for row in rows}


@dataclass(frozen=True, slots=True)
class RefChange:
    """What an entry has changed of a person, group or refusal, and which entry that takes back."""

    entry: int
    undoes: int | None
    change: FaceChange


def changes_of_ref(transaction: Transaction, ref: str) -> list[RefChange]:
    """All that was ever changed of one, by what `add_refs` calls it, newest first."""
    tables = tables_of(transaction)
    of_refs, entries = tables.ledger_refs, tables.ledger
    query = sa.select(of_refs, entries.c.undoes).join(entries, entries.c.id == of_refs.c.entry)
    query = query.where(of_refs.c.ref == ref, of_refs.c.before != NOTHING_ITSELF).order_by(of_refs.c.entry.desc())
    return [
        RefChange(int(row.entry), row.undoes, FaceChange(json.loads(row.before), json.loads(row.after)))
        for row in transaction.connection.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Moved:
    """A face that an entry has moved between groups, into one or out of one."""

    before: int | None
    after: int | None


def moves_since(transaction: Transaction, entry_id: int, face_ids: Collection[int]) -> dict[int, list[Moved]]:
    """How entries after this one have moved these faces between groups, oldest first."""
    table = tables_of(transaction).ledger_faces
    found: dict[int, list[Moved]] = {}
    for chunk in chunked(sorted(face_ids)):
        query = sa.select(table).where(table.c.face_id.in_(chunk), table.c.entry > entry_id)
        for row in transaction.connection.execute(query.order_by(table.c.entry)):
            moved = Moved(*(json.loads(fields).get("group_id") for fields in (row.before, row.after)))
            if moved.before != moved.after:
                found.setdefault(int(row.face_id), []).append(moved)
    return found


def change_of(transaction: Transaction, entry_id: int, face_id: int) -> FaceChange | None:
    """What an entry has changed of a face; None where nothing."""
    table = tables_of(transaction).ledger_faces
    query = sa.select(table).where(table.c.entry == entry_id, table.c.face_id == face_id)
    row = transaction.connection.execute(query).first()
    return None if row is None else FaceChange(json.loads(row.before), json.loads(row.after))


def undone_by(transaction: Transaction, entry_id: int, without: int | None = None) -> int | None:
    """The entry that took one back, and was not taken back itself; as if `without` were taken back."""
    table = tables_of(transaction).ledger
    query = sa.select(table.c.id).where(table.c.undoes == entry_id).order_by(table.c.id)
    for undoing in transaction.connection.execute(query).scalars().all():
        if undoing != without and undone_by(transaction, int(undoing), without) is None:
            return int(undoing)
    return None


def answers_since(transaction: Transaction, since: datetime | None, after_entry: int | None) -> list[Entry]:
    """What people have decided from a time on, and after an entry, newest first; None: whenever."""
    table = tables_of(transaction).ledger
    query = sa.select(*(table.c[name] for name in ENTRY)).where(table.c.actor != MACHINE)
    if since is not None:
        query = query.where(table.c.at >= since)
    if after_entry is not None:
        query = query.where(table.c.id > after_entry)
    rows = transaction.connection.execute(query.order_by(table.c.id.desc())).mappings()
    return [Entry(**row) for row in rows]


def newest(transaction: Transaction) -> int:
    """The id of the newest entry; 0 where there is none."""
    query = sa.select(sa.func.max(tables_of(transaction).ledger.c.id))
    return int(transaction.connection.execute(query).scalar() or 0)


def linked_since(transaction: Transaction, entry: int) -> list[LinkedBefore]:
    """The faces that entries after this one have linked by probability, ascending."""
    tables = tables_of(transaction)
    entries, of_faces, index = tables.ledger, tables.ledger_faces, tables.face_index
    query = (
        sa.select(of_faces.c.face_id, index.c.image_id, index.c.person_id, of_faces.c.after)
        .add_columns(entries.c.p, entries.c.distance)
        .join_from(of_faces, entries, entries.c.id == of_faces.c.entry)
        .join(index, index.c.face_id == of_faces.c.face_id)
        .where(entries.c.id > entry, entries.c.kind == "linked", entries.c.p.is_not(None))
        .order_by(entries.c.id, of_faces.c.face_id)
    )
    return [
        LinkedBefore(int(row.face_id), int(row.image_id), row.person_id, row.p, row.distance, json.loads(row.after))
        for row in transaction.connection.execute(query)
    ]


def newest_of_refs(transaction: Transaction, one: Ref, other: Ref) -> int | None:
    """The newest entry that has changed whether two were refused for each other."""
    table = tables_of(transaction).ledger_refs
    pair = " ".join(sorted((str(one), str(other))))
    found = transaction.connection.execute(sa.select(sa.func.max(table.c.entry)).where(table.c.ref == pair)).scalar()
    return None if found is None else int(found)


def _json(fields: Fields) -> str:
    return json.dumps(dict(fields), ensure_ascii=False, sort_keys=True)
