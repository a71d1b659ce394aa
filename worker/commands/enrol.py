"""enrol NAME: a face becomes somebody whom others are linked to."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faces.errors import EngineError, FileMissing, PhotoError, RequestError
from worker.commands.invocation import Invocation
from worker.commands.naming import Enrolled, enrol_face, enrol_photo
from worker.commands.verbs import add_verb
from worker.jobs.faces import Tools

_DETAILS = """\
Says who a face is. Faces found later are linked to it; run `link` for those found before.

With photos: each must have one face, or --face N says which (`report` shows the numbers). Only for a database of
your own: in the app's database images come from the app.
With --id: a face that is in the database already (`faces` lists them). In the app's database this does what a click
in the app does."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "enrol", run, _DETAILS)
    parser.add_argument("name", metavar="NAME", help="whose face it is")
    parser.add_argument("photos", metavar="PHOTO", type=Path, nargs="*", help="a portrait")
    parser.add_argument("--face", metavar="N", type=int, help="the face's number, where a photo has several")
    parser.add_argument("--id", metavar="ID", type=int, dest="face_id", help="the id of a face, instead of a photo")


def run(arguments: argparse.Namespace, session: Invocation) -> int:
    """Enrol each; 1 if one of several photos could not be used."""
    if bool(arguments.photos) == (arguments.face_id is not None):
        raise RequestError("needed either photos or --id ID, see `enrol --help`")
    if arguments.face is not None and len(arguments.photos) != 1:
        raise RequestError("--face N needs exactly one photo: the number is that of a face in it")
    if arguments.face_id is not None:
        with session.store() as store:
            _tell(session, enrol_face(store, arguments.name, arguments.face_id))
        return 0
    return _enrol_photos(arguments, session)


def _enrol_photos(arguments: argparse.Namespace, session: Invocation) -> int:
    with session.store(create=True) as store, session.tools(store) as tools:
        if len(arguments.photos) == 1:
            _tell(session, enrol_photo(tools, arguments.name, arguments.photos[0], arguments.face))
            return 0
        enrolled = [_enrol_one_of_many(session, tools, arguments.name, photo) for photo in arguments.photos]
    return 0 if all(enrolled) else 1


def _enrol_one_of_many(session: Invocation, tools: Tools, name: str, photo: Path) -> bool:
    try:
        _tell(session, enrol_photo(tools, name, photo, None))
    except (PhotoError, RequestError, FileMissing, EngineError) as error:
        session.output.say(f"enrol: {error}")
        return False
    return True


def _tell(session: Invocation, enrolled: Enrolled) -> None:
    session.output.record(asdict(enrolled))
    session.output.result(f"face {enrolled.face_id} is {enrolled.name}")
    if enrolled.relatives:
        session.output.result(f"{enrolled.relatives} faces linked to it have the name too")
    if enrolled.parent_id is not None:
        session.output.say(
            f"face {enrolled.face_id} stays linked to face {enrolled.parent_id}, as after a click in the app: "
            "new faces are compared with that one"
        )
