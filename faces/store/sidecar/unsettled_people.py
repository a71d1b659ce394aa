"""The people whose confirmed faces have changed since all that has no name was compared with them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from faces.store.database import Transaction
from faces.store.sidecar.library_row import tables_of


def read_unsettled(transaction: Transaction) -> dict[int, int]:
    """How often each of them has changed, by person."""
    people = tables_of(transaction).people
    query = sa.select(people.c.id, people.c.unsettled).where(people.c.unsettled > 0)
    return {int(row.id): int(row.unsettled) for row in transaction.connection.execute(query)}


def settle(transaction: Transaction, changes: Mapping[int, int]) -> None:
    """Note that people were compared with as they were when they had changed so often; who has since, stays."""
    people = tables_of(transaction).people
    for person, times in sorted(changes.items()):
        query = sa.update(people).where(people.c.id == person, people.c.unsettled == times)
        transaction.connection.execute(query.values(unsettled=0))
