"""The tables of people, groups and answers: one definition for a file of our own and for the app's server.

*Facts* are kept for ever and backed up: `people` (name, master, marks), `groups` and `group_members`, `ledger`,
`ledger_faces`, `never`, `photos`, `sources`. All else is *derived*: sums, neighbourhoods, counters, `vectors`,
`face_index`, `calibration`. `worker refresh` makes it anew of the faces' rows and the facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

#: Beside the app's tables each name begins with this.
PREFIX = "face_sidecar_"

#: UTC without a zone, whole seconds. DATETIME and not TIMESTAMP: no session's time zone matters.
_TIME = sa.DateTime().with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]

#: Ids of rows of the app are `bigint unsigned`; SQLite numbers rows by itself only where the type is INTEGER.
_ID = sa.BigInteger().with_variant(mysql.BIGINT(unsigned=True), "mysql", "mariadb").with_variant(sa.Integer, "sqlite")
_TEXT = sa.String(255)
#: Names are compared as they are written: `faces.people.names` says which spellings are one name.
_NAME = sa.String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
_ASCII = sa.String(64).with_variant(mysql.VARCHAR(64, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
#: 128 whole numbers of 64 bits, as `EncodingSum.to_bytes` writes them.
_SUM = sa.LargeBinary(1024).with_variant(mysql.VARBINARY(1024), "mysql", "mariadb")
#: 128 float32, little-endian.
_ENCODING = sa.LargeBinary(512).with_variant(mysql.VARBINARY(512), "mysql", "mariadb")
#: The middles of up to 2 000 groups.
_MIDDLES = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
_JSON = sa.Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")

#: Said whatever the server's defaults are: an older row format has no room for an index on a name, and collations of
#: texts differ from server to server.
_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in {
        "engine": "InnoDB",
        "row_format": "DYNAMIC",
        "charset": "utf8mb4",
        "collate": "utf8mb4_bin",
    }.items()
}


def _zero(name: str, type_: sa.types.TypeEngine[int] | type[sa.types.TypeEngine[int]]) -> sa.Column[int]:
    return sa.Column(name, type_, nullable=False, server_default="0")


@dataclass(frozen=True, slots=True, eq=False)
class SidecarTables:
    """The tables under the names that they have in one database."""

    metadata: sa.MetaData
    library: sa.Table
    people: sa.Table
    groups: sa.Table
    group_members: sa.Table
    vectors: sa.Table
    face_index: sa.Table
    photos: sa.Table
    sources: sa.Table
    calibration: sa.Table
    ledger: sa.Table
    ledger_faces: sa.Table
    never: sa.Table


@dataclass(frozen=True, slots=True)
class _Maker:
    """Defines tables and their indexes under the names that they have in one database."""

    prefix: str
    database: str | None
    metadata: sa.MetaData

    def table(self, name: str, *parts: sa.schema.SchemaItem, numbered: bool = True) -> sa.Table:
        # An id that was removed must never come back: people's notes refer to ids.
        options = {"schema": self.database, "sqlite_autoincrement": numbered, **_OPTIONS}
        return sa.Table(f"{self.prefix}{name}", self.metadata, *parts, **options)

    def index(self, name: str, *columns: str, unique: bool = False) -> sa.Index:
        return sa.Index(f"{self.prefix}{name}", *columns, unique=unique)


def sidecar_tables(prefix: str = "", database: str | None = None, metadata: sa.MetaData | None = None) -> SidecarTables:
    """Define the tables with this prefix, in another database of the same server where one is named.

    Args:
        prefix: before each name; "" in a file of our own.
        database: None: the one that the connection is to.
        metadata: what they become part of; a new one without it.
    """
    make = _Maker(prefix, database, metadata if metadata is not None else sa.MetaData())
    return SidecarTables(
        metadata=make.metadata,
        library=_library(make),
        people=_people(make),
        groups=_groups(make),
        group_members=_group_members(make),
        vectors=_vectors(make),
        face_index=_face_index(make),
        photos=_photos(make),
        sources=_sources(make),
        calibration=_calibration(make),
        ledger=_ledger(make),
        ledger_faces=_ledger_faces(make),
        never=_never(make),
    )


def _library(make: _Maker) -> sa.Table:
    """One row. `change` counts every change that other processes must follow.

    Whoever writes to people or groups raises it last in its transaction, so that changes become visible in the order of
    their numbers.
    """
    return make.table(
        "library",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.SmallInteger, nullable=False),
        # What links by itself where FACE_MATCH does not say.
        sa.Column("match_rule", _ASCII, nullable=False),
        _zero("change", _ID),
        # The alarm: of all faces in groups.
        _zero("alarm_steps", sa.BigInteger),
        _zero("alarm_faces", sa.BigInteger),
        # Of how many faces in groups groups were joined last, and until when a process is doing it now.
        _zero("joined_at_faces", sa.BigInteger),
        sa.Column("joining_until", _TIME),
        sa.Column("joining_by", _ASCII),
        # The neighbourhood in force: its number, the cohort it was made with, and the own groups in it, float32.
        # 0: of the first faces some stand in for groups.
        _zero("number", sa.Integer),
        sa.Column("cohort", _ASCII),
        sa.Column("own_middles", _MIDDLES),
        sa.Column("alarm_strength", sa.Double, nullable=False, server_default="0"),
        # The change by which a refusal came or went last.
        _zero("never_change", _ID),
        # When a process looked last at what PHP changed, and up to which `faces.updated_at`.
        sa.Column("looked_at", _TIME),
        sa.Column("looked_until", _TIME),
        numbered=False,
    )


def _people(make: _Maker) -> sa.Table:
    """Who is known: name, marks, the sum of the confirmed faces, and how many there are of each kind."""
    return make.table(
        "people",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", _NAME),
        # What is equal for all spellings of the name: `faces.people.names.key`, its first 255 letters.
        sa.Column("name_key", _NAME),
        # A confirmed face without a parent: what linked faces have as `parent_id`. Where faces have parents.
        sa.Column("master_face_id", _ID),
        # `persons.id`, where the app has them.
        sa.Column("app_person_id", _ID),
        _zero("hidden", sa.SmallInteger),
        _zero("favourite", sa.SmallInteger),
        sa.Column("cover", _ID),
        _zero("k", sa.Integer),
        sa.Column("sum", _SUM),
        sa.Column("around", sa.Double),
        _zero("cohort_number", sa.Integer),
        _zero("confirmed", sa.Integer),
        _zero("linked", sa.Integer),
        _zero("suggested", sa.Integer),
        sa.Column("last_taken", _TIME),
        _zero("revision", sa.Integer),
        _zero("change", _ID),
        sa.Column("created_at", _TIME),
        make.index("people_grid", "hidden", "confirmed", "id"),
        make.index("people_name", "name_key", "id"),
        make.index("people_master", "master_face_id"),
        make.index("people_app_person", "app_person_id"),
        make.index("people_change", "change"),
    )


def _groups(make: _Maker) -> sa.Table:
    """A group that was joined to another stays as a row, so that other processes and an undo find where it went."""
    return make.table(
        "groups",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("person_id", _ID),
        sa.Column("joined_to", _ID),
        _zero("size", sa.Integer),
        sa.Column("sum", _SUM),
        sa.Column("around", sa.Double),
        _zero("cohort_number", sa.Integer),
        # 1: changed since groups were joined last; 2: since then asked about by nobody.
        _zero("unsettled", sa.SmallInteger),
        # The likeliest person, where it is offered.
        sa.Column("offered_person_id", _ID),
        sa.Column("probability", sa.Double),
        _zero("revision", sa.Integer),
        _zero("change", _ID),
        sa.Column("created_at", _TIME),
        make.index("groups_change", "change"),
        make.index("groups_unsettled", "unsettled", "id"),
        make.index("groups_largest", "joined_to", "person_id", "size", "id"),
        make.index("groups_offered", "offered_person_id"),
    )


def _group_members(make: _Maker) -> sa.Table:
    """The unique index is the promise that no group has two faces of one photo."""
    return make.table(
        "group_members",
        sa.Column("face_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("group_id", _ID, nullable=False),
        sa.Column("image_id", _ID, nullable=False),
        make.index("group_members_photo", "group_id", "image_id", unique=True),
        make.index("group_members_image", "image_id"),
        numbered=False,
    )


def _vectors(make: _Maker) -> sa.Table:
    """All readable encodings, as numbers: the app's are 2.6 kB of JSON each."""
    return make.table(
        "vectors",
        sa.Column("face_id", _ID, primary_key=True, autoincrement=False),
        # CRC-32 of the text in the row: whether it is still the same.
        sa.Column("encoding_crc", sa.BigInteger, nullable=False),
        sa.Column("encoding", _ENCODING, nullable=False),
        numbered=False,
    )


