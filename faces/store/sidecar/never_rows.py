"""The table `never`: pairs of faces, groups and people that a person has refused; kept for ever."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from faces.people.groups.refusals import Refusals
from faces.people.refs import Ref
from faces.store.database import Transaction, chunked
from faces.store.sidecar.library_row import tables_of


def read_all(transaction: Transaction) -> Refusals:
    """All of them."""
    never = tables_of(transaction).never
    refusals = Refusals()
    for row in transaction.connection.execute(sa.select(never.c.a, never.c.b)):
        refusals.add(Ref.parse(row.a), Ref.parse(row.b))
    return refusals


def read_of(transaction: Transaction, refs: Collection[Ref]) -> Refusals:
    """Those that name one of these."""
    never = tables_of(transaction).never
    refusals = Refusals()
    for chunk in chunked(sorted(str(ref) for ref in refs)):
        query = sa.select(never.c.a, never.c.b).where(sa.or_(never.c.a.in_(chunk), never.c.b.in_(chunk)))
        for row in transaction.connection.execute(query):
            refusals.add(Ref.parse(row.a), Ref.parse(row.b))
    return refusals


def add(transaction: Transaction, one: Ref, other: Ref) -> None:
    """Keep a refusal; one that is kept already stays."""
    never = tables_of(transaction).never
    a, b = sorted((str(one), str(other)))
    if transaction.connection.execute(sa.select(never.c.a).where(never.c.a == a, never.c.b == b)).first() is None:
        transaction.connection.execute(sa.insert(never).values(a=a, b=b))


def has(transaction: Transaction, one: Ref, other: Ref) -> bool:
    """Whether a refusal is kept."""
    never = tables_of(transaction).never
    a, b = sorted((str(one), str(other)))
    return (
        transaction.connection.execute(sa.select(never.c.a).where(never.c.a == a, never.c.b == b)).first() is not None
    )


def drop(transaction: Transaction, one: Ref, other: Ref) -> None:
    """A refusal is taken away."""
    never = tables_of(transaction).never
    a, b = sorted((str(one), str(other)))
    transaction.connection.execute(sa.delete(never).where(never.c.a == a, never.c.b == b))


def inherit(transaction: Transaction, kept: int, gone: int) -> bool:
    """A group was absorbed: what was refused for it holds for the one that has its faces; whether anything was."""
    others = read_of(transaction, [Ref("group", gone)]).of(Ref("group", gone))
    for other in sorted(others):
        add(transaction, Ref("group", kept), other)
    return bool(others)
