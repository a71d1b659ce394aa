"""The tables: what the app's have, what ours has beside, and which of it an opened database really has."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from faces.errors import SchemaError

#: What our own SQLite file says in `PRAGMA user_version`; raise it with every change of the tables below.
SCHEMA_VERSION = 1

_TIME = sa.DateTime().with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]
_TEXT = sa.String(255)
_metadata = sa.MetaData()


def _enum(name: str, *values: str) -> tuple[sa.Column[str], sa.CheckConstraint]:
    allowed = ", ".join(f"'{value}'" for value in values)
    return (
        sa.Column(name, _TEXT, nullable=False, server_default=values[0]),
        sa.CheckConstraint(f"{name} IN ({allowed})"),
    )


images = sa.Table(
    "images",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("parent_id", sa.Integer),
    sa.Column("image_geolocation_point_id", sa.Integer),
    sa.Column("disk", _TEXT),
    sa.Column("path", _TEXT),
    sa.Column("filename", _TEXT, nullable=False),
    sa.Column("debug_filename", _TEXT),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("size", sa.Integer),
    sa.Column("hash", sa.LargeBinary(16)),
    sa.Column("phash", sa.LargeBinary(8)),
    sa.Column("created_at_file", _TIME),
    sa.Column("updated_at_file", _TIME),
    sa.Column("metadata", sa.Text),
    sa.Column("faces_checked", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("thumbnail_path", _TEXT),
    sa.Column("thumbnail_filename", _TEXT),
    sa.Column("thumbnail_method", _TEXT),
    sa.Column("thumbnail_width", _TEXT),
    sa.Column("thumbnail_height", _TEXT),
    sa.Column("created_at", _TIME),
    sa.Column("updated_at", _TIME),
    *_enum("status", "process", "not_photo", "recheck", "ok"),
    sa.Column("last_error", _TEXT),
    sa.Index("images_place", "disk", "path", "filename"),
    sa.Index("images_faces_checked", "faces_checked"),
    # An id that was removed must never come back: parents and people's notes refer to ids.
    sqlite_autoincrement=True,
)

faces = sa.Table(
    "faces",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("parent_id", sa.Integer),
    sa.Column("image_id", sa.ForeignKey("images.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("face_index", sa.SmallInteger, nullable=False),
    sa.Column("name", _TEXT),
    sa.Column("encoding", sa.Text),
    *_enum("status", "process", "unknown", "not_face", "ok"),
    sa.Column("quality_score", sa.Double),
    sa.Column("quality_details", sa.Text),
    sa.Column("is_reference", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("box", sa.Text),
    sa.Column("created_at", _TIME),
    sa.Column("updated_at", _TIME),
    sa.Column("deleted_at", _TIME),
    sa.CheckConstraint("face_index BETWEEN 0 AND 255"),
    sa.Index("faces_image_id", "image_id"),
    sa.Index("faces_parent_id", "parent_id"),
    sa.Index("faces_status", "status"),
    sqlite_autoincrement=True,
)

#: What `scan` needs to know a photo again: the file as it was when the image's faces were looked for.
scan_marks = sa.Table(
    "scan_marks",
    _metadata,
    sa.Column("image_id", sa.ForeignKey("images.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("modified_ns", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("refused", sa.SmallInteger, nullable=False, server_default="0"),
)

#: Only read, where it is, to tell who is who.
persons = sa.Table("persons", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", _TEXT))

#: Without these there is no job to do.
_ESSENTIAL = {
    "images": ("id", "disk", "path", "filename", "debug_filename", "faces_checked", "last_error", "updated_at"),
    "faces": (
        *("id", "image_id", "face_index", "parent_id", "encoding", "status"),
        *("created_at", "updated_at", "deleted_at"),
    ),
}

#: Used where they exist.
_OPTIONAL_FACES = ("name", "quality_score", "quality_details", "is_reference", "box")


@dataclass(frozen=True, slots=True)
class Schema:
    """What an opened database has."""

    face_columns: frozenset[str]
    has_persons: bool
    ours: bool
    """Whether it is a file of our own, with scan marks; else the app's database, which we never change."""
    missing: tuple[str, ...]
    """Optional things that the database lacks, for one log line."""

    def require_parents(self, verb: str) -> None:
        """Refuse a verb that links faces to faces on a schema that links them to persons.

        Raises:
            SchemaError: there is a table `persons`.
        """
        if self.has_persons:
            raise SchemaError(
                f"found a table `persons` in this database: faces are matched with persons there, and `{verb}` "
                "can only link faces to faces yet; nothing was changed"
            )

    def require_names(self) -> None:
        """Refuse to name a face where names have no column.

        Raises:
            SchemaError: `faces` has no column `name`.
        """
        if "name" not in self.face_columns:
            raise SchemaError("found no column faces.name in this database: a face cannot be named here")


def create(connection: sa.Connection) -> None:
    """Make the tables in an empty SQLite file and note their version."""
    _metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def inspect(connection: sa.Connection) -> Schema:
    """Look which tables and columns exist.

    Raises:
        SchemaError: something essential is missing; the sentence lists all of it.
    """
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names())
    columns = {
        table: {column["name"] for column in inspector.get_columns(table)} if table in tables else set[str]()
        for table in _ESSENTIAL
    }
    has_persons = "persons" in tables
    _require(tables, columns, without_parents=has_persons)
    optional = [f"faces.{name}" for name in _OPTIONAL_FACES if name not in columns["faces"]]
    indexed = any(index["column_names"][:1] == ["parent_id"] for index in inspector.get_indexes("faces"))
    if "parent_id" in columns["faces"] and not indexed:
        optional.append("an index on faces.parent_id (without it a redo reads the whole table)")
    return Schema(frozenset(columns["faces"]), has_persons, "scan_marks" in tables, tuple(optional))


def _require(tables: set[str], columns: dict[str, set[str]], *, without_parents: bool) -> None:
    lacking = []
    for table, needed in _ESSENTIAL.items():
        if table not in tables:
            lacking.append(f"table {table}")
            continue
        optional = {"parent_id"} if without_parents else set()
        lacking += [f"{table}.{name}" for name in needed if name not in columns[table] | optional]
    if lacking:
        raise SchemaError(f"the database lacks {', '.join(lacking)}: needed are the app's tables images and faces")
