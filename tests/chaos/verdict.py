"""The end of a soak: what is wrong with the rows, the queues and what was left behind; nothing, if all is well."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.chaos.jobs import Expected
from tests.chaos.world import World
from tests.servers.photo_app import NOTHING_LEFT


def ended(world: World) -> tuple[int, int]:
    """How many good images are done, and how many jobs have failed."""
    done = world.app.rows.one("SELECT count(*) AS n FROM images WHERE faces_checked")["n"]
    failed = world.app.rows.one("SELECT count(*) AS n FROM failed_jobs")["n"]
    return done, failed


def is_over(world: World, expected: Expected) -> bool:
    """Whether all jobs have ended and nothing is left of them."""
    if ended(world) != (len(expected.people), len(expected.failed)):
        return False
    return not any(left(world)) and not any(queues(world).values())


def left(world: World) -> Iterator[str]:
    """Locks, dedup keys and marks of crashes that are still there."""
    found = world.app.leftovers()
    if world.redis:
        for database in (0, 1):
            found["locks"] += len(_keys(world.redis.command("KEYS", "*face-processing*", database=database)))
            found["marks"] += len(_keys(world.redis.command("KEYS", "*face-crash*", database=database)))
    for name, number in found.items():
        if number != NOTHING_LEFT[name]:
            yield f"{number} {name} are left"


def queues(world: World) -> dict[str, int]:
    """The messages of every queue of the broker, those in hand counted."""
    lines = world.rabbitmq.control("list_queues", "--no-table-headers", "name", "messages").splitlines()
    return {name: int(number) for name, _, number in (line.rpartition("\t") for line in lines)}


def wrong(world: World, expected: Expected) -> list[str]:
    """Everything that is not as it must be."""
    return [
        *_images(world, expected),
        *_failed(world, expected),
        *left(world),
        *(f"{number} messages are in {name}" for name, number in queues(world).items() if number),
        *(f"a worker's log has a traceback: {line}" for line in _tracebacks(world.log())),
    ]


def _images(world: World, expected: Expected) -> Iterator[str]:
    rows = {row["id"]: row for row in world.app.rows.read("SELECT * FROM images")}
    faces: dict[int, list[dict[str, Any]]] = {image: [] for image in rows}
    for face in world.app.rows.read("SELECT * FROM faces ORDER BY face_index, id"):
        faces[face["image_id"]].append(face)
    for image, people in expected.people.items():
        row, found = rows[image], faces[image]
        if (row["faces_checked"], row["last_error"]) != (1, None):
            yield f"image {image}: faces_checked is {row['faces_checked']}, last_error {row['last_error']}"
        elif [json.loads(face["encoding"]) for face in found] != [person.tolist() for person in people]:
            yield f"image {image}: has {len(found)} faces that are not the {len(people)} of the API's answer"
        elif [face["face_index"] for face in found] != list(range(len(people))):
            yield f"image {image}: its faces have the numbers {[face['face_index'] for face in found]}"
    for image, kind in expected.bad.items():
        if rows[image]["faces_checked"] or faces[image]:
            yield f"image {image} ({kind}): has {len(faces[image])} faces, and should have none"


def _failed(world: World, expected: Expected) -> Iterator[str]:
    rows = world.app.rows.read("SELECT uuid, exception FROM failed_jobs")
    counts = Counter(row["uuid"] for row in rows)
    for uuid, kind in expected.failed.items():
        if counts[uuid] != 1:
            yield f"the job {uuid} ({kind}) is {counts[uuid]} times in failed_jobs"
    for row in rows:
        if row["uuid"] not in expected.failed:
            yield f"the good job {row['uuid']} is in failed_jobs: {row['exception'].splitlines()[0]}"


def _tracebacks(log: str) -> Iterator[str]:
    """The line before each."""
    lines = log.splitlines()
    return (lines[place - 1] for place, line in enumerate(lines) if line.startswith("Traceback") and place)


def _keys(answer: str) -> list[str]:
    return answer.split()
