"""The people whose confirmed faces have changed since all that has no name was compared with them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from faces.store.database import Transaction, chunked
from faces.store.sidecar.library_row import tables_of


def read_unsettled(transaction: Transaction, ids: Collection[int] | None = None) -> set[int]:
    """All of them, by id, or those of these."""
    people = tables_of(transaction).people
    query = sa.select(people.c.id).where(people.c.unsettled == 1)
    queries = [query] if ids is None else [query.where(people.c.id.in_(chunk)) for chunk in chunked(sorted(ids))]
    return {int(person) for query in queries for person in transaction.connection.execute(query).scalars()}


def settle(transaction: Transaction, ids: Collection[int], change: int) -> None:
    """Note that what has no name was compared with people as they were at a change; who changed later stays."""
    people = tables_of(transaction).people
    for chunk in chunked(sorted(ids)):
        query = sa.update(people).where(people.c.id.in_(chunk), people.c.change <= change)
        transaction.connection.execute(query.values(unsettled=0))
