"""Which columns some tables have, and what became of them since: how a migration under a running program is noticed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from faces.store.database import Transaction

#: Of tables by name: the columns by name, each with its definition as the database tells it.
Columns = Mapping[str, Mapping[str, str]]

_information = sa.table(
    "columns",
    *(sa.column(name) for name in ("table_schema", "table_name", "column_name")),
    *(sa.column(name) for name in ("column_type", "is_nullable", "column_default")),
    schema="information_schema",
)


def of(transaction: Transaction, tables: Collection[str]) -> Columns:
    """The columns of those of the tables that exist."""
    names = sorted(tables)
    read = _on_sqlite if transaction.connection.dialect.name == "sqlite" else _on_mysql
    found: dict[str, dict[str, str]] = {}
    for table, column, definition in read(transaction.connection, names):
        found.setdefault(table, {})[column] = definition
    return found


def differences(before: Columns, now: Columns) -> list[str]:
    """What is gone, new or another, in words: tables first, then the columns of those that stayed."""
    tables = [f"table {name} is gone" for name in sorted(before.keys() - now.keys())]
    tables += [f"table {name} is new" for name in sorted(now.keys() - before.keys())]
    return tables + [
        f"column {table}.{column} is {word}"
        for table in sorted(before.keys() & now.keys())
        for column, word in _of_table(before[table], now[table])
    ]


def _of_table(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str]]:
    words = [(name, "gone") for name in sorted(before.keys() - now.keys())]
    words += [(name, "new") for name in sorted(now.keys() - before.keys())]
    return words + [(name, "another") for name in sorted(before.keys() & now.keys()) if before[name] != now[name]]


def _on_mysql(connection: sa.Connection, tables: list[str]) -> list[tuple[str, str, str]]:
    known = _information.c
    query = sa.select(
        *(known.table_name, known.column_name, known.column_type, known.is_nullable, known.column_default)
    ).where(known.table_schema == sa.func.database(), known.table_name.in_(tables))
    return [(row[0], row[1], f"{row[2]} {row[3]} {row[4]}") for row in connection.execute(query)]


def _on_sqlite(connection: sa.Connection, tables: list[str]) -> list[tuple[str, str, str]]:
    query = sa.text('SELECT name, type, "notnull", dflt_value FROM pragma_table_info(:name)')
    return [
        (table, row[0], f"{row[1]} {row[2]} {row[3]}")
        for table in tables
        for row in connection.execute(query, {"name": table})
    ]
