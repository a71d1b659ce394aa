"""export: all faces as CSV or JSON, for other programs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from faces.errors import RequestError
from faces.laravel.disks import place_of
from faces.store.database import Transaction
from faces.store.face_pages import FaceOrder, page_of_faces
from faces.store.listing import ListedFace, ListedImage, read_faces
from faces.system import atomic_file
from worker.commands import spreadsheet
from worker.commands.choice import add_choice, choice_of, tell_if_nobody
from worker.commands.invocation import Invocation
from worker.commands.output import Output
from worker.commands.verbs import VERBS

_DETAILS = """\
Writes all faces that are not removed, one a line or object: photo, image and face ids, the face's number, name,
status, the face that it is linked to and its distance, quality, its box as parts of the photo's width and height, and
its group, its person in the list `people`, whether that is known or offered, how likely, and the name that is offered;
and the find that was said to be no face, where one is like it.
To FILE, which appears whole or not at all, or to stdout.

The CSV is UTF-8 with its mark, as spreadsheets want it; a text that they would compute begins with an apostrophe."""

_STDOUT = "-"

_EDGES = ("top", "right", "bottom", "left")

#: Columns that were there before our own tables: programs count on their order. What these say stands at the end.
_FIRST = ("id", "image_id", "face_index", "name", "status", "parent_id", "quality", "distance")
_LAST = ("group_id", "person_id", "state", "probability", "offered", "like_not_face")


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
    add_choice(parser, "faces")
    parser.set_defaults(run=run, as_json=False)


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Write them; 1 and nothing where nobody has the name."""
    with invocation.store() as store, store.reading() as transaction:
        ids = page_of_faces(transaction, choice_of(arguments, transaction), FaceOrder.IDS)
        if code := tell_if_nobody(arguments, invocation, len(ids)):
            return code
        records = _records(transaction, ids)
        text = _csv(records) if arguments.csv is not None else _json(records)
        _deliver(text, arguments.csv if arguments.csv is not None else arguments.json, invocation.output)
    return 0


def _records(transaction: Transaction, ids: Sequence[int]) -> Iterator[dict[str, object]]:
    return (_record(face, image) for face, image in read_faces(transaction, ids))


def _record(face: ListedFace, image: ListedImage) -> dict[str, object]:
    box = {edge: getattr(face.box, edge, None) for edge in _EDGES}
    values = {name: getattr(face, name) for name in _FIRST}
    return {"photo": place_of(image.disk, image.path, image.filename), **values, **box, **face.added}


def _csv(records: Iterable[dict[str, object]]) -> Iterator[str]:
    return spreadsheet.lines(("photo", *_FIRST, *_EDGES, *_LAST), records)


def _json(records: Iterable[dict[str, object]]) -> Iterator[str]:
    """One list, as `json.dumps` would write it whole with an indent of 1."""
    start = "["
    for record in records:
        yield start + "\n " + json.dumps(record, indent=1).replace("\n", "\n ")
        start = ","
    yield "[]\n" if start == "[" else "\n]\n"


def _deliver(pieces: Iterable[str], file: str, output: Output) -> None:
    if file == _STDOUT:
        for piece in pieces:
            output.data(piece)
        return
    try:
        atomic_file.replace_by(Path(file), (piece.encode("utf-8", "replace") for piece in pieces))
    except OSError as error:
        raise RequestError(f"cannot write {file}: {error.strerror or error}") from error
