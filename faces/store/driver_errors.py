"""What the drivers' exceptions mean: ours, with a sentence without SQL and without the rows' contents."""

from __future__ import annotations

import sqlalchemy as sa

from faces.errors import EngineError, FacesError, SchemaError, SettingsError, StoreUnavailable

#: MySQL's and MariaDB's ways to say "another transaction was in the way": deadlock, lock wait, changed since last read.
_IN_THE_WAY = frozenset({1213, 1205, 1020})

#: No such table, no such column, no such field default: the schema is not what we looked at.
_SCHEMA = frozenset({1146, 1054, 1364})

#: No such time zone, sql_mode, character set or collation, or the latter two do not fit: what a session begins with.
_SESSION = frozenset({1298, 1231, 1115, 1273, 1253})


def in_the_way(error: sa.exc.SQLAlchemyError) -> bool:
    """Whether the same transaction may succeed when it is repeated."""
    return _code(error) in _IN_THE_WAY or "database is locked" in _text(error)


def ours(error: sa.exc.SQLAlchemyError, name: str) -> FacesError:
    """Our error for a driver's; `name` is the database as a person knows it, without a password."""
    text = _text(error)
    sqlite_schema = "no such table" in text or "no such column" in text or "not a database" in text
    if _code(error) in _SCHEMA or sqlite_schema or "malformed" in text:
        return SchemaError(f"the database {name} is not as needed: {text}")
    if _code(error) in _SESSION:
        names = "FACE_DATABASE_TIMEZONE, DB_CHARSET, DB_COLLATION or the options of DB_URL"
        return SettingsError(f"{names}: the database {name} refuses the session: {text}")
    if isinstance(error, sa.exc.IntegrityError | sa.exc.DataError | sa.exc.ProgrammingError):
        return EngineError(f"the database {name} refused what was to be written: {text}")
    return StoreUnavailable(f"the database {name} cannot be used now: {text}")


def _original(error: sa.exc.SQLAlchemyError) -> BaseException | None:
    return error.orig if isinstance(error, sa.exc.DBAPIError) else None


def _code(error: sa.exc.SQLAlchemyError) -> int | None:
    original = _original(error)
    code = original.args[0] if original is not None and original.args else None
    return code if isinstance(code, int) else None


def _text(error: sa.exc.SQLAlchemyError) -> str:
    # The text of SQLAlchemy's own exception has the statement and its values; the driver's has not.
    original = _original(error)
    if original is None:
        return str(error)
    return str(original.args[1]) if len(original.args) > 1 else str(original)
