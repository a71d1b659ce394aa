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
    ),
}

#: What new tables are.
NEWEST = max(STEPS)
