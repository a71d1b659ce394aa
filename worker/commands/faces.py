"""faces: who is where."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from faces.laravel.disks import place_of
from faces.store.face_pages import FaceOrder, page_of_faces
from faces.store.listing import ListedFace, ListedImage, read_faces
from worker.commands.choice import add_choice, choice_of, tell_if_nobody
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_DETAILS = """\
Lists the faces in the database: the photo, the face's number in it, who it is, how sure that is (the distance to the
known face, smaller is nearer) and how good the face is (0–100). A table on a terminal, tab-separated lines else.
In the order of the photos' places; --limit and --offset take a page of them."""


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "faces", run, _DETAILS)
    add_choice(parser, "faces")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """List them; 1 where nobody has the name."""
    output = invocation.output
    with invocation.store() as store, store.reading() as transaction:
        ids = page_of_faces(transaction, choice_of(arguments, transaction), FaceOrder.PLACES)
        code = tell_if_nobody(arguments, invocation, len(ids))
        shown = read_faces(transaction, ids)
        if output.as_json:
            output.records(_record(face, image) for face, image in shown)
        elif not code:
            columns = ("photo", "face", "who", "distance", "quality", "status", "id")
            output.table(columns, (_row(face, image) for face, image in shown))
    return code


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
