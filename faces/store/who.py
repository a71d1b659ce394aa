"""Which implementation of `Identities` an opened database has: the only place that asks."""

from __future__ import annotations

from faces.store.masters import Masters
from faces.store.persons import Persons
from faces.store.schema import Schema


def identities_of(schema: Schema) -> Masters | Persons:
    """A new one, which has read nothing yet: keep it for as long as the database is open."""
    return Persons() if schema.has_persons else Masters(schema)
