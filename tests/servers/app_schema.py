"""The app's tables in MySQL's words, as its migrations make them: the first version, and what later ones changed.

Each later version is the first one migrated forward in place. In its migrations `images.phash` is NOT NULL; the job of
v5 asks whether it is NULL, so that it must be nullable where the app runs, and is here.
"""

from __future__ import annotations

import re

IMAGES = """
CREATE TABLE images (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  parent_id BIGINT UNSIGNED NULL,
  image_geolocation_point_id BIGINT UNSIGNED NULL,
  disk VARCHAR(255) NULL,
  path VARCHAR(255) NULL,
  filename VARCHAR(255) NOT NULL,
  debug_filename VARCHAR(255) NULL,
  width INT NULL, height INT NULL, size INT NULL,
  hash BINARY(16) NULL,
  phash BINARY(8) NULL,
  created_at_file DATETIME NULL, updated_at_file DATETIME NULL,
  metadata JSON NULL,
  faces_checked TINYINT(1) NOT NULL DEFAULT 0,
  thumbnail_path VARCHAR(255) NULL, thumbnail_filename VARCHAR(255) NULL, thumbnail_method VARCHAR(255) NULL,
  thumbnail_width VARCHAR(255) NULL, thumbnail_height VARCHAR(255) NULL,
  created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL,
  status ENUM('process', 'not_photo', 'recheck', 'ok') NOT NULL DEFAULT 'process',
  last_error VARCHAR(255) NULL,
  INDEX images_place (disk, path, filename),
  INDEX images_faces_checked (faces_checked)
)
"""

FACES = """
CREATE TABLE faces (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  parent_id BIGINT UNSIGNED NULL,
  image_id BIGINT UNSIGNED NULL,
  face_index TINYINT UNSIGNED NOT NULL,
  name VARCHAR(255) NULL,
  encoding JSON NULL,
  status ENUM('process', 'unknown', 'not_face', 'ok') NOT NULL DEFAULT 'process',
  created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL, deleted_at TIMESTAMP NULL,
  CONSTRAINT faces_image FOREIGN KEY (image_id) REFERENCES images (id) ON DELETE RESTRICT
)
"""

#: Laravel's own tables, as its migrations make them, and the app's `queues`; the same in every version.
QUEUES = """
CREATE TABLE queues (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  queue_key BINARY(16) NOT NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  UNIQUE INDEX queues_queue_key_unique (queue_key)
)
"""

CACHE = """
CREATE TABLE cache (
  `key` VARCHAR(255) NOT NULL PRIMARY KEY,
  value MEDIUMTEXT NOT NULL,
  expiration INT NOT NULL
)
"""

CACHE_LOCKS = """
CREATE TABLE cache_locks (
  `key` VARCHAR(255) NOT NULL PRIMARY KEY,
  owner VARCHAR(255) NOT NULL,
  expiration INT NOT NULL
)
"""

FAILED_JOBS = """
CREATE TABLE failed_jobs (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  uuid VARCHAR(255) NOT NULL,
  connection TEXT NOT NULL,
  queue TEXT NOT NULL,
  payload LONGTEXT NOT NULL,
  exception LONGTEXT NOT NULL,
  failed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  UNIQUE INDEX failed_jobs_uuid_unique (uuid)
)
"""

JOB_BATCHES = """
CREATE TABLE job_batches (
  id VARCHAR(255) NOT NULL PRIMARY KEY,
  name VARCHAR(255) NOT NULL,
  total_jobs INT NOT NULL,
  pending_jobs INT NOT NULL,
  failed_jobs INT NOT NULL,
  failed_job_ids LONGTEXT NOT NULL,
  options MEDIUMTEXT NULL,
  cancelled_at INT NULL,
  created_at INT NOT NULL,
  finished_at INT NULL
)
"""

LARAVEL = (QUEUES, CACHE, CACHE_LOCKS, FAILED_JOBS, JOB_BATCHES)

V1 = (IMAGES, FACES, *LARAVEL)

