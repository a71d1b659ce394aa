"""Groups that wait: to be joined to others, and to be asked about; and those that there is anything to ask about."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from faces.store.database import Transaction, chunked
from faces.store.sidecar.group_rows import SETTLED, TO_ASK, TO_JOIN
from faces.store.sidecar.library_row import tables_of


def all_unsettled(transaction: Transaction) -> list[int]:
    """Groups that have changed since they were asked about last, by id."""
    groups = tables_of(transaction).groups
    query = sa.select(groups.c.id).where(groups.c.unsettled.in_((TO_JOIN, TO_ASK))).order_by(groups.c.id)
    return [int(group) for group in transaction.connection.execute(query).scalars()]


def not_silent(transaction: Transaction, group_ids: Collection[int]) -> set[int]:
    """Of these groups those with a name or an offer, and those that have changed since they were asked about last."""
    groups = tables_of(transaction).groups
    found: set[int] = set()
    has_somebody = sa.or_(groups.c.person_id.is_not(None), groups.c.offered_person_id.is_not(None))
    for chunk in chunked(group_ids):
        query = sa.select(groups.c.id).where(groups.c.id.in_(chunk))
        query = query.where(sa.or_(has_somebody, groups.c.unsettled != SETTLED))
        found |= {int(group) for group in transaction.connection.execute(query).scalars()}
    return found


def not_joined(transaction: Transaction) -> list[int]:
    """Groups that have changed since groups were joined last, by id."""
    groups = tables_of(transaction).groups
    query = sa.select(groups.c.id).where(groups.c.unsettled == TO_JOIN).order_by(groups.c.id)
    return [int(group) for group in transaction.connection.execute(query).scalars()]


def note_joined(transaction: Transaction, group_ids: Collection[int], change: int) -> None:
    """Note that groups were joined as they were at a change: those that have changed since are to be joined still."""
    groups = tables_of(transaction).groups
    for chunk in chunked(sorted(group_ids)):
        query = sa.update(groups).where(groups.c.id.in_(chunk), groups.c.unsettled == TO_JOIN)
        transaction.connection.execute(query.where(groups.c.change <= change).values(unsettled=TO_ASK))


def unsettled_of(transaction: Transaction, group_ids: Collection[int]) -> set[int]:
    """Which of these groups have changed since they were joined and asked about last."""
    groups = tables_of(transaction).groups
    found: set[int] = set()
    for chunk in chunked(group_ids):
        query = sa.select(groups.c.id).where(groups.c.id.in_(chunk), groups.c.unsettled.in_((TO_JOIN, TO_ASK)))
        found |= {int(group) for group in transaction.connection.execute(query).scalars()}
    return found


def settle(transaction: Transaction, group_ids: Collection[int]) -> None:
    """Note that groups were asked about; for locked ones. Those that are to be joined first will be asked again."""
    groups = tables_of(transaction).groups
    for chunk in chunked(group_ids):
        query = sa.update(groups).where(groups.c.id.in_(chunk), groups.c.unsettled == TO_ASK)
        transaction.connection.execute(query.values(unsettled=SETTLED))
