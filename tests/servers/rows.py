"""The database as another program sees it: sets up rows and reads them back, past our store."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import sqlalchemy as sa


def past_our_store(url: str | sa.URL, **options: Any) -> sa.Engine:
    """A pool of connections without TLS: for it the driver reads the certificates of all authorities, 20 ms of CPU."""
    of_driver = {} if sa.make_url(url).drivername.startswith("sqlite") else {"ssl_disabled": True}
    return sa.create_engine(url, connect_args=of_driver, **options)


class Rows:
    """The database as another program sees it: sets up rows and reads them back, past our store."""

    def __init__(self, url: str) -> None:
        self._engine = past_our_store(url, isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        self._engine.dispose()

    def run(self, statement: str, **values: Any) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(sa.text(statement), values).lastrowid or 0)

    def read(self, query: str, **values: Any) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(query), values).mappings()]

    def one(self, query: str, **values: Any) -> dict[str, Any]:
        (row,) = self.read(query, **values)
        return row

    def image(self, **values: Any) -> int:
        row = {"disk": "photos", "path": "2020", "filename": "a.jpg", "faces_checked": 0} | values
        return self._insert("images", row)

    def face(self, image_id: int, person: np.ndarray | None = None, **values: Any) -> int:
        text = None if person is None else json.dumps(person.tolist())
        row = {"image_id": image_id, "face_index": 0, "encoding": text, "updated_at": "2020-01-01 00:00:00"} | values
        return self._insert("faces", row)

    def master(self, person: np.ndarray, **values: Any) -> int:
        """A verified face of a person, on an image of its own."""
        return self.face(self.image(filename="master.jpg", faces_checked=1), person, status="ok", **values)

    def faces(self, image_id: int) -> list[dict[str, Any]]:
        query = "SELECT * FROM faces WHERE image_id = :id AND deleted_at IS NULL ORDER BY face_index, id"
        return self.read(query, id=image_id)

    def everything(self) -> list[dict[str, Any]]:
        return self.read("SELECT * FROM images ORDER BY id") + self.read("SELECT * FROM faces ORDER BY id")

    def _insert(self, table: str, row: dict[str, Any]) -> int:
        names = ", ".join(row)
        return self.run(f"INSERT INTO {table} ({names}) VALUES ({', '.join(':' + name for name in row)})", **row)
