"""Our tables beside an app's: the SQL that makes them, brings them forward and removes them, and its running.

On MySQL and MariaDB such a statement commits itself and cannot be rolled back. So each may be met a second time, the
library's row is written last and its table is dropped first: a set that is not whole is never used, and what was
stopped or killed is finished by the same verb.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.mysql.base import MySQLDDLCompiler

from faces.errors import RequestError, SchemaError
from faces.store import catalogue, driver_errors
from faces.store.database import Store, Transaction
from faces.store.mysql import MySQLConnection
from faces.store.sidecar import beside, upgrades
from faces.store.sidecar.beside import Beside
from faces.store.sidecar.tables import PREFIX

#: The index of the app's table that is ours, and goes with our tables.
UPDATED_AT_INDEX = f"{PREFIX}faces_updated_at"

#: Rights to what this module does, and to work with the tables afterwards.
_RIGHTS = f"CREATE, ALTER, DROP, INDEX, {beside.RIGHTS}"

#: Seconds that a statement waits for transactions which use its table; all other statements on it wait behind it.
_LOCK_SECONDS = 5

#: Seconds for an index over many rows.
_ANSWER_SECONDS = 6 * 3600.0

#: A statement that was run before it was stopped: its table, column or index is there, or gone.
_DONE_BEFORE = frozenset({1050, 1060, 1061, 1091})

_SCHEMATA = sa.text("SELECT 1 FROM information_schema.schemata WHERE schema_name = :name")


@dataclass(frozen=True, slots=True)
class Layout:
    """What there is, as `look` found it, and the statements that would change it."""

    beside: Beside
    database: str
    """The one that has the tables, or is to have them."""
    creating: tuple[str, ...]
    """What makes all that is missing; nothing where the tables are whole."""
    upgrading: tuple[str, ...]
    """What brings them to the newest version."""
    dropping: tuple[str, ...]
    """What removes them and the index that is ours; nothing where there is neither."""
    indexing: tuple[str, ...]
    """What makes the index over `faces.updated_at`; nothing where one begins with it."""
    index: str | None
    """The name of that one."""
    counts: Mapping[str, int]
    """Rows of the tables that cannot be made anew of others: `people`, `groups`, `ledger`, `never`."""
    rows_left: tuple[str, ...]
    """Tables with rows though the library's row is not there, as a stopped drop leaves them."""


def look(store: Store, steps: Mapping[int, tuple[str, ...]] = upgrades.STEPS) -> Layout:
    """See what there is; `steps` are those of an upgrade.

    Raises:
        RequestError: it is no database of an app's on MySQL or MariaDB.
        SchemaError: this user may not read our tables, or a newer version made them.
    """
    if store.is_file:
        raise RequestError(f"{store.name} is a file; tables beside an app's need its database on MySQL or MariaDB")
    with store.reading() as transaction:
        # As they are now: the store's own look was at its opening.
        apps_tables = sa.inspect(transaction.connection).get_table_names()
        found = beside.look(transaction.connection, apps_tables, store.tables_database)
        if (found.version or 0) > upgrades.NEWEST:
            beside.usable(transaction.connection, found)
        return _layout(transaction, found, steps)


def run(store: Store, statements: Sequence[str]) -> None:
    """Run statements of a layout; when they are stopped in the middle, the next layout has what is left.

    Raises:
        SchemaError: a right is missing; the sentence has the GRANT that is needed.
        StoreUnavailable: other transactions use a table for longer than a minute or two.
    """
    store.write_at_once(lambda transaction: _run(transaction, statements, store.tables_database))


def _layout(transaction: Transaction, found: Beside, steps: Mapping[int, tuple[str, ...]]) -> Layout:
    connection = transaction.connection
    database = found.tables.library.schema
    indexes = catalogue.indexes(connection, "faces")
    index = next((index.name for index in indexes if index.columns[:1] == ("updated_at",)), None)
    has_ours = any(index.name == UPDATED_AT_INDEX for index in indexes)
    counts = _counts(connection, found)
    return Layout(
        beside=found,
        database=database or str(connection.exec_driver_sql("SELECT DATABASE()").scalar_one()),
        creating=tuple(_creating(connection, found)),
        upgrading=tuple(_upgrading(connection, found, steps)),
        dropping=tuple(_dropping(connection, found, has_ours)),
        indexing=() if index else (f"CREATE INDEX {UPDATED_AT_INDEX} ON faces (updated_at)",),
        index=index,
        counts=counts,
        rows_left=() if found.version is not None else tuple(_with_rows(connection, found)),
    )


