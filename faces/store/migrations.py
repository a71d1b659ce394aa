"""How a file of our own that an older version made becomes what this version makes: numbered steps of SQL.

The app's database is never changed.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from faces.errors import StoreUnavailable
from faces.system import atomic_file

#: What makes each version of the one before it; `PRAGMA user_version` says which one a file has. A step is never
#: changed once it was released: a change of the tables in `schema` is a further step, and a test compares the two.
STEPS: Mapping[int, tuple[str, ...]] = {
    2: (
        "ALTER TABLE scan_marks ADD COLUMN gone_at DATETIME",
        "CREATE INDEX scan_marks_sha256 ON scan_marks (sha256)",
        "CREATE INDEX scan_marks_gone ON scan_marks (image_id) WHERE gone_at IS NOT NULL",
        "CREATE TABLE scan_folders (path VARCHAR(255) NOT NULL PRIMARY KEY, inode BIGINT NOT NULL)",
        "CREATE TABLE scan_excludes (folder VARCHAR(255) NOT NULL, pattern VARCHAR(255) NOT NULL,"
        " PRIMARY KEY (folder, pattern))",
    ),
    3: (
        "CREATE INDEX faces_listed ON faces (image_id, face_index, id, status, name, parent_id, deleted_at)",
        "CREATE INDEX faces_name ON faces (name)",
    ),
    4: (
        "CREATE TABLE library (id SMALLINT NOT NULL, version SMALLINT NOT NULL, match_rule VARCHAR(64) NOT "
        "NULL, change INTEGER DEFAULT '0' NOT NULL, alarm_steps BIGINT DEFAULT '0' NOT NULL, alarm_faces "
        "BIGINT DEFAULT '0' NOT NULL, joined_at_faces BIGINT DEFAULT '0' NOT NULL, joining_until DATETIME, "
        "joining_by VARCHAR(64), number INTEGER DEFAULT '0' NOT NULL, cohort VARCHAR(64), own_middles BLOB, "
        "alarm_strength DOUBLE DEFAULT '0' NOT NULL, never_change INTEGER DEFAULT '0' NOT NULL, looked_at "
        "DATETIME, looked_until DATETIME, PRIMARY KEY (id))",
        "CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name VARCHAR(255), name_key "
        "VARCHAR(255), master_face_id INTEGER, app_person_id INTEGER, hidden SMALLINT DEFAULT '0' NOT NULL, "
        "favourite SMALLINT DEFAULT '0' NOT NULL, cover INTEGER, k INTEGER DEFAULT '0' NOT NULL, sum BLOB, around "
        "DOUBLE, cohort_number INTEGER DEFAULT '0' NOT NULL, confirmed INTEGER DEFAULT '0' NOT NULL, linked "
        "INTEGER DEFAULT '0' NOT NULL, suggested INTEGER DEFAULT '0' NOT NULL, last_taken DATETIME, revision "
        "INTEGER DEFAULT '0' NOT NULL, change INTEGER DEFAULT '0' NOT NULL, created_at DATETIME)",
        "CREATE INDEX people_app_person ON people (app_person_id)",
        "CREATE INDEX people_change ON people (change)",
        "CREATE INDEX people_grid ON people (hidden, confirmed, id)",
        "CREATE INDEX people_master ON people (master_face_id)",
        "CREATE INDEX people_name ON people (name_key, id)",
        "CREATE TABLE groups (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, person_id INTEGER, joined_to INTEGER, "
        "size INTEGER DEFAULT '0' NOT NULL, sum BLOB, around DOUBLE, cohort_number INTEGER DEFAULT '0' NOT NULL, "
        "unsettled SMALLINT DEFAULT '0' NOT NULL, offered_person_id INTEGER, probability DOUBLE, revision INTEGER "
        "DEFAULT '0' NOT NULL, change INTEGER DEFAULT '0' NOT NULL, created_at DATETIME)",
        "CREATE INDEX groups_change ON groups (change)",
        "CREATE INDEX groups_largest ON groups (joined_to, person_id, size, id)",
        "CREATE INDEX groups_offered ON groups (offered_person_id)",
        "CREATE INDEX groups_unsettled ON groups (unsettled, id)",
        "CREATE TABLE group_members (face_id INTEGER NOT NULL, group_id INTEGER NOT NULL, image_id INTEGER NOT "
        "NULL, PRIMARY KEY (face_id))",
        "CREATE INDEX group_members_image ON group_members (image_id)",
        "CREATE UNIQUE INDEX group_members_photo ON group_members (group_id, image_id)",
        "CREATE TABLE vectors (face_id INTEGER NOT NULL, encoding_crc BIGINT NOT NULL, encoding BLOB NOT NULL, "
        "PRIMARY KEY (face_id))",
        "CREATE TABLE face_index (face_id INTEGER NOT NULL, image_id INTEGER NOT NULL, source_id INTEGER, "
        "taken_at DATETIME, person_id INTEGER, group_id INTEGER, state SMALLINT NOT NULL, probability DOUBLE,"
        " quality DOUBLE, PRIMARY KEY (face_id))",
        "CREATE INDEX face_index_group ON face_index (group_id, quality, face_id)",
        "CREATE INDEX face_index_image ON face_index (image_id)",
        "CREATE INDEX face_index_person_probability ON face_index (person_id, state, probability, face_id)",
        "CREATE INDEX face_index_person_time ON face_index (person_id, state, taken_at, face_id)",
        "CREATE INDEX face_index_source ON face_index (source_id, state, person_id)",
        "CREATE INDEX face_index_state ON face_index (state, probability, face_id)",
        "CREATE TABLE photos (image_id INTEGER NOT NULL, source_id INTEGER, taken_at DATETIME, sha256 BLOB, turn "
        "SMALLINT, PRIMARY KEY (image_id))",
        "CREATE INDEX photos_sha256 ON photos (sha256)",
        "CREATE TABLE sources (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name VARCHAR(255) NOT NULL)",
        "CREATE UNIQUE INDEX sources_name ON sources (name)",
        "CREATE TABLE calibration (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, cohort VARCHAR(64) NOT NULL, "
        "shift DOUBLE NOT NULL, share DOUBLE NOT NULL, people INTEGER NOT NULL, measured_at DATETIME NOT NULL)",
        "CREATE TABLE ledger (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, uuid VARCHAR(64) NOT NULL, actor "
        "VARCHAR(255) NOT NULL, at DATETIME NOT NULL, kind VARCHAR(64) NOT NULL, undoes INTEGER, p DOUBLE, t "
        "DOUBLE, distance DOUBLE, rule VARCHAR(255))",
        "CREATE INDEX ledger_at ON ledger (at, id)",
        "CREATE INDEX ledger_undoes ON ledger (undoes)",
        "CREATE UNIQUE INDEX ledger_uuid ON ledger (uuid)",
        'CREATE TABLE ledger_faces (entry INTEGER NOT NULL, face_id INTEGER NOT NULL, "before" TEXT NOT NULL, '
        '"after" TEXT NOT NULL, PRIMARY KEY (entry, face_id))',
        "CREATE INDEX ledger_faces_face ON ledger_faces (face_id, entry)",
        "CREATE TABLE never (a VARCHAR(64) NOT NULL, b VARCHAR(64) NOT NULL, PRIMARY KEY (a, b))",
        "CREATE INDEX never_b ON never (b, a)",
        "INSERT INTO library (id, version, match_rule) VALUES (1, 1, 'nearest')",
    ),
    5: (
        "CREATE TABLE pending_images (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, image_id INTEGER NOT NULL, "
        "awaits_until DATETIME)",
        "CREATE INDEX pending_images_awaits ON pending_images (awaits_until, id)",
        "CREATE INDEX pending_images_image ON pending_images (image_id)",
        "ALTER TABLE people ADD COLUMN joined_to INTEGER",
        "ALTER TABLE library ADD COLUMN not_face_change INTEGER DEFAULT '0' NOT NULL",
        "ALTER TABLE library ADD COLUMN not_face_looked INTEGER DEFAULT '0' NOT NULL",
        "ALTER TABLE face_index ADD COLUMN like_not_face INTEGER",
        "CREATE INDEX face_index_like_not_face ON face_index (like_not_face, face_id)",
        'CREATE TABLE ledger_refs (entry INTEGER NOT NULL, ref VARCHAR(64) NOT NULL, "before" TEXT NOT NULL, "after" '
        "TEXT NOT NULL, PRIMARY KEY (entry, ref))",
        "CREATE INDEX ledger_refs_ref ON ledger_refs (ref, entry)",
        "CREATE TABLE answers (face_id INTEGER NOT NULL, entry INTEGER NOT NULL, says SMALLINT NOT NULL, person_id "
        "INTEGER, PRIMARY KEY (face_id))",
        "CREATE INDEX answers_entry ON answers (entry)",
        "CREATE INDEX answers_person ON answers (person_id)",
    ),
    6: (
        "ALTER TABLE people ADD COLUMN unsettled INTEGER DEFAULT '0' NOT NULL",
        "CREATE TABLE vector_changes (face_id INTEGER NOT NULL, change INTEGER NOT NULL, PRIMARY KEY (face_id))",
        "CREATE INDEX vector_changes_change ON vector_changes (change, face_id)",
        "CREATE TABLE evaluations (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, measured_at DATETIME NOT NULL, actor "
        "VARCHAR(255) NOT NULL, version VARCHAR(64) NOT NULL, cohort VARCHAR(64) NOT NULL, figures TEXT NOT NULL)",
    ),
}

#: What a new file gets.
NEWEST = max(STEPS)

#: The first version that was released; a file of a lower one is not ours.
FIRST = 1

#: Seconds to wait for another process that brings the same file forward, or writes into it.
_PATIENCE = 600


def copy_of(file: Path, version: int) -> Path:
    """Where the file is kept as it was before it became of this version."""
    return file.with_name(f"{file.name}.before-{version}")


def bring_forward(file: Path) -> None:
    """Run the steps that a file of our own lacks, in one transaction, after a copy beside it.

    Nothing happens to a file of the newest version. Of several processes one does it and the others wait; one that is
    killed leaves the file as it was.

    Raises:
        StoreUnavailable: there is no room for the copy, or the file cannot be written; it stays as it was.
    """
    try:
        # Foreign keys are not enforced here: SQLite's own recipe for a changed table drops the old one.
        with closing(sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)) as connection:
            _bring_forward(connection, file)
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(
            f"the database {file} was made by an older version, and could not be copied to {copy_of(file, NEWEST)} and "
            f"brought to schema {NEWEST}: {_why(error)}; it was left as it was. "
            "Needed are rights to write both, and room for the copy"
        ) from error


def _bring_forward(connection: sqlite3.Connection, file: Path) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    # Another process may have done it while this one waited for the lock.
    if version < NEWEST:
        _copy(file, copy_of(file, NEWEST))
        for number in range(version + 1, NEWEST + 1):
            for statement in STEPS[number]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {NEWEST}")
    connection.execute("COMMIT")


def _copy(file: Path, copy: Path) -> None:
    """Copy what is committed in a database that nothing can write into now, whole or not at all."""
    unfinished = atomic_file.beside(copy)
    unfinished.unlink(missing_ok=True)
    try:
        _make_as(unfinished, file.stat())
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as target:
            # A half-written copy is thrown away anyway: no journal beside it.
            target.execute("PRAGMA journal_mode = OFF").close()
            target.execute("PRAGMA synchronous = FULL").close()
            source.backup(target)
        unfinished.rename(copy)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def _make_as(path: Path, original: os.stat_result) -> None:
    """An empty file with the original's rights, and its owner where we may give it away."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with contextlib.suppress(PermissionError):
            os.fchown(handle, original.st_uid, original.st_gid)
        os.fchmod(handle, original.st_mode & 0o777)
    finally:
        os.close(handle)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
