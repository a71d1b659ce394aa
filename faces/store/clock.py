"""The database's own clock: rows with an end are compared by one clock, however many machines write them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def unix_now(connection: sa.Connection) -> sa.ColumnElement[Any]:
    """The time of a statement in whole seconds since 1970, for use in it."""
    if connection.dialect.name == "sqlite":
        return sa.cast(sa.func.strftime("%s", "now"), sa.Integer)
    return sa.func.unix_timestamp()