def _face_index(make: _Maker) -> sa.Table:
    """Each face that is not deleted, narrow: the wide table's encodings make every list of it slow."""
    return make.table(
        "face_index",
        sa.Column("face_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("image_id", _ID, nullable=False),
        sa.Column("source_id", sa.Integer),
        sa.Column("taken_at", _TIME),
        sa.Column("person_id", _ID),
        sa.Column("group_id", _ID),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("probability", sa.Double),
        sa.Column("quality", sa.Double),
        make.index("face_index_person_time", "person_id", "state", "taken_at", "face_id"),
        make.index("face_index_person_probability", "person_id", "state", "probability", "face_id"),
        make.index("face_index_group", "group_id", "quality", "face_id"),
        make.index("face_index_image", "image_id"),
        make.index("face_index_source", "source_id", "state", "person_id"),
        make.index("face_index_state", "state", "probability", "face_id"),
        numbered=False,
    )


def _photos(make: _Maker) -> sa.Table:
    """What is known of a photo beside its row: when, where from, its content and turn where they are known."""
    return make.table(
        "photos",
        sa.Column("image_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("source_id", sa.Integer),
        sa.Column("taken_at", _TIME),
        sa.Column("sha256", sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")),
        # EXIF's orientation, 1 to 8.
        sa.Column("turn", sa.SmallInteger),
        make.index("photos_sha256", "sha256"),
        numbered=False,
    )


def _sources(make: _Maker) -> sa.Table:
    """A disk of the app, or a scanned folder."""
    return make.table(
        "sources",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", _NAME, nullable=False),
        make.index("sources_name", "name", unique=True),
    )


def _calibration(make: _Maker) -> sa.Table:
    """What the library taught about itself, the newest last."""
    return make.table(
        "calibration",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("cohort", _ASCII, nullable=False),
        sa.Column("shift", sa.Double, nullable=False),
        sa.Column("share", sa.Double, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("measured_at", _TIME, nullable=False),
    )


def _ledger(make: _Maker) -> sa.Table:
    """What was linked and answered: when, by whom, by which rule."""
    return make.table(
        "ledger",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("uuid", _ASCII, nullable=False),
        sa.Column("actor", _NAME, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("kind", _ASCII, nullable=False),
        sa.Column("undoes", _ID),
        sa.Column("p", sa.Double),
        sa.Column("t", sa.Double),
        sa.Column("distance", sa.Double),
        sa.Column("rule", _TEXT),
        make.index("ledger_uuid", "uuid", unique=True),
        make.index("ledger_at", "at", "id"),
        make.index("ledger_undoes", "undoes"),
    )


def _ledger_faces(make: _Maker) -> sa.Table:
    """The faces of an entry, with what was before and after."""
    return make.table(
        "ledger_faces",
        sa.Column("entry", _ID, primary_key=True, autoincrement=False),
        sa.Column("face_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("before", _JSON, nullable=False),
        sa.Column("after", _JSON, nullable=False),
        make.index("ledger_faces_face", "face_id", "entry"),
        numbered=False,
    )


def _never(make: _Maker) -> sa.Table:
    """What never belongs together: f12, g3 or p4 each, `a` the lesser text. Kept for ever."""
    return make.table(
        "never",
        sa.Column("a", _ASCII, primary_key=True),
        sa.Column("b", _ASCII, primary_key=True),
        make.index("never_b", "b", "a"),
        numbered=False,
    )
