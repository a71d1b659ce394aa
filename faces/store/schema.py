"""The tables: what the app's have, what ours has beside, and which of it an opened database really has.

A change of what our own file has is a step in `migrations`, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from faces.errors import SchemaError
from faces.people.kept_face import BY_PARENT, BY_PERSON, RowRule
from faces.store import catalogue, migrations
from faces.store.catalogue import Index
from faces.store.sidecar import beside
from faces.store.sidecar.beside import Beside
from faces.store.sidecar.tables import SidecarTables, sidecar_tables

#: A time as the app writes it: whole seconds.
TIME = sa.DateTime().with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]
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
    sa.Column("created_at_file", TIME),
    sa.Column("updated_at_file", TIME),
    sa.Column("metadata", sa.Text),
    sa.Column("faces_checked", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("thumbnail_path", _TEXT),
    sa.Column("thumbnail_filename", _TEXT),
    sa.Column("thumbnail_method", _TEXT),
    sa.Column("thumbnail_width", _TEXT),
    sa.Column("thumbnail_height", _TEXT),
    sa.Column("created_at", TIME),
    sa.Column("updated_at", TIME),
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
    # The app's, in its later versions; `system` keeps it out of the tables that we make.
    sa.Column("person_id", sa.Integer, system=True),
    sa.Column("created_at", TIME),
    sa.Column("updated_at", TIME),
    sa.Column("deleted_at", TIME),
    sa.CheckConstraint("face_index BETWEEN 0 AND 255"),
    sa.Index("faces_image_id", "image_id"),
    sa.Index("faces_parent_id", "parent_id"),
    sa.Index("faces_status", "status"),
    # All that decides which faces are listed and in which order: a page is found without reading rows, which are the
    # size of their encodings.
    sa.Index("faces_listed", "image_id", "face_index", "id", "status", "name", "parent_id", "deleted_at"),
    sa.Index("faces_name", "name"),
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
    # When a scan saw that the file is neither there nor elsewhere; such an image is not listed.
    sa.Column("gone_at", TIME),
    sa.Index("scan_marks_sha256", "sha256"),
    sa.Index("scan_marks_gone", "image_id", sqlite_where=sa.text("gone_at IS NOT NULL")),
)

#: The folders that photos were found in, each with its number in its file system: an empty folder of another number is
#: not the one that was emptied, but one where a disk was mounted.
scan_folders = sa.Table(
    "scan_folders",
    _metadata,
    sa.Column("path", _TEXT, primary_key=True),
    sa.Column("inode", sa.BigInteger, nullable=False),
)

#: What `scan --exclude` was told of a folder.
scan_excludes = sa.Table(
    "scan_excludes",
    _metadata,
    sa.Column("folder", _TEXT, primary_key=True),
    sa.Column("pattern", _TEXT, primary_key=True),
)

#: People, groups and answers, in a file of our own.
_OWN_TABLES = sidecar_tables(metadata=_metadata)
_OWN_MATCH_RULE = sa.select(_OWN_TABLES.library.c.match_rule).where(_OWN_TABLES.library.c.id == 1)

#: Never written: the app keeps it, where its version has it. From v2 on it is there; the job uses it from v4 on.
persons = sa.Table(
    "persons",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", _TEXT),
    sa.Column("centroid_embedding", sa.Text),
    sa.Column("embeddings_count", sa.Integer),
)

#: Without these there is no job to do.
_ESSENTIAL = {
    "images": ("id", "disk", "path", "filename", "debug_filename", "faces_checked", "last_error", "updated_at"),
    "faces": ("id", "image_id", "face_index", "encoding", "status", "created_at", "updated_at", "deleted_at"),
}

#: What else a version needs that links faces to faces, and one that links them to persons.
_OF_PARENTS = {"faces": ("parent_id",)}
_OF_PERSONS = {"faces": ("person_id",), "persons": ("id", "name", "centroid_embedding", "embeddings_count")}

#: Used where they exist.
_OPTIONAL_FACES = ("name", "quality_score", "quality_details", "is_reference", "box")


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database has, looked up when it is opened: its tables and columns, and the app's version by them."""

    tables: frozenset[str]
    image_columns: frozenset[str]
    face_columns: frozenset[str]
    missing: tuple[str, ...]
    """Optional things that the database lacks, for one log line."""
    has_persons: bool
    """Whether this version's job links faces to persons, as from v4 on; else to faces, also where persons are kept."""
    failed_columns: frozenset[str]
    """Those of `failed_jobs`; empty where there is no such table."""
    ours: bool
    """Whether it is a file of our own, with scan marks; else the app's database, whose tables we never change."""
    version: str
    """The app's version by its tables, for a log line."""
    wants_webp: bool
    """Whether this version's job asks for WebP as debug picture: v5's."""
    sidecar: SidecarTables | None
    """Our tables of people, groups and answers; None beside an app that has not got them."""
    match_rule: str | None
    """What the library says that links faces by itself; None where there are no tables of ours."""
    indexed_face_columns: frozenset[str]
    """The columns of `faces` that an index begins with."""

    @property
    def indexes_updated_at(self) -> bool:
        """Whether what changed lately is found without reading the table."""
        return "updated_at" in self.indexed_face_columns

    @property
    def rule(self) -> RowRule:
        """How this version's rows of `faces` say who they are."""
        return BY_PERSON if self.has_persons else BY_PARENT

    @property
    def completes_images(self) -> bool:
        """Whether this version does something when an image's jobs are all done, as from v4 on."""
        return self.has_persons

    def require_tables(self, *names: str) -> None:
        """Refuse to go on without tables of the app's that the work needs.

        Raises:
            SchemaError: some are not there; the sentence lists them.
        """
        lacking = [name for name in names if name not in self.tables]
        if lacking:
            tables = ", ".join(f"table {name}" for name in lacking)
            raise SchemaError(f"the database lacks {tables}: the app's migrations make them")

    def require_sidecar(self) -> SidecarTables:
        """Our tables of people, groups and answers.

        Raises:
            SchemaError: the database has not got them.
        """
        if self.sidecar is None:
            raise SchemaError(
                "found no tables of people and groups in this database, "
                "needed those that `worker tables --create` makes"
            )
        return self.sidecar

    def require_image_columns(self, *names: str) -> None:
        """Refuse to go on without columns of `images`.

        Raises:
            SchemaError: some are not there; the sentence lists them.
        """
        lacking = [f"images.{name}" for name in names if name not in self.image_columns]
        if lacking:
            raise SchemaError(f"the database lacks {', '.join(lacking)}")


