"""The list of the ledger's entries, newest first, each with what a sentence of it needs to know. Only reads."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from faces.errors import RequestError
from faces.people.refs import Ref
from faces.store.database import Transaction, chunked
from faces.store.keyset import in_pages, same
from faces.store.sidecar.ledger import ENTRY, NOTHING_ITSELF, Entry, FaceChange
from faces.store.sidecar.tables import SidecarTables

#: Changes of an entry that are read: more are told as a number.
EXAMPLES = 20

#: What comes right behind a blank in the order of ASCII: refusals of f12 lie between "f12 " and "f12!".
_BEHIND_BLANK = "!"

#: What of a person no answer is about, though it may change it: the face that others are linked to.
_NOT_SAID = frozenset({"master_face_id"})

_REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry, and what it changed: all numbers, and of the changes some."""

    entry: Entry
    undone_by: int | None
    """The newest entry that takes it back and stands itself."""
    faces: int
    """That it changed, those too that only followed others."""
    said: int
    """Of these the faces that it says something of; 0 where a machine decided."""
    examples: Mapping[int, FaceChange]
    """By face, at most `EXAMPLES`: only of those that it says something of, where there are some."""
    refs: Mapping[str, FaceChange]
    """What it changed of people, groups and refusals, as the table has it; of each of the three at most `EXAMPLES`."""
    refusals: int = 0
    """Of its refs those that are refusals."""


@dataclass(frozen=True, slots=True)
class EntryChoice:
    """Which entries: all of these conditions hold; `limit` of them before the entry `after`."""

    actor: str | None = None
    kind: str | None = None
    face: int | None = None
    person: int | None = None
    after: int | None = None
    limit: int | None = None


def list_entries(transaction: Transaction, choice: EntryChoice) -> Iterator[ListedEntry]:
    """The newest first.

    A person's are those by which faces became theirs or no longer are, names, marks and refusals. A face's are those
    that changed it, and what it was refused for; of two faces that are not one, those of the lesser text.

    Raises:
        SchemaError: the database has no such tables.
        RequestError: there is no entry `after`.
    """
    tables = transaction.schema.require_sidecar()
    if choice.after is not None:
        _require(transaction, tables, choice.after)
    if not _may_be_called_so(choice):
        return iter(())
    of_face = None if choice.face is None else _entries_of_face(transaction, tables, choice.face)

    def read(last: ListedEntry | None, size: int) -> list[ListedEntry]:
        before = last.entry.id if last else choice.after
        rows = transaction.connection.execute(_query(transaction, tables, choice, of_face, before).limit(size))
        return _listed(transaction, [Entry(**{name: row[name] for name in ENTRY}) for row in rows.mappings()])

    return in_pages(read, choice.limit)


def read_entries(transaction: Transaction, ids: Collection[int]) -> list[ListedEntry]:
    """These entries, the newest first; without those that are not there.

    Raises:
        SchemaError: the database has no such tables.
    """
    ledger = transaction.schema.require_sidecar().ledger
    found: list[Entry] = []
    for chunk in chunked(sorted(ids)):
        rows = transaction.connection.execute(sa.select(ledger).where(ledger.c.id.in_(chunk))).mappings()
        found += [Entry(**{name: row[name] for name in ENTRY}) for row in rows]
    return _listed(transaction, sorted(found, key=lambda entry: -entry.id))


def entries_about(transaction: Transaction, refs: Collection[Ref], most: int) -> set[int]:
    """The newest entries that changed one of these people and groups itself: its name, its marks, whose it is."""
    table = transaction.schema.require_sidecar().ledger_refs
    found: set[int] = set()
    for text in sorted(map(str, refs)):
        query = sa.select(table.c.entry, table.c.after).where(table.c.ref == text, table.c.after != NOTHING_ITSELF)
        rows = transaction.connection.execute(query.order_by(table.c.entry.desc()))
        found |= set(islice((int(row.entry) for row in rows if json.loads(row.after).keys() - _NOT_SAID), most))
    return found


