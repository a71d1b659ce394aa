"""faces: who is where."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from faces.laravel.disks import place_of
from faces.store.listing import ListedFace, ListedImage, list_faces, list_images
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_DETAILS = """\
Lists the faces in the database: the photo, the face's number in it, who it is, how sure that is (the distance to the
known face, smaller is nearer) and how good the face is (0–100). A table on a terminal, tab-separated lines else."""


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "faces", run, _DETAILS)
    parser.add_argument("--name", metavar="N", help="only this person's faces; upper and lower case are the same")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    with invocation.store() as store, store.reading() as transaction:
        images = {image.id: image for image in list_images(transaction)}
        faces = list_faces(transaction)
    order = {image_id: number for number, image_id in enumerate(images)}
    shown = sorted(
        (face for face in faces if _is_asked_for(face, arguments.name)),
        key=lambda face: (order[face.image_id], face.face_index),
    )
    if invocation.output.as_json:
        invocation.output.record([_record(face, images[face.image_id]) for face in shown])
    else:
        invocation.output.table(
            ("photo", "face", "who", "distance", "quality", "status", "id"),
            [_row(face, images[face.image_id]) for face in shown],
        )
    return 0


def _is_asked_for(face: ListedFace, name: str | None) -> bool:
    return name is None or (face.name or "").casefold() == name.strip().casefold()


def _row(face: ListedFace, image: ListedImage) -> tuple[str, ...]:
    return (
        place_of(image.disk, image.path, image.filename),
        str(face.face_index),
        face.name or "",
        "" if face.distance is None else f"{face.distance:.3f}",
        "" if face.quality is None else f"{face.quality:g}",
        face.status,
        str(face.id),
    )


def _record(face: ListedFace, image: ListedImage) -> dict[str, object]:
    return {"photo": place_of(image.disk, image.path, image.filename), **asdict(face)}
