"""The table `people`: who is known here, and the sums and counters of each one's faces."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.people import names
from faces.people.encoding_sum import EncodingSum
from faces.people.kept_face import FaceState, RowRule
from faces.photo.face import ENCODING_LENGTH
from faces.store.database import Transaction, chunked
from faces.store.schema import faces
from faces.store.sidecar.library_row import tables_of

#: `name_key` has room for so many letters.
_KEY_LETTERS = 255

#: What answers say of a person, beside who they are on photos.
MARKS = ("name", "hidden", "favourite", "cover", "joined_to")

NOTHING = EncodingSum(0, np.zeros(ENCODING_LENGTH, np.int64))


@dataclass(frozen=True, slots=True)
class Around:
    """How crowded it is around a middle, and by the neighbourhood of which number."""

    value: float
    number: int


@dataclass(frozen=True, slots=True)
class TableSum:
    """By which rows that were kept elsewhere are known to be those of the table."""

    rows: int
    ids: int
    faces: int


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as the rules need it."""

    id: int
    name: str | None
    master_face_id: int | None
    app_person_id: int | None
    total: EncodingSum
    """Of the confirmed faces; where the app has persons and none of theirs is confirmed, what stands in for them."""

    @property
    def is_nameless(self) -> bool:
        """Whether neither a name nor the app says who it is: then `master_face_id` is the face that it began with."""
        return self.name is None and self.app_person_id is None

    def linked_as(self, rule: RowRule) -> int | None:
        """What a face is linked to as this person: a master's id or a person's of the app; None: it cannot be."""
        return self.master_face_id if rule.has_masters else self.app_person_id


@dataclass(frozen=True, slots=True, eq=False)
class PersonChange:
    """What is added to a person; numbers may be below 0."""

    total: EncodingSum = field(default_factory=lambda: NOTHING)
    confirmed: int = 0
    linked: int = 0
    suggested: int = 0

    def __add__(self, other: PersonChange) -> PersonChange:
        return PersonChange(
            self.total + other.total,
            self.confirmed + other.confirmed,
            self.linked + other.linked,
            self.suggested + other.suggested,
        )

    @property
    def is_nothing(self) -> bool:
        """Whether it changes no row."""
        return self.total.is_nothing and not (self.confirmed or self.linked or self.suggested)


def changed_since(transaction: Transaction, change: int) -> Iterator[PersonRow]:
    """People whom a change after this one has touched; with -1 all of them."""
    people = tables_of(transaction).people
    query = _select(transaction) if change < 0 else _select(transaction).where(people.c.change > change)
    return (_person(row) for row in transaction.connection.execute(query))


def read(transaction: Transaction, ids: Collection[int]) -> dict[int, PersonRow]:
    """These people, by id."""
    people = tables_of(transaction).people
    found: dict[int, PersonRow] = {}
    for chunk in chunked(ids):
        rows = transaction.connection.execute(_select(transaction).where(people.c.id.in_(chunk)))
        found |= {int(row.id): _person(row) for row in rows}
    return found


def table_sum(transaction: Transaction) -> TableSum:
    """Of all people with a confirmed face."""
    people = tables_of(transaction).people
    return sum_of(transaction, people.c.id, people.c.k, people.c.k > 0)


def sum_of(
    transaction: Transaction,
    ids: sa.ColumnElement[int],
    faces_of: sa.ColumnElement[int],
    *which: sa.ColumnElement[bool],
) -> TableSum:
    """Of the rows of a table of ours."""
    query = sa.select(sa.func.count(), sa.func.sum(ids), sa.func.sum(faces_of)).where(*which)
    rows, all_ids, all_faces = transaction.connection.execute(query).one()
    return TableSum(int(rows), int(all_ids or 0), int(all_faces or 0))


def find_named(transaction: Transaction, name: str) -> int | None:
    """The person of this name, of several the first; persons of the app apart, who are found by their ids."""
    people = tables_of(transaction).people
    return _first(transaction, people.c.name_key == key_of(name), people.c.app_person_id.is_(None))


def find_of_app(transaction: Transaction, app_person_id: int) -> int | None:
    """The person that the app has under this id."""
    return _first(transaction, tables_of(transaction).people.c.app_person_id == app_person_id)


