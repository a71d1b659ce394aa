"""What faces are called: the name that a face has of several rows, its spellings, and which faces may have it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from faces.people import names
from faces.store.database import Transaction
from faces.store.schema import faces, persons
from faces.store.who import identities_of

#: The rows of faces that others are linked to.
parents = faces.alias("parents")


def spellings_of(transaction: Transaction, name: str) -> list[str]:
    """How a name is written in the database: composed or not, in capitals or not. Empty where nobody has it."""
    wanted = names.key(name)
    return sorted({found for found in _all_names(transaction) if names.key(found) == wanted})


def with_names(transaction: Transaction, source: sa.FromClause) -> tuple[sa.FromClause, sa.ColumnElement[Any]]:
    """Join what faces have their names from; and the expression for the name, NULL for a face without one.

    The person's comes first. Else a person's own word, and for other faces the master's name, because one beside
    `process` may be an old copy of it.
    """
    has = transaction.schema.face_columns
    known: list[sa.ColumnElement[Any]] = []
    own: sa.ColumnElement[Any] = sa.func.nullif(faces.c.name, "") if "name" in has else sa.null()
    if "parent_id" in has:
        source = source.outerjoin(parents, parents.c.id == faces.c.parent_id)
        master = sa.func.nullif(parents.c.name, "") if "name" in has else sa.null()
        own = sa.case((faces.c.status == "ok", sa.func.coalesce(own, master)), else_=sa.func.coalesce(master, own))
    if "person_id" in has and "persons" in transaction.schema.tables:
        source = source.outerjoin(persons, persons.c.id == identities_of(transaction.schema).person_of(parents))
        known.append(sa.func.nullif(persons.c.name, ""))
    return source, sa.func.coalesce(*known, own, sa.null())


def is_one_of(
    transaction: Transaction, name: sa.ColumnElement[Any], spellings: Collection[str]
) -> sa.ColumnElement[bool]:
    """Exactly one of them: to a collation of MySQL's, Zoe and Zoë may be the same."""
    if transaction.connection.dialect.name == "mysql":
        name = sa.cast(name, mysql.CHAR(charset="utf8mb4")).collate("utf8mb4_bin")
    return name.in_(spellings)


def _all_names(transaction: Transaction) -> Iterable[str]:
    columns = [faces.c.name] if "name" in transaction.schema.face_columns else []
    columns += [persons.c.name] if "persons" in transaction.schema.tables else []
    for column in columns:
        query = sa.select(column).where(column.is_not(None)).distinct()
        if transaction.connection.dialect.name == "mysql":
            # Else a collation leaves one of the names that are the same to it.
            query = query.add_columns(sa.cast(column, sa.BINARY))
        yield from transaction.connection.execute(query).scalars()


def may_be_named(transaction: Transaction, spellings: Collection[str]) -> list[sa.Select[int]] | None:
    """Queries for the ids of all faces that may have such a name, some twice; None where no index answers them.

    Whatever row a name comes from has it itself, by a person or by the face that it is linked to.
    """
    named = _named(transaction, spellings)
    linked = "parent_id" in transaction.schema.face_columns
    needed = {column.name for column, _ in named} | ({"parent_id"} if linked else set())
    if not needed <= transaction.schema.indexed_face_columns:
        return None
    queries = [sa.select(faces.c.id).where(condition) for _, condition in named]
    if linked and queries:
        roots = sa.union(*queries).subquery("roots")
        queries.append(sa.select(faces.c.id).join_from(roots, faces, faces.c.parent_id == roots.c.id))
    return queries


def _named(transaction: Transaction, spellings: Collection[str]) -> list[tuple[sa.Column[Any], sa.ColumnElement[bool]]]:
    """The columns of faces that say a name, each with the condition for one of these: to a collation, or a like one."""
    has = transaction.schema.face_columns
    found: list[tuple[sa.Column[Any], sa.ColumnElement[bool]]] = []
    if "name" in has:
        found.append((faces.c.name, faces.c.name.in_(spellings)))
    if "person_id" in has and "persons" in transaction.schema.tables:
        ids = sa.select(persons.c.id).where(persons.c.name.in_(spellings))
        found.append((faces.c.person_id, faces.c.person_id.in_(ids)))
    return found
