"""From a URL to a connection pool with the habits that each database needs, and to what the database has."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Literal

import pymysql
import sqlalchemy as sa

from faces.errors import SchemaError, SettingsError, StoreUnavailable
from faces.store import migrations, mysql, schema
from faces.store.schema import Schema

#: Execution option of connections that will write: SQLite takes its write lock at the start of their transaction.
WRITES = "face_sidecar_writes"

#: Execution option of a pool: the URL that it was made of, with the options that are not the driver's.
_URL = "face_sidecar_url"

#: Seconds that SQLite waits for another program's write.
_BUSY_SECONDS = 30

#: Seconds to wait for a server's answer to a statement; above its own 50 for a lock, so that it can say 1205.
_ANSWER_SECONDS = 120

#: Seconds after which a connection is not used again, so that readers, too, follow a name whose address changed.
_RECYCLE_SECONDS = 300

#: What the drivers raise; SQLAlchemy wraps nearly all of it.
DRIVER_ERRORS = (pymysql.Error, sqlite3.Error)

_NEEDED = "needed mysql+pymysql://user:password@host/database or sqlite:///path/to/file.db"


def engine_of(url: str, *, create: bool) -> sa.Engine:
    """Make the pool; nothing is connected yet.

    Raises:
        SettingsError: not a URL of MySQL, MariaDB or a SQLite file, or the file is not there and not to be made.
    """
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise SettingsError(f"FACE_DATABASE_URL: found something that is not a database URL, {_NEEDED}") from None
    if parsed.drivername in {"mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"}:
        return _mysql(parsed)
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"} and parsed.database not in {None, "", ":memory:"}:
        return _sqlite(parsed, create=create)
    raise SettingsError(f"FACE_DATABASE_URL: found {parsed.drivername}://…, {_NEEDED}")


def at_once_of(engine: sa.Engine) -> sa.Engine:
    """A second pool, whose statements commit themselves; that of a SQLite file is the first: it has no such mode.

    A pool of its own, because a connection that changes its mode with each use has to change back when it is returned,
    and one lost at that moment is never given back.
    """
    if engine.dialect.name == "sqlite":
        return engine
    at_once = _pool(engine.get_execution_options()[_URL], "AUTOCOMMIT")
    sa.event.listen(at_once, "connect", _read_committed)
    return at_once


def name_of(engine: sa.Engine) -> str:
    """The database as a person knows it: a file, or host and name; never a password."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        return str(Path(url.database or "").resolve())
    return f"{url.database} on {url.host or 'localhost'}:{url.port or 3306}"


def prepare(
    engine: sa.Engine, *, create: bool, tables_database: str | None = None, any_sidecar: bool = False
) -> Schema:
    """Connect, make the tables of a new SQLite file, bring one of an older version forward, and look what is there.

    `tables_database` and `any_sidecar` are `schema.inspect`'s.

    Raises:
        SchemaError: something essential is missing, or the file is of a newer version.
        SettingsError: `tables_database` has not got our tables.
        StoreUnavailable: a file of an older version cannot be brought forward; it stays as it was.
    """
    if engine.dialect.name == "sqlite" and _is_older(engine):
        migrations.bring_forward(Path(engine.url.database or ""))
    with engine.connect() as plain:
        connection = plain.execution_options(**{WRITES: create})
        with connection.begin():
            if engine.dialect.name == "sqlite":
                _check_version(connection, name_of(engine), create=create)
            return schema.inspect(connection, tables_database, any_sidecar=any_sidecar)


def file_of(url: str) -> Path | None:
    """The SQLite file that a URL names, absolute; None for a server."""
    parsed = sa.make_url(url)
    is_file = parsed.drivername.startswith("sqlite") and parsed.database
    return Path(parsed.database).resolve() if is_file and parsed.database else None


def _mysql(url: sa.URL) -> sa.Engine:
    # SQLAlchemy itself asks for FOUND_ROWS, so that an UPDATE that changes nothing counts the row that it found.
    return _pool(url, "READ COMMITTED")


def _pool(url: sa.URL, isolation_level: Literal["READ COMMITTED", "AUTOCOMMIT"]) -> sa.Engine:
    engine = sa.create_engine(
        mysql.driver_url(url).set(drivername="mysql+pymysql"),
        isolation_level=isolation_level,
        skip_autocommit_rollback=True,
        # Our blocks end their transactions themselves; once more at the return would be one more round trip, and where
        # it fails, a traceback in the log for a connection that is not needed.
        pool_reset_on_return=None,
        pool_pre_ping=True,
        pool_recycle=_RECYCLE_SECONDS,
        hide_parameters=True,
        execution_options={_URL: url},
        connect_args={
            "connect_timeout": mysql.CONNECT_SECONDS,
            "read_timeout": _ANSWER_SECONDS,
            "write_timeout": _ANSWER_SECONDS,
            **mysql.driver_arguments(url),
        },
    )
    # In this order: the first says where, the second connects.
    mysql.take_sockets(engine, mysql.sockets_of(url))
    sa.event.listen(engine, "do_connect", _connection)
    return engine


def _connection(_dialect: Any, _record: Any, arguments: Any, named: dict[str, Any]) -> mysql.MySQLConnection:
    return mysql.MySQLConnection(*arguments, **named)


def _read_committed(connection: mysql.MySQLConnection, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")


def _sqlite(url: sa.URL, *, create: bool) -> sa.Engine:
    file = Path(url.database or "").absolute()
    if not create and not file.is_file():
        raise SettingsError(
            f"found no database {file}: `scan` and `enrol` make one; FACE_DATABASE_URL names another place"
        )
    patience = {"timeout": _BUSY_SECONDS}
    engine = sa.create_engine(url.set(database=str(file)), hide_parameters=True, connect_args=patience)
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _Begin(file))
    return engine


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver would begin deferred transactions by itself; ours begin in _Begin, some with the write lock.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}").close()


class _Begin:
    """Begins the transactions on a SQLite file, and sees that it still is the file that was opened.

    SQLite itself keeps writing into a file that was removed, and everything written is lost with the last connection.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._opened: tuple[int, int] | None = None

    def __call__(self, connection: sa.Connection) -> None:
        try:
            status = self._file.stat()
        except OSError as error:
            raise StoreUnavailable(f"the database {self._file} is gone: {error.strerror}") from error
        self._opened = self._opened or (status.st_dev, status.st_ino)
        if self._opened != (status.st_dev, status.st_ino):
            raise StoreUnavailable(f"the database {self._file} was replaced by another file while it was in use")
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _is_older(engine: sa.Engine) -> bool:
    """Whether it is a file of our own that lacks a step."""
    with engine.connect() as connection, connection.begin():
        version = _version(connection)
        return migrations.FIRST <= version < migrations.NEWEST and sa.inspect(connection).has_table("scan_marks")


def _version(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _check_version(connection: sa.Connection, name: str, *, create: bool) -> None:
    version = _version(connection)
    if version > migrations.NEWEST:
        raise SchemaError(
            f"the database {name} was made by a newer version of this program "
            f"(schema {version}, known here is {migrations.NEWEST}): update the program"
        )
    if create and version == 0 and not sa.inspect(connection).get_table_names():
        schema.create(connection)
