"""What the drivers' exceptions mean: ours, with a sentence without SQL and without the rows' contents."""

from __future__ import annotations

import sqlalchemy as sa

from faces.errors import EngineError, FacesError, SchemaError, StoreUnavailable

#: MySQL's and MariaDB's ways to say "another transaction was in the way": deadlock, lock wait, changed since last read.
_IN_THE_WAY = frozenset({1213, 1205, 1020})

#: No such table, no such column, no such field default: the schema is not what we looked at.
_SCHEMA = frozenset({1146, 1054, 1364})

#: How SQLite says the same, and that the file is none of its own, or damaged.
_SQLITE_SCHEMA = ("no such table", "no such column", "has no column named", "not a database", "malformed")


def in_the_way(error: sa.exc.SQLAlchemyError) -> bool:
    """Whether the same transaction may succeed when it is repeated."""
    return _code(error) in _IN_THE_WAY or "database is locked" in _text(error)


def ours(error: sa.exc.SQLAlchemyError, name: str) -> FacesError:
    """Our error for a driver's; `name` is the database as a person knows it, without a password."""
    text = _text(error)
    if _code(error) in _SCHEMA or any(words in text for words in _SQLITE_SCHEMA):
        return SchemaError(f"the database {name} is not as needed: {text}")
    if isinstance(error, sa.exc.IntegrityError | sa.exc.DataError | sa.exc.ProgrammingError):
        return EngineError(f"the database {name} refused what was to be written: {text}")
    return StoreUnavailable(f"the database {name} cannot be used now: {text}")


def told(error: sa.exc.SQLAlchemyError) -> tuple[int | None, str]:
    """The server's code, where it has one, and its words."""
    return _code(error), _text(error)


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