def create(connection: sa.Connection) -> None:
    """Make the tables in an empty SQLite file and note their version."""
    _metadata.create_all(connection)
    connection.execute(sa.insert(_OWN_TABLES.library).values(id=1, version=1, match_rule="calibrated"))
    connection.exec_driver_sql(f"PRAGMA user_version = {migrations.NEWEST}")


def inspect(connection: sa.Connection, tables_database: str | None = None, *, any_sidecar: bool = False) -> Schema:
    """Look which tables and columns exist, and which version's job they are for.

    Args:
        connection: to the database.
        tables_database: another one of the same server that has our tables, where one was named.
        any_sidecar: also where our tables cannot be used, for the verb that mends them; then there are none.

    Raises:
        SchemaError: something essential is missing; the sentence lists all of it. Or our own tables cannot be used.
        SettingsError: `tables_database` has not got them.
    """
    tables = frozenset(sa.inspect(connection).get_table_names())
    columns = catalogue.columns(connection, tables & {"images", "faces", "persons", "failed_jobs"})
    face_columns = columns.get("faces", frozenset())
    statuses = catalogue.listed_values(connection, "faces", "status")
    has_persons = _links_to_persons(tables, face_columns, statuses)
    more = _OF_PERSONS if has_persons else _OF_PARENTS
    needed = {table: _ESSENTIAL.get(table, ()) + more.get(table, ()) for table in {**_ESSENTIAL, **more}}
    lacking = _lacking(columns, needed)
    if has_persons and statuses is not None and "suggested" not in statuses:
        lacking.append("faces.status 'suggested'")
    if lacking:
        raise SchemaError(f"the database lacks {', '.join(lacking)}: needed are the app's tables images and faces")
    ours = "scan_marks" in tables
    if ours:
        version = "our own"
    elif has_persons:
        version = "v4" if "parent_id" in face_columns else "v5"
    else:
        version = "v2 or v3" if "quality_score" in face_columns else "v1"
    found = None if connection.dialect.name == "sqlite" else beside.look(connection, tables, tables_database)
    if ours:
        sidecar, match_rule = _OWN_TABLES, connection.execute(_OWN_MATCH_RULE).scalar()
    elif found is None or any_sidecar:
        sidecar, match_rule = None, None
    else:
        sidecar, match_rule = beside.usable(connection, found), found.match_rule
    indexes = catalogue.indexes(connection, "faces")
    return Schema(
        tables=tables,
        image_columns=columns["images"],
        face_columns=face_columns,
        missing=tuple(_missing(indexes, face_columns, found)),
        has_persons=has_persons,
        failed_columns=columns.get("failed_jobs", frozenset()),
        ours=ours,
        version=version,
        wants_webp=version == "v5",
        sidecar=sidecar,
        match_rule=match_rule,
        indexed_face_columns=frozenset(index.columns[0] for index in indexes),
    )


def _links_to_persons(tables: frozenset[str], face_columns: frozenset[str], statuses: frozenset[str] | None) -> bool:
    """Whether the job of the version that made these tables links faces to persons.

    The table persons and `faces.person_id` are v2's already, whose job links by `parent_id`. What only v4's job needs
    is the status `suggested`; what only v5's can do without is `parent_id`. A status that is plain text tells nothing:
    then it is `faces.name`, which is dropped when persons take the names over.
    """
    keeps_persons = "persons" in tables or "person_id" in face_columns
    if "parent_id" not in face_columns:
        return keeps_persons
    if statuses is not None:
        return "suggested" in statuses
    return keeps_persons and "name" not in face_columns


def _lacking(columns: Mapping[str, frozenset[str]], needed: Mapping[str, tuple[str, ...]]) -> list[str]:
    lacking = []
    for table, names in needed.items():
        if table in columns:
            lacking += [f"{table}.{name}" for name in names if name not in columns[table]]
        else:
            lacking.append(f"table {table}")
    return lacking


def _missing(indexes: Collection[Index], face_columns: frozenset[str], found: Beside | None) -> list[str]:
    """What would be used if it were there."""
    optional = [f"faces.{name}" for name in _OPTIONAL_FACES if name not in face_columns]
    if "parent_id" in face_columns and not _is_indexed(indexes, "parent_id"):
        optional.append("an index on faces.parent_id (without it a redo reads the whole table)")
    if found and found.there and found.version is None:
        optional.append("complete set of our own tables (`worker tables --create` finishes it)")
    return optional


def _is_indexed(indexes: Collection[Index], column: str) -> bool:
    return any(index.columns[:1] == (column,) for index in indexes)