def find_nameless(transaction: Transaction, face_id: int) -> int | None:
    """The person without a name that began with this face, and was not joined to another since."""
    people = tables_of(transaction).people
    is_nameless = (people.c.name.is_(None), people.c.app_person_id.is_(None), people.c.joined_to.is_(None))
    return _first(transaction, people.c.master_face_id == face_id, *is_nameless)


def all_named(transaction: Transaction, name: str) -> list[int]:
    """All people of this name, the app's too, by id."""
    people = tables_of(transaction).people
    query = sa.select(people.c.id).where(people.c.name_key == key_of(name)).order_by(people.c.id)
    return [int(person) for person in transaction.connection.execute(query).scalars()]


def marks(transaction: Transaction, person_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """What answers write of people: columns by person."""
    people = tables_of(transaction).people
    columns = [people.c[name] for name in MARKS]
    found: dict[int, dict[str, Any]] = {}
    for chunk in chunked(sorted(person_ids)):
        query = sa.select(people.c.id, *columns).where(people.c.id.in_(chunk))
        for row in transaction.connection.execute(query).mappings():
            found[int(row["id"])] = {name: row[name] for name in MARKS}
    return found


def write_marks(transaction: Transaction, person_id: int, marks: Mapping[str, Any]) -> None:
    """Write them for a locked person, and count its revision."""
    values = dict(marks)
    if "name" in values:
        values["name_key"] = None if values["name"] is None else key_of(values["name"])
    write(transaction, person_id, values)


def revisions(transaction: Transaction, person_ids: Collection[int]) -> dict[int, int]:
    """How often each of these people has changed."""
    people = tables_of(transaction).people
    found: dict[int, int] = {}
    for chunk in chunked(sorted(person_ids)):
        query = sa.select(people.c.id, people.c.revision).where(people.c.id.in_(chunk))
        found |= {int(row.id): int(row.revision) for row in transaction.connection.execute(query)}
    return found


def add(
    transaction: Transaction,
    *,
    name: str | None = None,
    master_face_id: int | None = None,
    app_person_id: int | None = None,
) -> int:
    """A new person without a face; returns its id."""
    values = {
        "name": name,
        "name_key": None if name is None else key_of(name),
        "master_face_id": master_face_id,
        "app_person_id": app_person_id,
        "created_at": transaction.now,
    }
    result: sa.CursorResult[Any] = transaction.connection.execute(
        sa.insert(tables_of(transaction).people).values(**values)
    )
    return int(result.lastrowid)


def drop(transaction: Transaction, person_id: int) -> None:
    """Remove a person that this transaction has added, and whom nothing refers to."""
    people = tables_of(transaction).people
    transaction.connection.execute(sa.delete(people).where(people.c.id == person_id))


def rename(transaction: Transaction, person_id: int, name: str | None) -> None:
    """Give a person another name."""
    _update(transaction, person_id, {"name": name, "name_key": None if name is None else key_of(name)})


def set_master(transaction: Transaction, person_id: int, face_id: int | None) -> None:
    """Say which face linked faces have as their parent."""
    _update(transaction, person_id, {"master_face_id": face_id})


def is_master(transaction: Transaction, person_id: int, face_id: int) -> bool:
    """Whether a face is confirmed as this person, has an encoding and no parent: others can be linked to it."""
    query = _masters(transaction, person_id).where(faces.c.id == face_id)
    return transaction.connection.execute(query.limit(1)).first() is not None


def best_master(transaction: Transaction, person_id: int, besides: Collection[int] = ()) -> int | None:
    """Of the faces that can be a person's master, without these, the best, of equals the smallest id."""
    if "parent_id" not in transaction.schema.face_columns:
        return None
    index = tables_of(transaction).face_index
    query = _masters(transaction, person_id).order_by(sa.func.coalesce(index.c.quality, -1).desc(), faces.c.id)
    # As many as are left out, and one more, are read: never more than what a statement takes as parameters.
    for face in transaction.connection.execute(query.limit(len(besides) + 1)).scalars():
        if face not in besides:
            return int(face)
    return None


def lock(transaction: Transaction, ids: Collection[int]) -> None:
    """Lock people by id, in the one order."""
    people = tables_of(transaction).people
    for chunk in chunked(sorted(ids)):
        query = sa.select(people.c.id).where(people.c.id.in_(chunk)).order_by(people.c.id).with_for_update()
        transaction.connection.execute(query).all()


def apply(
    transaction: Transaction,
    changes: Mapping[int, PersonChange],
    around: Callable[[EncodingSum], Around],
    made_anew: Mapping[int, EncodingSum] = MappingProxyType({}),
) -> None:
    """Add what has changed to locked people, after the index of faces was written: `last_taken` is made anew of it.

    Args:
        transaction: in which they are locked.
        changes: by person.
        around: measures how crowded it is around the middle of a sum.
        made_anew: sums that are written as they are, by person; the others are added to.
    """
    sums = read(transaction, [person for person, change in changes.items() if change.total.steps.any()])
    totals = {person: row.total + changes[person].total for person, row in sums.items()} | dict(made_anew)
    people = tables_of(transaction).people
    for person_id, change in sorted(changes.items()):
        values: dict[str, Any] = {
            "confirmed": people.c.confirmed + change.confirmed,
            "linked": people.c.linked + change.linked,
            "suggested": people.c.suggested + change.suggested,
            "last_taken": _last_taken(transaction),
            "revision": people.c.revision + 1,
        }
        if person_id in totals:
            total = totals[person_id]
            values |= total_columns(total, around(total) if total.count else None)
            values["unsettled"] = people.c.unsettled + 1
        _update(transaction, person_id, values)


def write(transaction: Transaction, person_id: int, values: Mapping[str, Any]) -> None:
    """Write a locked person's sum and what goes with it, and count its revision."""
    people = tables_of(transaction).people
    counted = {"revision": people.c.revision + 1, "unsettled": people.c.unsettled + 1}
    _update(transaction, person_id, {**values, **counted})


def total_columns(total: EncodingSum, around: Around | None) -> dict[str, Any]:
    """The columns of a person that hold a sum, and how crowded it is around its middle; None where it is empty."""
    measured = {"around": around.value if around else None, "cohort_number": around.number if around else 0}
    return {"k": total.count, "sum": total.to_bytes(), **measured}


def stamp(transaction: Transaction, ids: Collection[int], change: int) -> None:
    """Tell the processes that follow by this change number that these people are others now."""
    people = tables_of(transaction).people
    for chunk in chunked(ids):
        transaction.connection.execute(sa.update(people).where(people.c.id.in_(chunk)).values(change=change))


def key_of(name: str) -> str:
    """What `name_key` holds."""
    return names.key(name)[:_KEY_LETTERS]


def _masters(transaction: Transaction, person_id: int) -> sa.Select[Any]:
    index = tables_of(transaction).face_index
    joined = index.join(faces, faces.c.id == index.c.face_id)
    return (
        sa.select(faces.c.id)
        .select_from(joined)
        .where(index.c.person_id == person_id, index.c.state == FaceState.CONFIRMED)
        .where(faces.c.parent_id.is_(None), faces.c.status == "ok")
        .where(faces.c.encoding.is_not(None), faces.c.deleted_at.is_(None))
    )


def _last_taken(transaction: Transaction) -> sa.ScalarSelect[Any]:
    """When the newest photo was taken that a person is in, of a row that is updated."""
    tables = tables_of(transaction)
    index = tables.face_index
    is_in_it = index.c.state.in_((FaceState.LINKED, FaceState.CONFIRMED))
    newest = sa.select(sa.func.max(index.c.taken_at)).where(index.c.person_id == tables.people.c.id, is_in_it)
    return newest.scalar_subquery()


def _select(transaction: Transaction) -> sa.Select[Any]:
    people = tables_of(transaction).people
    columns = ("id", "name", "master_face_id", "app_person_id", "k", "sum")
    return sa.select(*(people.c[name] for name in columns))


def _person(row: Any) -> PersonRow:
    total = NOTHING if row.sum is None else EncodingSum.from_bytes(row.k, row.sum)
    return PersonRow(
        int(row.id),
        row.name,
        None if row.master_face_id is None else int(row.master_face_id),
        None if row.app_person_id is None else int(row.app_person_id),
        total,
    )


def _first(transaction: Transaction, *conditions: sa.ColumnElement[bool]) -> int | None:
    people = tables_of(transaction).people
    query = sa.select(people.c.id).where(*conditions).order_by(people.c.id).limit(1)
    found = transaction.connection.execute(query).scalar()
    return None if found is None else int(found)


def _update(transaction: Transaction, person_id: int, values: dict[str, Any]) -> None:
    people = tables_of(transaction).people
    transaction.connection.execute(sa.update(people).where(people.c.id == person_id).values(**values))
