"""People whom the app keeps itself, in its table `persons`: their names and, until faces are confirmed, their middles.

`persons` is only read. Up to v3 it has names alone: there the job links faces to faces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.people import names
from faces.people.encoding_sum import EncodingSum
from faces.people.kept_face import FaceState
from faces.people.products import LONGEST_ENCODING
from faces.store.database import Transaction, chunked
from faces.store.persons import read_centroid
from faces.store.schema import persons
from faces.store.sidecar import known_encodings, people_rows
from faces.store.sidecar.library_row import tables_of
from faces.store.sidecar.people_rows import NOTHING

#: An app's count of encodings is believed up to here: sums have room for a million.
_MOST = 1_000_000

_COLUMNS = (persons.c.id, persons.c.name, persons.c.centroid_embedding, persons.c.embeddings_count)


@dataclass(frozen=True, slots=True, eq=False)
class AppPerson:
    """A row of `persons`."""

    id: int
    name: str | None
    """Canonical; None where it is empty."""
    middle: EncodingSum
    """The app's centroid as often as it says that encodings are in it; nothing where there is none."""


def has_any(transaction: Transaction) -> bool:
    """Whether the app has such a table."""
    return "persons" in transaction.schema.tables


def read(transaction: Transaction, ids: Collection[int]) -> dict[int, AppPerson]:
    """These persons, by id; those that are there."""
    found: dict[int, AppPerson] = {}
    for chunk in chunked(ids if has_any(transaction) else ()):
        query = sa.select(*_columns(transaction)).where(persons.c.id.in_(chunk))
        found |= {int(row.id): _app_person(transaction, row) for row in transaction.connection.execute(query)}
    return found


def in_order(transaction: Transaction, after: int, most: int) -> list[AppPerson]:
    """So many persons with higher ids than `after`, by id."""
    query = sa.select(*_columns(transaction)).where(persons.c.id > after).order_by(persons.c.id).limit(most)
    return [_app_person(transaction, row) for row in transaction.connection.execute(query)]


def add(transaction: Transaction, app_person_id: int) -> int:
    """A new person of ours for one of the app's, with its name; returns the id."""
    known = read(transaction, [app_person_id]).get(app_person_id)
    return people_rows.add(transaction, name=known.name if known else None, app_person_id=app_person_id)


def people_of(transaction: Transaction, app_person_ids: Collection[int]) -> dict[int, int]:
    """The people of ours that stand for these persons, by the app's id; of several the first."""
    people = tables_of(transaction).people
    found: dict[int, int] = {}
    for chunk in chunked(app_person_ids):
        query = sa.select(people.c.app_person_id, sa.func.min(people.c.id))
        query = query.where(people.c.app_person_id.in_(chunk)).group_by(people.c.app_person_id)
        found |= {int(row[0]): int(row[1]) for row in transaction.connection.execute(query)}
    return found


def gone(transaction: Transaction) -> list[int]:
    """People of ours, by id, with a middle of a person that the app has not got any more."""
    people = tables_of(transaction).people
    query = sa.select(people.c.id).join(persons, persons.c.id == people.c.app_person_id, isouter=True)
    query = query.where(people.c.app_person_id.is_not(None), persons.c.id.is_(None), people.c.k > 0)
    return [int(person) for person in transaction.connection.execute(query.order_by(people.c.id)).scalars()]


def summary(transaction: Transaction) -> tuple[Any, ...] | None:
    """What changes with any name or middle; None where the database has no such sum."""
    if transaction.connection.dialect.name == "sqlite":
        return None
    text = sa.func.concat_ws(":", *_columns(transaction))
    query = sa.select(sa.func.count(), sa.func.sum(persons.c.id), sa.func.sum(sa.func.crc32(text)))
    return tuple(transaction.connection.execute(query).one())


def keeps_middles(transaction: Transaction) -> bool:
    """Whether the app keeps middles of its persons, and links faces to them: from v4 on."""
    return transaction.schema.has_persons


def made_anew(transaction: Transaction, person_ids: Collection[int]) -> dict[int, EncodingSum]:
    """Each one's sum: of the confirmed faces; where there is none and the app links to persons, its own middle."""
    found = _confirmed(transaction, person_ids)
    if not keeps_middles(transaction):
        return found
    without = [person for person, total in found.items() if not total.count]
    apps = {
        one.id: one.app_person_id
        for one in people_rows.read(transaction, without).values()
        if one.app_person_id is not None
    }
    persons = read(transaction, apps.values())
    return found | {one: persons[app].middle for one, app in apps.items() if app in persons}


def _confirmed(transaction: Transaction, person_ids: Collection[int]) -> dict[int, EncodingSum]:
    tables = tables_of(transaction)
    index, vectors = tables.face_index, tables.vectors
    found = dict.fromkeys(person_ids, NOTHING)
    for chunk in chunked(person_ids):
        query = (
            sa.select(index.c.person_id, vectors.c.encoding)
            .join(vectors, vectors.c.face_id == index.c.face_id)
            .where(index.c.person_id.in_(chunk), index.c.state == FaceState.CONFIRMED)
        )
        encodings: defaultdict[int, list[bytes]] = defaultdict(list)
        for row in transaction.connection.execute(query):
            encodings[int(row.person_id)].append(row.encoding)
        found |= {person: known_encodings.sum_of(rows) for person, rows in encodings.items()}
    return found


def _columns(transaction: Transaction) -> tuple[sa.ColumnElement[Any], ...]:
    return _COLUMNS if keeps_middles(transaction) else _COLUMNS[:2]


def _app_person(transaction: Transaction, row: Any) -> AppPerson:
    name = names.canonical(row.name or "") or None
    middle = _middle(row.centroid_embedding, row.embeddings_count) if keeps_middles(transaction) else NOTHING
    return AppPerson(int(row.id), name, middle)


def _middle(text: str | bytes | None, count: int | None) -> EncodingSum:
    centroid = read_centroid(text) if text is not None and count else None
    if centroid is None or np.square(centroid).sum() > LONGEST_ENCODING**2:
        return NOTHING
    times = min(int(count or 0), _MOST)
    return EncodingSum(times, EncodingSum.of(centroid[None]).steps * times)
