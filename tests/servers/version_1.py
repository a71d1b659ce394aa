"""A file of our own as the first version made it: its tables, and a way back to them from a newer one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

#: A file as the first version made it.
VERSION_1 = """
CREATE TABLE images (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    parent_id INTEGER,
    image_geolocation_point_id INTEGER,
    disk VARCHAR(255),
    path VARCHAR(255),
    filename VARCHAR(255) NOT NULL,
    debug_filename VARCHAR(255),
    width INTEGER,
    height INTEGER,
    size INTEGER,
    hash BLOB,
    phash BLOB,
    created_at_file DATETIME,
    updated_at_file DATETIME,
    metadata TEXT,
    faces_checked SMALLINT DEFAULT '0' NOT NULL,
    thumbnail_path VARCHAR(255),
    thumbnail_filename VARCHAR(255),
    thumbnail_method VARCHAR(255),
    thumbnail_width VARCHAR(255),
    thumbnail_height VARCHAR(255),
    created_at DATETIME,
    updated_at DATETIME,
    status VARCHAR(255) DEFAULT 'process' NOT NULL,
    last_error VARCHAR(255),
    CHECK (status IN ('process', 'not_photo', 'recheck', 'ok'))
);
CREATE INDEX images_place ON images (disk, path, filename);
CREATE INDEX images_faces_checked ON images (faces_checked);
CREATE TABLE faces (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    parent_id INTEGER,
    image_id INTEGER NOT NULL,
    face_index SMALLINT NOT NULL,
    name VARCHAR(255),
    encoding TEXT,
    status VARCHAR(255) DEFAULT 'process' NOT NULL,
    quality_score DOUBLE,
    quality_details TEXT,
    is_reference SMALLINT DEFAULT '0' NOT NULL,
    box TEXT,
    created_at DATETIME,
    updated_at DATETIME,
    deleted_at DATETIME,
    CHECK (status IN ('process', 'unknown', 'not_face', 'ok')),
    CHECK (face_index BETWEEN 0 AND 255),
    FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE RESTRICT
);
CREATE INDEX faces_parent_id ON faces (parent_id);
CREATE INDEX faces_image_id ON faces (image_id);
CREATE INDEX faces_status ON faces (status);
CREATE TABLE scan_marks (
    image_id INTEGER NOT NULL,
    size BIGINT NOT NULL,
    modified_ns BIGINT NOT NULL,
    sha256 BLOB NOT NULL,
    refused SMALLINT DEFAULT '0' NOT NULL,
    PRIMARY KEY (image_id),
    FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE
);
PRAGMA user_version = 1;
"""


def columns_of_version_1() -> dict[str, str]:
    """The columns of each table, as a SELECT lists them."""
    with closing(sqlite3.connect(":memory:")) as old:
        old.executescript(VERSION_1)
        tables = ("images", "faces", "scan_marks")
        return {table: ", ".join(row[1] for row in old.execute(f"PRAGMA table_info({table})")) for table in tables}


def take_back(file: Path) -> None:
    """Make a file, which no process has open, what it would be had the first version made it: the same rows."""
    newer = file.with_name("newer.db")
    file.rename(newer)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").close()
        connection.executescript(VERSION_1)
        connection.execute("ATTACH ? AS newer", (str(newer),))
        for table, columns in columns_of_version_1().items():
            connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM newer.{table}")
    newer.unlink()
