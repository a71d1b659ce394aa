"""add: a face that was not found, by the box that a person sees it in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faces.client.face_client import FoundFace, NotEncoded
from faces.errors import ImageMissing, RequestError
from faces.photo.face import Box
from faces.sources import seen_files
from faces.sources.folder import PhotoFile
from faces.sources.known_portraits import photo_file
from faces.store import images
from worker.commands.answering import answer, person
from worker.commands.invocation import Invocation
from worker.commands.parser import row_id
from worker.commands.verbs import add_verb

if TYPE_CHECKING:
    # Not at run time: only a database with our tables needs it.
    from faces.answers.added import DrawnFace
    from worker.jobs.faces import Tools

_DETAILS = """\
Says that a photo has a face where none was found: at --box, in pixels of the upright photo (`report` shows the photos).
The face API encodes it there. It becomes a face like the others, with the next free number, and no later job removes
it; NAME says at once whose it is. For an image of the app's database --image has its id, instead of a photo.

It is one entry of the ledger, and `undo` takes it back."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "add", run, _DETAILS)
    parser.add_argument("words", metavar="PHOTO [NAME]", nargs="*", help="the photo, and whose face it is, name or id")
    parser.add_argument("--box", metavar="TOP,RIGHT,BOTTOM,LEFT", type=_box, required=True, help="where it is")
    parser.add_argument("--image", metavar="ID", type=row_id, help="the image's id, instead of a photo")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Encode it and add it."""
    photo, who = _words(arguments)
    # A file that cannot be read is told before an API is started.
    file = None if photo is None else photo_file(photo)
    with invocation.store(create=photo is not None) as store:
        store.schema.require_sidecar()
        with invocation.tools(store) as tools:
            image_id = arguments.image if file is None else _image_of(tools, file)
            drawn = _encoded(tools, image_id, arguments.box)

    from faces.answers.added import add

    return answer(
        invocation,
        lambda answers, one: add(answers, one, image_id, drawn, who),
        lambda done: f"f{done.faces[0]} added" + ("" if who is None else f", named {who}"),
    )


def _words(arguments: argparse.Namespace) -> tuple[Path | None, Any]:
    words = list(arguments.words)
    photo = Path(words.pop(0)) if arguments.image is None and words else None
    if (photo is None) == (arguments.image is None) or len(words) > 1:
        raise RequestError("needed a photo, or --image ID, and a name at most: see `add --help`")
    return photo, person(words[0]) if words else None


def _image_of(tools: Tools, file: PhotoFile) -> int:
    if not tools.store.schema.ours:
        raise RequestError(f"{tools.store.name} is the app's database, images come from there: use --image ID")
    known = seen_files.take(tools.store, file, arrivals=tools.arrivals)
    if not known.checked:
        from worker.jobs.faces import process_image

        process_image(tools, known.image_id)
    return known.image_id


def _encoded(tools: Tools, image_id: int, box: Box) -> DrawnFace:
    from faces.answers.added import DrawnFace

    with tools.store.reading() as transaction:
        image = images.find(transaction, image_id)
    if image is None:
        raise ImageMissing(f"found no image {image_id} in {tools.store.name}")
    file = tools.disks.file(image.disk, image.path, image.filename, scanned=tools.store.schema.ours)
    answered = tools.client.encode(file.real, image.filename, boxes=[box])
    if isinstance(answered, NotEncoded):
        raise answered.error
    found: FoundFace = answered.faces[0]
    if found.box is None:
        raise RequestError("found a face API that is too old to encode a given box, needed one of this version")
    return DrawnFace(found.encoding, found.quality, found.box)


def _box(text: str) -> Box:
    try:
        top, right, bottom, left = (int(edge) for edge in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text!r}, needed four whole numbers: top,right,bottom,left") from None
    return Box(top=top, right=right, bottom=bottom, left=left)
