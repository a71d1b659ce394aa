"""What the drivers' exceptions mean: ours, with a sentence without SQL and without the rows' contents."""

from __future__ import annotations

import sqlalchemy as sa

from faces.errors import EngineError, FacesError, SchemaError, SettingsError, StoreRefused, StoreUnavailable

#: How MySQL and MariaDB tell a conflict with another transaction: deadlock, lock wait, changed since last read.
_CONFLICT = frozenset({1213, 1205, 1020})

#: No such table, no such column, no such field default: the schema is not what we looked at.
_SCHEMA = frozenset({1146, 1054, 1364})

#: How SQLite says the same, and that the file is none of its own, or damaged.
_SQLITE_SCHEMA = ("no such table", "no such column", "has no column named", "not a database", "malformed")

#: What a row's content is refused for, besides the driver's own classes for that: a CHECK constraint (MariaDB's,
#: MySQL's), a value of the wrong kind or character set, text that is no JSON, more than `max_allowed_packet`.
_OF_THE_CONTENT = (sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ProgrammingError)
_CONTENT = frozenset({4025, 3819, 1292, 1300, 1366, 1411, 3140, 3141, 3988, 1153, 1301})

#: The server as a whole: it refuses logins, it stops, is read-only, has no room or memory, or broke the statement off.
#: From errmsg.h and mysqld_error.h; below 1000 are the operating system's, from 2000 to 2999 the client's.
_UNAVAILABLE = frozenset(
    {
        *(1040, 1041, 1042, 1043, 1044, 1045, 1047, 1049, 1129, 1130, 1203, 1226, 1862),  # login refused
        *(1053, 1077, 1079, 1317, 1927, 1969, 3024, 4031),  # stops, or ended the statement or the connection
        *(1152, 1154, 1156, 1157, 1158, 1159, 1160, 1161, 1184),  # the network between
        *(1036, 1290, 1792, 1836, 3098, 3100, 3101),  # read-only, or no member of its cluster
        *(1015, 1016, 1021, 1026, 1030, 1037, 1038, 1114, 1180, 1197, 1637, 3675),  # no room, memory, transactions
        *_CONFLICT,
    }
)
_OPERATING_SYSTEM = 1000
_CLIENT = range(2000, 3000)

#: No such time zone, sql_mode, character set or collation, or the latter two do not fit: what a session begins with.
_SESSION = frozenset({1298, 1231, 1115, 1273, 1253})


def is_conflict(error: sa.exc.SQLAlchemyError) -> bool:
    """Whether the same transaction may succeed when it is repeated."""
    return _code(error) in _CONFLICT or "database is locked" in _text(error)


def is_unavailable(error: sa.exc.SQLAlchemyError) -> bool:
    """Whether the server as a whole is unreachable, read-only or full, for whatever statement."""
    if isinstance(error, _OF_THE_CONTENT):
        return False
    code = _code(error)
    return code is None or code < _OPERATING_SYSTEM or code in _CLIENT or code in _UNAVAILABLE


def ours(error: sa.exc.SQLAlchemyError, name: str) -> FacesError:
    """Our error for a driver's; `name` is the database as a person knows it, without a password."""
    text, code = _text(error), _code(error)
    if code in _SCHEMA or any(words in text for words in _SQLITE_SCHEMA):
        return SchemaError(f"the database {name} is not as needed: {text}")
    if code in _SESSION:
        names = "FACE_DATABASE_TIMEZONE, DB_CHARSET, DB_COLLATION or the options of DB_URL"
        return SettingsError(f"{names}: the database {name} refuses the session: {text}")
    if code in _CONTENT or isinstance(error, _OF_THE_CONTENT):
        return EngineError(f"the database {name} refused what was to be written: {text}")
    if is_unavailable(error):
        return StoreUnavailable(f"the database {name} cannot be used now: {text}")
    return StoreRefused(f"the database {name} refused a statement: {text}")


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
