"""What our tables are defined with: the types of their columns, alike on every database, and a maker of names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

#: UTC without a zone, whole seconds. DATETIME and not TIMESTAMP: no session's time zone matters.
TIME = sa.DateTime().with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]

#: Ids of rows of the app are `bigint unsigned`; SQLite numbers rows by itself only where the type is INTEGER.
ID = sa.BigInteger().with_variant(mysql.BIGINT(unsigned=True), "mysql", "mariadb").with_variant(sa.Integer, "sqlite")
TEXT = sa.String(255)
#: Names are compared as they are written: `faces.people.names` says which spellings are one name.
NAME = sa.String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
ASCII = sa.String(64).with_variant(mysql.VARCHAR(64, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
#: 128 whole numbers of 64 bits, as `EncodingSum.to_bytes` writes them.
SUM = sa.LargeBinary(1024).with_variant(mysql.VARBINARY(1024), "mysql", "mariadb")
#: 128 float32, little-endian.
ENCODING = sa.LargeBinary(512).with_variant(mysql.VARBINARY(512), "mysql", "mariadb")
#: The middles of up to 2 000 groups.
MIDDLES = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
JSON = sa.Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")

#: Said whatever the server's defaults are: an older row format has no room for an index on a name, and collations of
#: texts differ from server to server.
OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in {
        "engine": "InnoDB",
        "row_format": "DYNAMIC",
        "charset": "utf8mb4",
        "collate": "utf8mb4_bin",
    }.items()
}


def zero(name: str, type_: sa.types.TypeEngine[int] | type[sa.types.TypeEngine[int]]) -> sa.Column[int]:
    """A number that is 0 in a new row."""
    return sa.Column(name, type_, nullable=False, server_default="0")


@dataclass(frozen=True, slots=True)
class TableMaker:
    """Defines tables and their indexes under the names that they have in one database."""

    prefix: str
    database: str | None
    metadata: sa.MetaData

    def table(self, name: str, *parts: sa.schema.SchemaItem, numbered: bool = True) -> sa.Table:
        """One of our tables; `numbered` where its rows get ids by themselves."""
        # An id that was removed must never come back: people's notes refer to ids.
        options = {"schema": self.database, "sqlite_autoincrement": numbered, **OPTIONS}
        return sa.Table(f"{self.prefix}{name}", self.metadata, *parts, **options)

    def index(self, name: str, *columns: str, unique: bool = False) -> sa.Index:
        """An index of one."""
        return sa.Index(f"{self.prefix}{name}", *columns, unique=unique)