def entry_that_refused(transaction: Transaction, one: Ref, other: Ref) -> int | None:
    """The newest entry by which two do not belong together; None where none is known, as of what groups inherited."""
    table = transaction.schema.require_sidecar().ledger_refs
    text = " ".join(sorted((str(one), str(other))))
    query = sa.select(table.c.entry, table.c.after).where(table.c.ref == text).order_by(table.c.entry.desc())
    rows = transaction.connection.execute(query)
    return next((int(row.entry) for row in rows if json.loads(row.after).get("never")), None)


def _query(
    transaction: Transaction,
    tables: SidecarTables,
    choice: EntryChoice,
    of_face: Collection[int] | None,
    before: int | None,
) -> sa.Select[Any]:
    ledger, refs = tables.ledger, tables.ledger_refs
    query, at = sa.select(ledger), ledger.c.id
    if choice.person is not None:
        # By the index of refs, which has entries in order.
        at = refs.c.entry
        query = sa.select(ledger).join_from(refs, ledger, ledger.c.id == refs.c.entry)
        query = query.where(same(transaction, refs.c.ref, str(Ref("person", choice.person))))
        query = query.prefix_with("STRAIGHT_JOIN", dialect="mysql").order_by(refs.c.ref.desc())
    if of_face is not None:
        query = query.where(at.in_(of_face))
    if choice.actor is not None:
        query = query.where(ledger.c.actor == choice.actor)
    if choice.kind is not None:
        query = query.where(ledger.c.kind == choice.kind)
    return (query if before is None else query.where(at < before)).order_by(at.desc())


def _may_be_called_so(choice: EntryChoice) -> bool:
    """Whether the server can compare with these words at all: kinds are ASCII, and stray bytes are no text."""
    actor = (choice.actor or "").encode(errors="replace").decode()
    return actor == (choice.actor or "") and (choice.kind or "").isascii()


def _require(transaction: Transaction, tables: SidecarTables, entry: int) -> None:
    query = sa.select(tables.ledger.c.id).where(tables.ledger.c.id == entry)
    if transaction.connection.execute(query).first() is None:
        raise RequestError(f"found no entry {entry}, needed the last one of a page: begin without --after")


def _entries_of_face(transaction: Transaction, tables: SidecarTables, face: int) -> list[int]:
    of_faces, refs, ref = tables.ledger_faces, tables.ledger_refs, str(Ref("face", face))
    changed = sa.select(of_faces.c.entry).where(of_faces.c.face_id == face)
    refused = sa.select(refs.c.entry).where(refs.c.ref >= f"{ref} ", refs.c.ref < f"{ref}{_BEHIND_BLANK}")
    found = [transaction.connection.execute(query).scalars() for query in (changed, refused)]
    return sorted({int(entry) for rows in found for entry in rows})


# --- what they changed ---


def _listed(transaction: Transaction, entries: Sequence[Entry]) -> list[ListedEntry]:
    ids = [entry.id for entry in entries]
    numbers = _numbers(transaction, ids)
    examples = _examples(transaction, numbers)
    refs = _refs(transaction, ids)
    undone = _undone(transaction, ids)
    return [
        ListedEntry(
            entry,
            undone.get(entry.id),
            *numbers.get(entry.id, (0, 0)),
            examples=examples.get(entry.id, {}),
            refs=refs.get(entry.id, ({}, 0))[0],
            refusals=refs.get(entry.id, ({}, 0))[1],
        )
        for entry in entries
    ]


def _is_said(tables: SidecarTables) -> sa.ColumnElement[bool]:
    """Whether what was said of a face last, after an entry, was said in it: as `FaceFacts.record` has it in JSON."""
    of_faces = tables.ledger_faces
    words = sa.literal('%"said_in": ').concat(sa.cast(of_faces.c.entry, sa.String(20))).concat(",%")
    return of_faces.c.after.like(words)


