"""The tables of people, groups and answers: one definition for a file of our own and for the app's server.

*Facts* are kept for ever and backed up: `people` (name, master, marks), `groups` and `group_members`, `ledger` and its
two, `answers`, `never`, `photos`, `sources`, `evaluations`. All else is *derived*: sums, neighbourhoods, counters,
`vectors` and `vector_changes`, `face_index`, `calibration`. `worker refresh` makes it anew of the faces' rows and the
facts.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from faces.store.sidecar import evaluation_table, ledger_tables
from faces.store.sidecar.table_making import ASCII, ENCODING, ID, MIDDLES, NAME, SUM, TIME, TableMaker, zero

#: Beside the app's tables each name begins with this.
PREFIX = "face_sidecar_"


@dataclass(frozen=True, slots=True, eq=False)
class SidecarTables:
    """The tables under the names that they have in one database."""

    metadata: sa.MetaData
    library: sa.Table
    people: sa.Table
    groups: sa.Table
    group_members: sa.Table
    vectors: sa.Table
    vector_changes: sa.Table
    face_index: sa.Table
    photos: sa.Table
    sources: sa.Table
    pending_images: sa.Table
    calibration: sa.Table
    evaluations: sa.Table
    ledger: sa.Table
    ledger_faces: sa.Table
    ledger_refs: sa.Table
    answers: sa.Table
    never: sa.Table


def sidecar_tables(prefix: str = "", database: str | None = None, metadata: sa.MetaData | None = None) -> SidecarTables:
    """Define the tables with this prefix, in another database of the same server where one is named.

    Args:
        prefix: before each name; "" in a file of our own.
        database: None: the one that the connection is to.
        metadata: what they become part of; a new one without it.
    """
    make = TableMaker(prefix, database, metadata if metadata is not None else sa.MetaData())
    return SidecarTables(
        metadata=make.metadata,
        library=_library(make),
        people=_people(make),
        groups=_groups(make),
        group_members=_group_members(make),
        vectors=_vectors(make),
        vector_changes=_vector_changes(make),
        face_index=_face_index(make),
        photos=_photos(make),
        sources=_sources(make),
        pending_images=_pending_images(make),
        calibration=_calibration(make),
        evaluations=evaluation_table.evaluations(make),
        ledger=ledger_tables.ledger(make),
        ledger_faces=ledger_tables.ledger_faces(make),
        ledger_refs=ledger_tables.ledger_refs(make),
        answers=ledger_tables.answers(make),
        never=ledger_tables.never(make),
    )


def _library(make: TableMaker) -> sa.Table:
    """One row. `change` counts every change that other processes must follow.

    Whoever writes to people or groups raises it last in its transaction, so that changes become visible in the order of
    their numbers.
    """
    return make.table(
        "library",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.SmallInteger, nullable=False),
        # What links by itself where FACE_MATCH does not say.
        sa.Column("match_rule", ASCII, nullable=False),
        zero("change", ID),
        # The alarm: of all faces in groups.
        zero("alarm_steps", sa.BigInteger),
        zero("alarm_faces", sa.BigInteger),
        # Of how many faces in groups groups were joined last, and until when a process is doing it now.
        zero("joined_at_faces", sa.BigInteger),
        sa.Column("joining_until", TIME),
        sa.Column("joining_by", ASCII),
        # The neighbourhood in force: its number, the cohort it was made with, and the own groups in it, float32.
        # 0: of the first faces some stand in for groups.
        zero("number", sa.Integer),
        sa.Column("cohort", ASCII),
        sa.Column("own_middles", MIDDLES),
        sa.Column("alarm_strength", sa.Double, nullable=False, server_default="0"),
        # The change by which a refusal came or went last.
        zero("never_change", ID),
        # When a process looked last at what PHP changed, and up to which `faces.updated_at`.
        sa.Column("looked_at", TIME),
        sa.Column("looked_until", TIME),
        # The change by which a face came to be none, or ceased to, last; and up to which all others were compared.
        zero("not_face_change", ID),
        zero("not_face_looked", ID),
        numbered=False,
    )


def _people(make: TableMaker) -> sa.Table:
    """Who is known: name, marks, the sum of the confirmed faces, and how many there are of each kind."""
    return make.table(
        "people",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", NAME),
        # What is equal for all spellings of the name: `faces.people.names.key`, its first 255 letters.
        sa.Column("name_key", NAME),
        # A confirmed face without a parent: what linked faces have as `parent_id`. Where faces have parents.
        sa.Column("master_face_id", ID),
        # `persons.id`, where the app has them.
        sa.Column("app_person_id", ID),
        zero("hidden", sa.SmallInteger),
        zero("favourite", sa.SmallInteger),
        sa.Column("cover", ID),
        zero("k", sa.Integer),
        sa.Column("sum", SUM),
        sa.Column("around", sa.Double),
        zero("cohort_number", sa.Integer),
        zero("confirmed", sa.Integer),
        zero("linked", sa.Integer),
        zero("suggested", sa.Integer),
        sa.Column("last_taken", TIME),
        zero("revision", sa.Integer),
        zero("change", ID),
        sa.Column("created_at", TIME),
        # A person that was joined to another stays as a row: its id is in people's notes, and an undo needs it.
        sa.Column("joined_to", ID),
        # How often the confirmed faces have changed since all that has no name was compared with them.
        zero("unsettled", sa.Integer),
        make.index("people_grid", "hidden", "confirmed", "id"),
        make.index("people_name", "name_key", "id"),
        make.index("people_master", "master_face_id"),
        make.index("people_app_person", "app_person_id"),
        make.index("people_change", "change"),
    )


def _groups(make: TableMaker) -> sa.Table:
    """A group that was joined to another stays as a row, so that other processes and an undo find where it went."""
    return make.table(
        "groups",
        sa.Column("id", ID, primary_key=True),
        sa.Column("person_id", ID),
        sa.Column("joined_to", ID),
        zero("size", sa.Integer),
        sa.Column("sum", SUM),
        sa.Column("around", sa.Double),
        zero("cohort_number", sa.Integer),
        # 1: changed since groups were joined last; 2: since then asked about by nobody.
        zero("unsettled", sa.SmallInteger),
        # The likeliest person, where it is offered.
        sa.Column("offered_person_id", ID),
        sa.Column("probability", sa.Double),
        zero("revision", sa.Integer),
        zero("change", ID),
        sa.Column("created_at", TIME),
        make.index("groups_change", "change"),
        make.index("groups_unsettled", "unsettled", "id"),
        make.index("groups_largest", "joined_to", "person_id", "size", "id"),
        make.index("groups_offered", "offered_person_id"),
    )


def _group_members(make: TableMaker) -> sa.Table:
    """The unique index is the promise that no group has two faces of one photo."""
    return make.table(
        "group_members",
        sa.Column("face_id", ID, primary_key=True, autoincrement=False),
        sa.Column("group_id", ID, nullable=False),
        sa.Column("image_id", ID, nullable=False),
        make.index("group_members_photo", "group_id", "image_id", unique=True),
        make.index("group_members_image", "image_id"),
        numbered=False,
    )


def _vectors(make: TableMaker) -> sa.Table:
    """All readable encodings, as numbers: the app's are 2.6 kB of JSON each."""
    return make.table(
        "vectors",
        sa.Column("face_id", ID, primary_key=True, autoincrement=False),
        # CRC-32 of the text in the row: whether it is still the same.
        sa.Column("encoding_crc", sa.BigInteger, nullable=False),
        sa.Column("encoding", ENCODING, nullable=False),
        numbered=False,
    )


