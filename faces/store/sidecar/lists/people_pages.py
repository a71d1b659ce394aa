"""The list of people, those with most confirmed faces first, and the faces of each. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from faces.errors import RequestError
from faces.people import names
from faces.people.kept_face import FaceState
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.keyset import behind, in_pages, same
from faces.store.sidecar.lists.face_order import both, face_ids
from faces.store.sidecar.people_rows import key_of


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A person; the counts are of faces. `name` is written as `names.canonical` writes it.

    `last_taken` is when the newest photo was taken, by the camera's clock.
    """

    id: int
    name: str | None
    confirmed: int
    linked: int
    suggested: int
    last_taken: datetime | None
    hidden: bool
    favourite: bool

    @property
    def place(self) -> PersonPlace:
        """Where it stands in the list."""
        return self.confirmed, self.id


PersonPlace = tuple[int, int]
"""How many confirmed faces, and which id."""


@dataclass(frozen=True, slots=True)
class PeopleChoice:
    """Which people: those of this name (None: all), the hidden ones or the others.

    `limit` of them behind the person `after`, or behind a `place`, where whoever was there may be gone.
    """

    name: str | None = None
    hidden: bool = False
    after: int | None = None
    limit: int | None = None
    place: PersonPlace | None = None


def list_people(transaction: Transaction, choice: PeopleChoice) -> Iterator[ListedPerson]:
    """Those with most confirmed faces first, of equal ones the newest; none who was joined to another, or forgotten.

    Raises:
        SchemaError: the database has no such tables.
        RequestError: there is no person `after`.
    """
    people = transaction.schema.require_sidecar().people
    start = choice.place if choice.after is None else person_of(transaction, choice.after).place

    def read(last: ListedPerson | None, size: int) -> list[ListedPerson]:
        query = _query(transaction, people, choice, last.place if last else start).limit(size)
        return [_listed(row) for row in transaction.connection.execute(query).mappings()]

    return in_pages(read, choice.limit)


def person_of(transaction: Transaction, person_id: int) -> ListedPerson:
    """One person.

    Raises:
        SchemaError: the database has no such tables.
        RequestError: there is none of this id.
    """
    people = transaction.schema.require_sidecar().people
    query = sa.select(*_columns(people)).where(people.c.id == person_id)
    row = transaction.connection.execute(query).mappings().one_or_none()
    if row is None:
        raise RequestError(f"found no person {Ref('person', person_id)}, needed the id of one: `people` lists them")
    return _listed(row)


def current_person(transaction: Transaction, person_id: int) -> int:
    """The id of the person that has the faces of this one now: itself, unless it was joined to another.

    Raises:
        SchemaError: the database has no such tables.
    """
    people, at = transaction.schema.require_sidecar().people, person_id
    while found := transaction.connection.execute(sa.select(people.c.joined_to).where(people.c.id == at)).scalar():
        at = int(found)
    return at


def faces_of_person(
    transaction: Transaction, person_id: int, after: int | None = None, limit: int | None = None
) -> Sequence[int]:
    """The ids of a person's faces: confirmed, then linked ones, newest photos first; then offers, the likeliest first.

    Raises:
        SchemaError: the database has no such tables.
        RequestError: there is no such person, or the face `after` is not among the person's.
    """
    person_of(transaction, person_id)
    stretches = [
        *both({"person_id": person_id, "state": FaceState.CONFIRMED}, "taken_at"),
        *both({"person_id": person_id, "state": FaceState.LINKED}, "taken_at"),
        *both({"person_id": person_id, "state": FaceState.SUGGESTED}, "probability"),
    ]
    return face_ids(transaction, stretches, after, limit)


def _query(
    transaction: Transaction, people: sa.Table, choice: PeopleChoice, last: PersonPlace | None
) -> sa.Select[Any]:
    ordered = (people.c.hidden, people.c.confirmed, people.c.id)
    query = sa.select(*_columns(people)).order_by(*(column.desc() for column in ordered))
    # Who was joined to another, or forgotten, has neither a name nor a face.
    is_somebody = sa.or_(people.c.name.is_not(None), people.c.app_person_id.is_not(None), people.c.confirmed > 0)
    query = query.where(people.c.joined_to.is_(None), is_somebody)
    if last is not None:
        query = query.where(behind(transaction, *zip((people.c.confirmed, people.c.id), last, strict=True)))
    if choice.name is None:
        return query.where(same(transaction, people.c.hidden, int(choice.hidden)))
    # A sum has no index: the few of one name are to be found by it, and sorted.
    return query.where(people.c.name_key == key_of(choice.name), people.c.hidden + 0 == int(choice.hidden))


def _columns(people: sa.Table) -> list[sa.Column[Any]]:
    return [people.c[name] for name in ListedPerson.__dataclass_fields__]


def _listed(row: sa.RowMapping) -> ListedPerson:
    values = {**row, "name": names.canonical(row["name"] or "") or None}
    return ListedPerson(**{**values, "hidden": bool(row["hidden"]), "favourite": bool(row["favourite"])})