PERSONS = """
CREATE TABLE persons (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(255) NOT NULL,
  photo VARCHAR(255) NULL,
  centroid_embedding JSON NULL,
  embeddings_count INT UNSIGNED NOT NULL DEFAULT 0,
  created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL
)
"""

#: Persons are kept, but the job links faces to faces.
V2 = (
    *V1,
    PERSONS,
    """
    ALTER TABLE faces
      ADD COLUMN person_id BIGINT UNSIGNED NULL,
      ADD COLUMN quality_score DOUBLE NULL,
      ADD COLUMN quality_details JSON NULL,
      ADD COLUMN is_reference TINYINT(1) NOT NULL DEFAULT 0
    """,
)

#: One that was not migrated but made new, by v2's own first migration: names are the persons' alone.
V2_NEW = (*V2, "ALTER TABLE faces DROP COLUMN name, MODIFY image_id BIGINT UNSIGNED NOT NULL")

#: The third version changed the job, not the tables.
V3 = V2

#: Everything that we can use, also what the app does not have yet.
ALL = (*V2, "ALTER TABLE faces ADD COLUMN box JSON NULL", "CREATE INDEX faces_parent_id ON faces (parent_id)")

V4 = (
    *V2,
    """
    ALTER TABLE faces DROP COLUMN name,
      MODIFY status ENUM('process', 'unknown', 'not_face', 'ok', 'suggested') NOT NULL DEFAULT 'process'
    """,
)

#: Faces belong to persons only, and go with their image or person.
V5 = (
    *V4,
    "ALTER TABLE faces DROP FOREIGN KEY faces_image",
    """
    ALTER TABLE faces DROP COLUMN parent_id,
      ADD CONSTRAINT faces_image_cascade FOREIGN KEY (image_id) REFERENCES images (id) ON DELETE CASCADE,
      ADD CONSTRAINT faces_person_cascade FOREIGN KEY (person_id) REFERENCES persons (id) ON DELETE CASCADE
    """,
)

_SQLITE_WORDS = (
    (" NOT NULL AUTO_INCREMENT PRIMARY KEY", " PRIMARY KEY AUTOINCREMENT"),
    ("BIGINT UNSIGNED", "INTEGER"),
    ("MEDIUMTEXT", "TEXT"),
    ("LONGTEXT", "TEXT"),
)


def on_sqlite(*tables: str) -> tuple[str, ...]:
    """The tables in SQLite's words, as Laravel makes them there: what is inside a row is the same."""
    statements = []
    for table in tables:
        statement = re.sub(r"UNIQUE INDEX \w+", "UNIQUE", table)
        statement = re.sub(r",\s+INDEX \w+ \([^)]*\)", "", statement)
        statement = re.sub(r"(\w+) ENUM(\([^)]*\))", r"\1 VARCHAR(255) CHECK (\1 IN \2)", statement)
        for mysql, sqlite in _SQLITE_WORDS:
            statement = statement.replace(mysql, sqlite)
        statements.append(statement)
    return tuple(statements)


_LATER_FACES = FACES.replace(
    "name VARCHAR(255) NULL,",
    "name VARCHAR(255) NULL, person_id BIGINT UNSIGNED NULL, quality_score DOUBLE NULL, quality_details JSON NULL, "
    "is_reference TINYINT(1) NOT NULL DEFAULT 0,",
)
_SUGGESTED_FACES = _LATER_FACES.replace("'ok')", "'ok', 'suggested')").replace("name VARCHAR(255) NULL,", "")

#: Later versions on SQLite, where columns and their keys cannot be taken away again.
SQLITE_V2 = on_sqlite(IMAGES, _LATER_FACES, PERSONS, *LARAVEL)
SQLITE_V4 = on_sqlite(IMAGES, _SUGGESTED_FACES, PERSONS, *LARAVEL)
SQLITE_V5 = on_sqlite(IMAGES, _SUGGESTED_FACES.replace("parent_id BIGINT UNSIGNED NULL,", ""), PERSONS, *LARAVEL)