def _numbers(transaction: Transaction, ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """How many faces each entry changed, and of how many it says something."""
    tables = transaction.schema.require_sidecar()
    of_faces = tables.ledger_faces
    said = sa.func.sum(sa.case((_is_said(tables), 1), else_=0))
    found: dict[int, tuple[int, int]] = {}
    for chunk in chunked(ids):
        query = sa.select(of_faces.c.entry, sa.func.count(), said).where(of_faces.c.entry.in_(chunk))
        rows = transaction.connection.execute(query.group_by(of_faces.c.entry))
        found |= {int(row[0]): (int(row[1]), int(row[2])) for row in rows}
    return found


def _examples(transaction: Transaction, numbers: Mapping[int, tuple[int, int]]) -> dict[int, dict[int, FaceChange]]:
    tables = transaction.schema.require_sidecar()
    of_faces = tables.ledger_faces
    query = sa.select(of_faces).order_by(of_faces.c.entry, of_faces.c.face_id)
    few = [entry for entry, (faces, _) in numbers.items() if faces <= EXAMPLES]
    queries = [query.where(of_faces.c.entry.in_(chunk)) for chunk in chunked(few)]
    for entry, (faces, said) in numbers.items():
        if faces > EXAMPLES:
            of_entry = query.where(of_faces.c.entry == entry).limit(EXAMPLES)
            queries.append(of_entry.where(_is_said(tables)) if said else of_entry)
    found: defaultdict[int, dict[int, FaceChange]] = defaultdict(dict)
    for one in queries:
        for row in transaction.connection.execute(one):
            is_wanted = not numbers[row.entry][1] or f'"said_in": {row.entry},' in row.after
            if is_wanted:
                found[int(row.entry)][int(row.face_id)] = _change(row)
    return found


def _refs(transaction: Transaction, ids: Collection[int]) -> dict[int, tuple[dict[str, FaceChange], int]]:
    """Of each entry some refs of each kind, and how many are refusals."""
    table = transaction.schema.require_sidecar().ledger_refs
    found: defaultdict[int, dict[str, FaceChange]] = defaultdict(dict)
    numbers: Counter[tuple[int, str]] = Counter()
    for chunk in chunked(ids):
        query = sa.select(table).where(table.c.entry.in_(chunk)).order_by(table.c.entry, table.c.ref)
        for row in transaction.connection.execute(query):
            kind = _REFUSAL if " " in row.ref else row.ref[0]
            numbers[row.entry, kind] += 1
            if numbers[row.entry, kind] <= EXAMPLES:
                found[int(row.entry)][row.ref] = _change(row)
    return {entry: (refs, numbers[entry, _REFUSAL]) for entry, refs in found.items()}


def _change(row: Any) -> FaceChange:
    return FaceChange(json.loads(row.before), json.loads(row.after))


def _undone(transaction: Transaction, ids: Collection[int]) -> dict[int, int]:
    """By which entry each of these is taken back, where it is: an undo that was undone itself takes nothing back."""
    ledger = transaction.schema.require_sidecar().ledger
    undoes: dict[int, list[int]] = {}
    asked = list(ids)
    while asked:
        found: defaultdict[int, list[int]] = defaultdict(list)
        for chunk in chunked(asked):
            query = sa.select(ledger.c.id, ledger.c.undoes).where(ledger.c.undoes.in_(chunk)).order_by(ledger.c.id)
            for row in transaction.connection.execute(query):
                found[int(row.undoes)].append(int(row.id))
        undoes |= found
        asked = [entry for entries in found.values() for entry in entries]

    def standing(entry: int) -> int | None:
        return max((undo for undo in undoes.get(entry, ()) if standing(undo) is None), default=None)

    return {entry: undo for entry in ids if (undo := standing(entry)) is not None}
