"""report DIR: the contact sheet of everything in the database, or of a person's photos."""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from faces.laravel.disks import place_of
from faces.photo.decoding import PhotoLimits
from faces.report import contact_sheet
from faces.report.sheet import MODEL, Sheet, photo_of
from faces.store.face_pages import page_of_images
from faces.store.listing import ListedFace, ListedImage, in_parts, list_faces, list_images
from worker.commands.choice import add_choice, choice_of, tell_if_nobody
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_DETAILS = """\
Writes DIR/index.html: each photo with its faces framed and numbered, who is who, each person's photos, who is offered
(Ada? 87 %), and the groups of unknown faces with their ids (g12). It opens in a browser without a server. The pictures
in DIR/pictures are small copies; the photos are not changed.
--name shows the photos of one person; --limit and --offset take a part of them, in the order of their places."""


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "report", run, _DETAILS)
    parser.add_argument("directory", metavar="DIR", type=Path, help="where the page goes")
    add_choice(parser, "photos")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Write the page; 1 and no page where nobody has the name."""
    with invocation.store() as store, store.reading() as transaction:
        threshold = invocation.threshold if invocation.match_rule(store) == "nearest" else None
        ids = page_of_images(transaction, choice_of(arguments, transaction))
        if code := tell_if_nobody(arguments, invocation, len(ids)):
            return code
        images = [image for some in in_parts(ids) for image in list_images(transaction, some)]
        faces = [face for some in in_parts(ids) for face in list_faces(transaction, some)]
    sheet = _sheet(invocation, images, faces, threshold)
    with invocation.output.progress("pictures", len(sheet.photos)) as step:
        index = contact_sheet.write(arguments.directory, sheet, PhotoLimits.of(invocation.settings), step)
    invocation.output.result(f"{len(sheet.photos)} photos with {len(faces)} faces: {index}")
    invocation.output.record({"index": str(index), "photos": len(sheet.photos), "faces": len(faces)})
    return 0


def _sheet(
    invocation: Invocation, images: Iterable[ListedImage], faces: Iterable[ListedFace], threshold: float | None
) -> Sheet:
    of_image: dict[int, list[ListedFace]] = defaultdict(list)
    for face in faces:
        of_image[face.image_id].append(face)
    places = {image.id: place_of(image.disk, image.path, image.filename) for image in images}
    base = os.path.commonpath([str(Path(place).parent) for place in places.values()]) if _absolute(places) else ""
    disks = invocation.disks
    return Sheet(
        title="Faces",
        photos=tuple(
            photo_of(image, os.path.relpath(places[image.id], base or "."), of_image[image.id], disks)
            for image in images
        ),
        model=MODEL,
        threshold=threshold,
        made_at=datetime.now().astimezone(),
    )


def _absolute(places: Mapping[int, str]) -> bool:
    return bool(places) and all(place.startswith("/") for place in places.values())
