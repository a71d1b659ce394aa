"""What an app's server has of our tables, looked up when its database is opened, and whether they can be used."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from faces.errors import SchemaError, SettingsError
from faces.store import driver_errors
from faces.store.sidecar import upgrades
from faces.store.sidecar.tables import PREFIX, SidecarTables, sidecar_tables

#: What the work needs of each of our tables.
RIGHTS = "SELECT, INSERT, UPDATE, DELETE"

_MAKE = "`worker tables --create`"

#: How MySQL and MariaDB say that a right is missing: to a database, a table, a column, or of an administrator.
REFUSED = frozenset({1044, 1142, 1143, 1227, 1370})

_TABLES = sa.text("SELECT table_name FROM information_schema.tables WHERE table_schema = :database")


@dataclass(frozen=True, slots=True)
class Beside:
    """Our tables beside an app's."""

    tables: SidecarTables
    """As they would be, whichever of them exist."""
    there: frozenset[str]
    """The names of those that exist, and that this user may see."""
    version: int | None
    """That of the library's row, which is written last and removed first; None: they are not whole, and never used."""
    match_rule: str | None
    """The library's row's."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of those that do not exist, or that this user may not see."""
        return tuple(
            sorted(table.name for table in self.tables.metadata.tables.values() if table.name not in self.there)
        )


def look(connection: sa.Connection, apps_tables: Collection[str], database: str | None) -> Beside:
    """See what there is of our tables: nothing is asked where the app's database has none of them, and is to have them.

    Args:
        connection: to the app's database.
        apps_tables: the names of the tables in it.
        database: another one of the same server where they are to be; None: the app's.

    Raises:
        SchemaError: this user may not read the library's row.
    """
    tables = sidecar_tables(PREFIX, database)
    names = apps_tables if database is None else connection.execute(_TABLES, {"database": database}).scalars()
    ours = {table.name for table in tables.metadata.tables.values()}
    there = frozenset(name for name in names if name in ours)
    row = _library(connection, tables.library) if tables.library.name in there else None
    return Beside(tables, there, *(row or (None, None)))


def usable(connection: sa.Connection, found: Beside) -> SidecarTables | None:
    """The tables where they can be used; None beside an app that has not got them, or not yet all of them.

    Raises:
        SettingsError: FACE_TABLES_DATABASE names a database that has not got them.
        SchemaError: some are missing, or another version made them; the sentence says what is needed.
    """
    database = found.tables.library.schema
    if found.version is None:
        if database is None:
            return None
        raise SettingsError(
            f"FACE_TABLES_DATABASE: found {_some(found)} in the database {database}, needed all of them: {_MAKE} makes "
            f"them; where they are there, {_grant_of(connection, found)}"
        )
    if found.version > upgrades.NEWEST:
        raise SchemaError(
            f"the tables {PREFIX}… were made by a newer version of this program (version {found.version}, known here "
            f"is {upgrades.NEWEST}): update the program"
        )
    if found.version < upgrades.NEWEST:
        raise SchemaError(
            f"the tables {PREFIX}… are of version {found.version}, needed {upgrades.NEWEST}: `worker tables --upgrade` "
            "makes it of them"
        )
    if found.missing:
        raise SchemaError(
            f"the database lacks {', '.join(found.missing)}: {_MAKE} makes them anew, empty; where they are there, "
            f"{_grant_of(connection, found)}"
        )
    return found.tables


def grant(connection: sa.Connection, rights: str, place: str) -> str:
    """The sentence for whoever administers the server; `place` is a table as SQL, or all of a database's."""
    user, _, host = str(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one()).rpartition("@")
    return f"this user needs rights: GRANT {rights} ON {place} TO '{user}'@'{host}'"


def place_of(connection: sa.Connection, database: str | None, table: str | None = None) -> str:
    """What a GRANT is on: all tables of a database or one, in the connection's own where none is named."""
    quoted = connection.dialect.identifier_preparer.quote_identifier
    name = database or str(connection.exec_driver_sql("SELECT DATABASE()").scalar_one())
    return f"{quoted(name)}.{'*' if table is None else quoted(table)}"


def _library(connection: sa.Connection, library: sa.Table) -> tuple[int, str] | None:
    query = sa.select(library.c.version, library.c.match_rule).where(library.c.id == 1)
    try:
        row = connection.execute(query).one_or_none()
    except sa.exc.DBAPIError as error:
        code, text = driver_errors.told(error)
        if code not in REFUSED:
            raise
        raise SchemaError(f"{text}: {grant(connection, RIGHTS, place_of(connection, library.schema))}") from error
    return None if row is None else (row.version, row.match_rule)


def _some(found: Beside) -> str:
    return f"only a part of the tables {PREFIX}…" if found.there else f"no tables {PREFIX}…"


def _grant_of(connection: sa.Connection, found: Beside) -> str:
    return grant(connection, RIGHTS, place_of(connection, found.tables.library.schema))
