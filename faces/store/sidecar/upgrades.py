"""How tables of ours that an older version made beside an app become what this version makes: numbered steps of SQL.

Those of a file of our own have steps of their own: `faces.store.migrations`.
"""

from __future__ import annotations

from collections.abc import Mapping

#: What makes each version of the one before it; `library.version` says which one the tables have. `{people}` is that
#: table's name as SQL. A step is never changed once it was released. Each statement commits itself and may be met a
#: second time, after an upgrade that was killed: what it adds is there by then, and what it drops is gone.
STEPS: Mapping[int, tuple[str, ...]] = {
    2: (
        "CREATE TABLE IF NOT EXISTS {pending_images} (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, "
        "image_id BIGINT UNSIGNED NOT NULL, awaits_until DATETIME, PRIMARY KEY (id), "
        "KEY face_sidecar_pending_images_awaits (awaits_until, id), KEY face_sidecar_pending_images_image (image_id)) "
        "ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARSET=utf8mb4 COLLATE utf8mb4_bin",
        "ALTER TABLE {people} ADD COLUMN joined_to BIGINT UNSIGNED",
        "ALTER TABLE {library} ADD COLUMN not_face_change BIGINT UNSIGNED NOT NULL DEFAULT '0'",
        "ALTER TABLE {library} ADD COLUMN not_face_looked BIGINT UNSIGNED NOT NULL DEFAULT '0'",
        "ALTER TABLE {face_index} ADD COLUMN like_not_face BIGINT UNSIGNED",
        "CREATE INDEX face_sidecar_face_index_like_not_face ON {face_index} (like_not_face, face_id)",
        "CREATE TABLE IF NOT EXISTS {ledger_refs} (entry BIGINT UNSIGNED NOT NULL, "
        "ref VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, "
        "`before` MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, "
        "`after` MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, PRIMARY KEY (entry, ref), "
        "KEY face_sidecar_ledger_refs_ref (ref, entry)) "
        "ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARSET=utf8mb4 COLLATE utf8mb4_bin",
        "CREATE TABLE IF NOT EXISTS {answers} (face_id BIGINT UNSIGNED NOT NULL, entry BIGINT UNSIGNED NOT NULL, "
        "says SMALLINT NOT NULL, person_id BIGINT UNSIGNED, PRIMARY KEY (face_id), "
        "KEY face_sidecar_answers_person (person_id), KEY face_sidecar_answers_entry (entry)) "
        "ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARSET=utf8mb4 COLLATE utf8mb4_bin",
    ),
    3: (
        "ALTER TABLE {people} ADD COLUMN unsettled INTEGER NOT NULL DEFAULT '0'",
        "CREATE TABLE IF NOT EXISTS {vector_changes} (face_id BIGINT UNSIGNED NOT NULL, "
        "`change` BIGINT UNSIGNED NOT NULL, PRIMARY KEY (face_id), "
        "KEY face_sidecar_vector_changes_change (`change`, face_id)) "
        "ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARSET=utf8mb4 COLLATE utf8mb4_bin",
        "CREATE TABLE IF NOT EXISTS {evaluations} (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, "
        "measured_at DATETIME NOT NULL, actor VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, "
        "version VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, "
        "cohort VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, "
        "figures MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, PRIMARY KEY (id)) "
        "ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARSET=utf8mb4 COLLATE utf8mb4_bin",
    ),
}

#: What new tables are.
NEWEST = max(STEPS)
