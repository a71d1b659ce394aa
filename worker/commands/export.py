"""export: all faces as CSV or JSON, for other programs."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from faces.errors import RequestError
from faces.laravel.disks import place_of
from faces.store.listing import ListedFace, ListedImage, list_faces, list_images
from faces.system import atomic_file
from worker.commands.invocation import Invocation
from worker.commands.verbs import VERBS

_DETAILS = """\
Writes all faces that are not removed, one a line or object: photo, image and face ids, the face's number, name,
status, the face that it is linked to and its distance, quality, and its box as parts of the photo's width and height.
To FILE, which appears whole or not at all, or to stdout."""

_STDOUT = "-"


def add_to(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "export",
        help=VERBS["export"],
        description=_DETAILS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_mutually_exclusive_group(required=True)
    kinds.add_argument("--csv", metavar="FILE", nargs="?", const=_STDOUT, help="as CSV with a line of titles")
    kinds.add_argument("--json", metavar="FILE", nargs="?", const=_STDOUT, help="as one JSON list")
    parser.set_defaults(run=run, as_json=False)


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    with invocation.store() as store, store.reading() as transaction:
        images = {image.id: image for image in list_images(transaction)}
        records = [_record(face, images[face.image_id]) for face in list_faces(transaction)]
    text = _csv(records) if arguments.csv is not None else json.dumps(records, indent=1) + "\n"
    _deliver(text, arguments.csv if arguments.csv is not None else arguments.json)
    return 0


def _record(face: ListedFace, image: ListedImage) -> dict[str, object]:
    box = {edge: getattr(face.box, edge, None) for edge in ("top", "right", "bottom", "left")}
    values = {item.name: getattr(face, item.name) for item in fields(face) if item.name != "box"}
    return {"photo": place_of(image.disk, image.path, image.filename), **values, **box}


def _csv(records: list[dict[str, object]]) -> str:
    text = io.StringIO()
    titles = (
        "photo",
        *(item.name for item in fields(ListedFace) if item.name != "box"),
        "top",
        "right",
        "bottom",
        "left",
    )
    writer = csv.DictWriter(text, titles, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def _deliver(text: str, file: str) -> None:
    if file == _STDOUT:
        sys.stdout.write(text)
        return
    try:
        atomic_file.replace(Path(file), text.encode("utf-8", "replace"))
    except OSError as error:
        raise RequestError(f"cannot write {file}: {error.strerror or error}") from error
