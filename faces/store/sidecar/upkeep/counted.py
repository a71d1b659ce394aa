"""What can be counted again out of the index of faces and the groups' members, to be compared with what is kept."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from faces.people.kept_face import FaceState
from faces.store.database import Transaction, chunked
from faces.store.sidecar.library_row import tables_of

_STATES = {FaceState.CONFIRMED: "confirmed", FaceState.LINKED: "linked", FaceState.SUGGESTED: "suggested"}

#: What a person's row keeps of it, and what it was measured with.
_KEPT = ("k", "sum", "around", "cohort_number", "last_taken", "master_face_id", *_STATES.values())


def people_after(transaction: Transaction, person_id: int, most: int) -> list[int]:
    """So many people with higher ids, by id."""
    people = tables_of(transaction).people
    query = sa.select(people.c.id).where(people.c.id > person_id).order_by(people.c.id).limit(most)
    return [int(person) for person in transaction.connection.execute(query).scalars()]


def groups_after(transaction: Transaction, group_id: int, most: int) -> list[int]:
    """So many groups with higher ids that are in no other, by id."""
    groups = tables_of(transaction).groups
    query = sa.select(groups.c.id).where(groups.c.id > group_id, groups.c.joined_to.is_(None))
    return [int(group) for group in transaction.connection.execute(query.order_by(groups.c.id).limit(most)).scalars()]


def people(transaction: Transaction, ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Counters of people's faces, and when the newest photo was taken that each is in; columns by person."""
    index = tables_of(transaction).face_index
    found: dict[int, dict[str, Any]] = {one: {**dict.fromkeys(_STATES.values(), 0), "last_taken": None} for one in ids}
    for chunk in chunked(ids):
        query = (
            sa.select(index.c.person_id, index.c.state, sa.func.count().label("n"), sa.func.max(index.c.taken_at))
            .where(index.c.person_id.in_(chunk), index.c.state.in_(sorted(_STATES)))
            .group_by(index.c.person_id, index.c.state)
        )
        for person, state, count, newest in transaction.connection.execute(query):
            columns = found[int(person)]
            columns[_STATES[FaceState(state)]] = int(count)
            if state != FaceState.SUGGESTED and newest is not None:
                columns["last_taken"] = max(columns["last_taken"] or newest, newest)
    return found


def kept(transaction: Transaction, ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """The same columns as the people's rows have them, and what goes with them."""
    table = tables_of(transaction).people
    found: dict[int, dict[str, Any]] = {}
    for chunk in chunked(ids):
        query = sa.select(table.c.id, *(table.c[name] for name in _KEPT)).where(table.c.id.in_(chunk))
        for row in transaction.connection.execute(query).mappings():
            found[int(row["id"])] = {name: row[name] for name in _KEPT}
    return found


def members(transaction: Transaction) -> list[tuple[int, int]]:
    """All faces in groups that have an encoding kept, each with the CRC-32 of its text."""
    tables = tables_of(transaction)
    query = sa.select(tables.vectors.c.face_id, tables.vectors.c.encoding_crc).join(
        tables.group_members, tables.group_members.c.face_id == tables.vectors.c.face_id
    )
    return [(int(row[0]), int(row[1])) for row in transaction.connection.execute(query)]