def _vector_changes(make: TableMaker) -> sa.Table:
    """By which of the library's changes a face's encoding came, became another or went last; faces that are gone stay.

    What has been there since before this table was has no row.
    """
    return make.table(
        "vector_changes",
        sa.Column("face_id", ID, primary_key=True, autoincrement=False),
        sa.Column("change", ID, nullable=False),
        make.index("vector_changes_change", "change", "face_id"),
        numbered=False,
    )


def _face_index(make: TableMaker) -> sa.Table:
    """Each face that is not deleted, narrow: the wide table's encodings make every list of it slow."""
    return make.table(
        "face_index",
        sa.Column("face_id", ID, primary_key=True, autoincrement=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("source_id", sa.Integer),
        sa.Column("taken_at", TIME),
        sa.Column("person_id", ID),
        sa.Column("group_id", ID),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("probability", sa.Double),
        sa.Column("quality", sa.Double),
        # The nearest face that a person has said is none, where it is near and nobody has answered for this one.
        sa.Column("like_not_face", ID),
        make.index("face_index_like_not_face", "like_not_face", "face_id"),
        make.index("face_index_person_time", "person_id", "state", "taken_at", "face_id"),
        make.index("face_index_person_probability", "person_id", "state", "probability", "face_id"),
        make.index("face_index_group", "group_id", "quality", "face_id"),
        make.index("face_index_image", "image_id"),
        make.index("face_index_source", "source_id", "state", "person_id"),
        make.index("face_index_state", "state", "probability", "face_id"),
        numbered=False,
    )


def _photos(make: TableMaker) -> sa.Table:
    """What is known of a photo beside its row: when, where from, its content and turn where they are known."""
    return make.table(
        "photos",
        sa.Column("image_id", ID, primary_key=True, autoincrement=False),
        sa.Column("source_id", sa.Integer),
        sa.Column("taken_at", TIME),
        sa.Column("sha256", sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")),
        # EXIF's orientation, 1 to 8.
        sa.Column("turn", sa.SmallInteger),
        make.index("photos_sha256", "sha256"),
        numbered=False,
    )


def _sources(make: TableMaker) -> sa.Table:
    """A disk of the app, or a scanned folder."""
    return make.table(
        "sources",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", NAME, nullable=False),
        make.index("sources_name", "name", unique=True),
    )


def _pending_images(make: TableMaker) -> sa.Table:
    """Images that the others are to be brought up to date with: at once, or when the app has written metadata."""
    return make.table(
        "pending_images",
        sa.Column("id", ID, primary_key=True),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("awaits_until", TIME),
        make.index("pending_images_image", "image_id"),
        make.index("pending_images_awaits", "awaits_until", "id"),
    )


def _calibration(make: TableMaker) -> sa.Table:
    """What the library taught about itself, the newest last."""
    return make.table(
        "calibration",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("cohort", ASCII, nullable=False),
        sa.Column("shift", sa.Double, nullable=False),
        sa.Column("share", sa.Double, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("measured_at", TIME, nullable=False),
    )
