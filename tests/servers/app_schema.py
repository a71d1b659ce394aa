"""The app's tables in MySQL's words, as its migrations make them: the first version, and what later ones changed."""

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
  image_id BIGINT UNSIGNED NOT NULL,
  face_index TINYINT UNSIGNED NOT NULL,
  name VARCHAR(255) NULL,
  encoding JSON NULL,
  status ENUM('process', 'unknown', 'not_face', 'ok') NOT NULL DEFAULT 'process',
  created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL, deleted_at TIMESTAMP NULL,
  CONSTRAINT faces_image FOREIGN KEY (image_id) REFERENCES images (id) ON DELETE RESTRICT
)
"""

V1 = (IMAGES, FACES)

V2 = (
    *V1,
    """
    ALTER TABLE faces
      ADD COLUMN person_id BIGINT UNSIGNED NULL,
      ADD COLUMN quality_score DOUBLE NULL,
      ADD COLUMN quality_details JSON NULL,
      ADD COLUMN is_reference TINYINT(1) NOT NULL DEFAULT 0
    """,
)

#: Everything that we can use, also what the app does not have yet.
ALL = (*V2, "ALTER TABLE faces ADD COLUMN box JSON NULL", "CREATE INDEX faces_parent_id ON faces (parent_id)")

V4 = (
    *V2,
    """
    CREATE TABLE persons (
      id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
      name VARCHAR(255) NOT NULL,
      photo VARCHAR(255) NULL,
      centroid_embedding JSON NULL,
      embeddings_count INT UNSIGNED NOT NULL DEFAULT 0,
      created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL
    )
    """,
    """
    ALTER TABLE faces DROP COLUMN name,
      MODIFY status ENUM('process', 'unknown', 'not_face', 'ok', 'suggested') NOT NULL DEFAULT 'process'
    """,
)
