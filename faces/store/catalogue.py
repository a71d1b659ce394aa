"""What a database says of its own tables: columns, values that a column lists, indexes; and what a migration changed.

Needs no right to the rows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

_COLUMNS = sa.text(
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name IN :tables"
).bindparams(sa.bindparam("tables", expanding=True))

_DEFINITIONS = sa.text(
    "SELECT table_name, column_name, column_type, is_nullable, column_default FROM information_schema.columns"
    " WHERE table_schema = IFNULL(:database, DATABASE()) AND table_name IN :tables"
).bindparams(sa.bindparam("tables", expanding=True))

_SQLITE_DEFINITIONS = sa.text('SELECT name, type, "notnull", dflt_value FROM pragma_table_info(:table)')

_TYPE = sa.text(
    "SELECT column_type FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name = :table AND column_name = :column"
)

_INDEXES = sa.text(
    "SELECT index_name, column_name, non_unique = 0 FROM information_schema.statistics"
    " WHERE table_schema = DATABASE() AND table_name = :table ORDER BY index_name, seq_in_index"
)

_SQLITE_INDEXES = sa.text(
    'SELECT i.name, c.name, i."unique" FROM pragma_index_list(:table) AS i, pragma_index_info(i.name) AS c'
    " ORDER BY i.name, c.seqno"
)

#: A value between quotes, as both databases write it in a list.
_QUOTED = re.compile(r"'((?:[^']|'')*)'")


#: Of tables by name: the columns by name, each with its definition as the database tells it.
Definitions = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a table, with its columns in order."""

    name: str
    columns: tuple[str, ...]
    is_unique: bool


def columns(connection: sa.Connection, tables: Iterable[str]) -> dict[str, frozenset[str]]:
    """The names of the columns of these tables, which all exist.

    Read from the server's own lists: `SELECT *` asks for the right to read each column, which the user may lack.
    """
    names = sorted(tables)
    if connection.dialect.name == "sqlite":
        return {table: _sqlite_columns(connection, table) for table in names}
    found: dict[str, set[str]] = {table: set() for table in names}
    if names:
        for table, column in connection.execute(_COLUMNS, {"tables": names}):
            found[table].add(column)
    return {table: frozenset(columns) for table, columns in found.items()}


def listed_values(connection: sa.Connection, table: str, column: str) -> frozenset[str] | None:
    """The values that a column may have, as its type (MySQL) or its check (SQLite, as Laravel writes it) lists them.

    None where nothing is listed: a column of plain text.
    """
    if connection.dialect.name == "sqlite":
        query = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table")
        made = connection.execute(query, {"table": table}).scalar() or ""
        match = re.search(rf"""check\s*\(\s*["`\[]?{column}["`\]]?\s+in\s*\(([^)]*)\)""", made, re.IGNORECASE)
        listed = match[1] if match else None
    else:
        kind = str(connection.execute(_TYPE, {"table": table, "column": column}).scalar() or "")
        listed = kind if kind.lower().startswith("enum") else None
    return None if listed is None else frozenset(_QUOTED.findall(listed))


def indexes(connection: sa.Connection, table: str) -> list[Index]:
    """The indexes of a table that exists; on SQLite also those of its UNIQUE clauses."""
    query = _SQLITE_INDEXES if connection.dialect.name == "sqlite" else _INDEXES
    found: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for name, column, is_unique in connection.execute(query, {"table": table}):
        found[(name, bool(is_unique))].append(column)
    return [Index(name, tuple(columns), is_unique) for (name, is_unique), columns in found.items()]


def _sqlite_columns(connection: sa.Connection, table: str) -> frozenset[str]:
    query = sa.text("SELECT name FROM pragma_table_info(:table)")
    return frozenset(connection.execute(query, {"table": table}).scalars())


def definitions(connection: sa.Connection, tables: Collection[str], database: str | None = None) -> Definitions:
    """The columns of those of the tables that exist, to be compared with what they are later.

    `database` is another one of the same server.
    """
    if connection.dialect.name == "sqlite":
        rows = [
            (table, *row)
            for table in sorted(tables)
            for row in connection.execute(_SQLITE_DEFINITIONS, {"table": table})
        ]
    else:
        named = {"tables": sorted(tables), "database": database}
        rows = [tuple(row) for row in connection.execute(_DEFINITIONS, named)]
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for table, column, *definition in rows:
        found[table][column] = " ".join(map(str, definition))
    return dict(found)


def differences(before: Definitions, now: Definitions) -> list[str]:
    """What is gone, new or another, in words: tables first, then the columns of those that stayed."""
    tables = [f"table {name} is gone" for name in sorted(before.keys() - now.keys())]
    tables += [f"table {name} is new" for name in sorted(now.keys() - before.keys())]
    return tables + [
        f"column {table}.{column} is {word}"
        for table in sorted(before.keys() & now.keys())
        for column, word in _changed_columns(before[table], now[table])
    ]


def _changed_columns(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str]]:
    words = [(name, "gone") for name in sorted(before.keys() - now.keys())]
    words += [(name, "new") for name in sorted(now.keys() - before.keys())]
    return words + [(name, "another") for name in sorted(before.keys() & now.keys()) if before[name] != now[name]]
