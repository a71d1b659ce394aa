"""A worker of the shape of PHP's job, to measure ours beside: Python, so that only the shape differs.

`basic.get`, the lock, the image's row, one /encode on a new connection, all candidates out of the database, one
/compare with all of them for each face, one INSERT each, and no transaction.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path
from typing import Any

import httpx2
import pika
import pymysql
import sqlalchemy as sa

#: As `queue:work --sleep`, seconds.
_SLEEP = 3

#: As the app's config has it.
_THRESHOLD = 0.6

_IMAGE_ID = re.compile(r'"image_id";i:(\d+);')

_CANDIDATES = (
    "SELECT id, encoding FROM faces WHERE encoding IS NOT NULL AND parent_id IS NULL AND status = 'ok' "
    "AND deleted_at IS NULL"
)
_NEW_FACE = (
    "INSERT INTO faces (encoding, image_id, face_index, parent_id, quality_score, quality_details, updated_at, "
    "created_at) VALUES (%s, %s, %s, %s, %s, %s, NOW(), NOW())"
)


def main() -> None:
    """Do so many jobs and leave."""
    parser = argparse.ArgumentParser()
    for name in ("--queue", "--database", "--api", "--disk"):
        parser.add_argument(name, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--jobs", type=int, required=True)
    told = parser.parse_args()
    channel = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", told.port, heartbeat=0)).channel()
    channel.basic_qos(prefetch_count=1)
    url = sa.make_url(told.database)
    database = pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, database=url.database, autocommit=True
    )
    done = 0
    with database.cursor(pymysql.cursors.DictCursor) as rows:
        while done < told.jobs:
            method, _, body = channel.basic_get(told.queue)
            if method is None:
                time.sleep(_SLEEP)
                continue
            _do(rows, body, told.api, Path(told.disk))
            channel.basic_ack(method.delivery_tag)
            done += 1


def _do(rows: Any, body: bytes, api: str, disk: Path) -> None:
    command = json.loads(body)["data"]["command"]
    image_id = int(_IMAGE_ID.findall(command)[0])
    key = f"face-processing:{image_id}"
    rows.execute("INSERT INTO cache_locks VALUES (%s, %s, UNIX_TIMESTAMP() + 360)", (key, "php"))
    rows.execute("SELECT * FROM images WHERE id = %s", image_id)
    image = rows.fetchone()
    file = disk / image["path"] / image["filename"]
    answer = httpx2.post(
        f"{api}/encode",
        data={"original_path": str(file), "image_debug_subdir": "debug"},
        files={"image": (file.name, file.read_bytes())},
        timeout=300,
    ).raise_for_status()
    found = answer.json()
    rows.execute(_CANDIDATES)
    known = [(row["id"], json.loads(row["encoding"])) for row in rows.fetchall()]
    for index, encoding in enumerate(found["encodings"]):
        quality = found["qualities"][index]
        values = (quality["total"], json.dumps(quality["details"]))
        parent = _nearest(api, encoding, known)
        rows.execute(_NEW_FACE, (json.dumps(encoding), image_id, index, parent, *values))
    name = Path(found["debug_image_path"] or "").name or None
    rows.execute("UPDATE images SET last_error = NULL, updated_at = NOW() WHERE id = %s", image_id)
    rows.execute("UPDATE images SET debug_filename = %s, faces_checked = 1 WHERE id = %s", (name, image_id))
    rows.execute("DELETE FROM cache_locks WHERE `key` = %s AND owner = %s", (key, "php"))


def _nearest(api: str, encoding: list[float], known: list[tuple[int, list[float]]]) -> int | None:
    if not known:
        return None
    asked = {"encoding": encoding, "candidates": [candidate for _, candidate in known]}
    distances = httpx2.post(f"{api}/compare", json=asked, timeout=60).raise_for_status().json()["distances"]
    distance, place = min((distance, place) for place, distance in enumerate(distances))
    return known[place][0] if distance < _THRESHOLD else None


if __name__ == "__main__":
    main()