def _creating(connection: sa.Connection, found: Beside) -> Iterator[str]:
    if found.version is not None and found.version < upgrades.NEWEST:
        # What they lack by now an upgrade makes; what is lost beside that is made after it.
        return
    library = found.tables.library
    if library.schema and not connection.execute(_SCHEMATA, {"name": library.schema}).first():
        yield f"CREATE DATABASE IF NOT EXISTS {_quoted(connection, library.schema)} CHARACTER SET utf8mb4"
    for table in _in_order(found):
        if table.name in found.missing:
            yield _create_table(connection, table)
    if found.version is None:
        row = sa.insert(library).prefix_with("IGNORE").values(id=1, version=upgrades.NEWEST, match_rule="nearest")
        yield _sql(connection, row)


def _upgrading(connection: sa.Connection, found: Beside, steps: Mapping[int, tuple[str, ...]]) -> Iterator[str]:
    if found.version is None:
        return
    library = found.tables.library
    names = {_plain(table): _name(connection, table) for table in _in_order(found)}
    for version in sorted(version for version in steps if version > found.version):
        for statement in steps[version]:
            yield statement.format_map(names)
        yield _sql(connection, sa.update(library).where(library.c.id == 1).values(version=version))


def _dropping(connection: sa.Connection, found: Beside, has_index: bool) -> Iterator[str]:
    """The index first: where the right to that is missing, nothing is lost yet."""
    if has_index:
        yield f"DROP INDEX {UPDATED_AT_INDEX} ON faces"
    for table in _in_order(found):
        if table.name in found.there:
            yield f"DROP TABLE IF EXISTS {_name(connection, table)}"


def _run(transaction: Transaction, statements: Sequence[str], database: str | None) -> None:
    connection = transaction.connection
    driver = cast(MySQLConnection, connection.connection.driver_connection)
    connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {_LOCK_SECONDS}")
    with driver.answers_within(_ANSWER_SECONDS):
        for statement in statements:
            _run_one(connection, statement, database)


def _run_one(connection: sa.Connection, statement: str, database: str | None) -> None:
    try:
        connection.exec_driver_sql(statement)
    except sa.exc.DBAPIError as error:
        code, text = driver_errors.told(error)
        if code in _DONE_BEFORE:
            return
        if code not in beside.REFUSED:
            raise
        if UPDATED_AT_INDEX in statement:
            grant = beside.grant(connection, "INDEX", beside.place_of(connection, None, "faces"))
        else:
            grant = beside.grant(connection, _RIGHTS, beside.place_of(connection, database))
        raise SchemaError(f"{text}: {grant}") from error


def _counts(connection: sa.Connection, found: Beside) -> dict[str, int]:
    ours = found.tables
    named = {"people": ours.people, "groups": ours.groups, "ledger": ours.ledger, "never": ours.never}
    return {
        word: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for word, table in named.items()
        if table.name in found.there
    }


def _with_rows(connection: sa.Connection, found: Beside) -> Iterator[str]:
    for table in _in_order(found):
        if (
            table.name in found.there
            and connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
        ):
            yield table.name


def _in_order(found: Beside) -> list[sa.Table]:
    """The library first."""
    ours = found.tables
    others = [table for table in ours.metadata.tables.values() if table is not ours.library]
    return [ours.library, *sorted(others, key=lambda table: table.name)]


def _plain(table: sa.Table) -> str:
    return table.name.removeprefix(PREFIX)


def _name(connection: sa.Connection, table: sa.Table) -> str:
    return connection.dialect.identifier_preparer.format_table(table)


def _quoted(connection: sa.Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def _sql(connection: sa.Connection, statement: sa.ClauseElement) -> str:
    """With its values in it, on one line."""
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    return " ".join(str(compiled).split())


def _create_table(connection: sa.Connection, table: sa.Table) -> str:
    """With its indexes in the same statement: a table is there whole or not at all."""
    compiler = _WithIndexes(connection.dialect, sa.schema.CreateTable(table, if_not_exists=True))
    text = "\n".join(line.rstrip() for line in str(compiler).strip().splitlines())
    return text.replace("\t", "  ").replace("\n)ENGINE", "\n) ENGINE")


class _WithIndexes(MySQLDDLCompiler):
    def create_table_constraints(self, table: Any, *arguments: Any, **options: Any) -> str:
        constraints = super().create_table_constraints(table, *arguments, **options)  # type: ignore[no-untyped-call]
        return ", \n\t".join([str(constraints), *map(self._index, sorted(table.indexes, key=attrgetter("name")))])

    def _index(self, index: sa.Index) -> str:
        columns = ", ".join(self.preparer.quote(column.name) for column in index.columns)
        return f"{'UNIQUE ' if index.unique else ''}INDEX {self.preparer.quote(str(index.name))} ({columns})"
