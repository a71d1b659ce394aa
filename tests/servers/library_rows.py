"""Rows of our own tables of people and groups, set up past our store; beside an app's tables they are made first."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import sqlalchemy as sa

from faces.people import names
from faces.store.database import Store
from faces.store.sidecar import layout
from faces.store.sidecar.tables import PREFIX, SidecarTables, sidecar_tables
from tests.servers.rows import past_our_store


def tables_at(url: str) -> SidecarTables:
    """The tables in this database; beside an app's they are made as `tables --create` makes them."""
    with closing(Store.open(url)) as store:
        if store.schema.sidecar is None:
            layout.run(store, layout.look(store).creating)
        return sidecar_tables("" if store.is_file else PREFIX)


class LibraryRows:
    """Our own tables as another program sees them; what is not said is as in a new row."""

    def __init__(self, url: str) -> None:
        self._engine = past_our_store(url, isolation_level="AUTOCOMMIT")
        self.tables = tables_at(url)

    def close(self) -> None:
        self._engine.dispose()

    def person(self, name: str | None = None, **values: Any) -> int:
        return self._insert(self.tables.people, {"name": name, "name_key": name and names.key(name), **values})

    def group(self, size: int = 1, **values: Any) -> int:
        return self._insert(self.tables.groups, {"size": size, **values})

    def indexed(self, face_id: int, image_id: int, state: int = 0, **values: Any) -> int:
        """A face's row in the index."""
        row = {"face_id": face_id, "image_id": image_id, "state": state, **values}
        return self._insert(self.tables.face_index, row)

    def insert(self, table: sa.TableClause, rows: list[dict[str, Any]]) -> None:
        """Many rows in one transaction."""
        engine = past_our_store(self._engine.url)
        with engine.begin() as connection:
            connection.execute(sa.insert(table), rows)
        engine.dispose()

    def _insert(self, table: sa.Table, row: dict[str, Any]) -> int:
        with self._engine.connect() as connection:
            (key,) = connection.execute(sa.insert(table).values(**row)).inserted_primary_key or (0,)
            return int(key)
