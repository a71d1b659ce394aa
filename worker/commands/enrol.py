"""enrol NAME: a face gets a name, a portrait's or one that has a row already, and others are linked to it."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faces.errors import EngineError, FileMissing, NotOneFace, PhotoError, RequestError, SettingsError
from faces.people.kept_face import KeptFace
from faces.people.linking import Identities
from faces.sources import seen_files
from faces.sources.known_portraits import KnownPortrait, photo_file
from faces.store import faces, images
from faces.store.database import Store, Transaction
from faces.store.who import identities_of
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb
from worker.jobs.faces import Tools, process_image

_DETAILS = """\
Says who a face is. Faces found later are linked to it; run `link` for those found before.

With photos: each must have one face, or --face N says which (`report` shows the numbers). Only for a database of
your own: in the app's database images come from the app.
With --id: a face that is in the database already (`faces` lists them). In the app's database this does what a click
in the app does."""

#: Characters that the column holds.
_LONGEST_NAME = 255


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
    except (PhotoError, RequestError, SettingsError, FileMissing, EngineError) as error:
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


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A face that has a name now; `relatives` other faces that no person had touched got it with it."""

    name: str
    face_id: int
    image_id: int
    face_index: int
    parent_id: int | None
    """Not None: a click left it linked, so it is not compared with new faces."""
    relatives: int


def enrol_photo(tools: Tools, name: str, photo: Path, number: int | None) -> Enrolled:
    """Make a portrait's face a master; a photo that is not known yet becomes an image with its faces first.

    Args:
        tools: what the job works with; the store must be a file of our own.
        name: whose face it is.
        photo: the portrait.
        number: which of several faces, by its number on the contact sheet; None where there is only one.

    Raises:
        NotOneFace: no face, or several without a number; none was named.
        RequestError: there is no face of this number; none was named.
        PhotoError, FileMissing, EngineError, FaceApiUnavailable: the photo gave no faces.
    """
    name = _checked(name)
    if not tools.store.schema.ours:
        raise RequestError(
            f"{tools.store.name} is the app's database, images come from there: use `enrol NAME --id ID`"
        )
    tools.identities.require_naming("enrol")
    known = seen_files.take(tools.store, photo_file(photo))
    if not known.checked:
        process_image(tools, known.image_id)

    def work(transaction: Transaction) -> Enrolled:
        images.lock(transaction, known.image_id)
        rows = [row for row in faces.lock_of_image(transaction, known.image_id) if not row.deleted]
        return _name(transaction, tools.identities, name, known.image_id, _choose(rows, number, photo))

    return tools.store.write(work)


def enrol_face(store: Store, name: str, face_id: int) -> Enrolled:
    """Name a face that has a row. In the app's database exactly as a click does, with its parent left as it is.

    Raises:
        RequestError: there is no such face.
        SchemaError: the database links faces to persons, or has no names.
    """
    name = _checked(name)
    identities = identities_of(store.schema)
    identities.require_naming("enrol")

    def work(transaction: Transaction) -> Enrolled:
        image_id = faces.image_of(transaction, face_id)
        if image_id is not None:
            images.lock(transaction, image_id)
            for row in faces.lock_of_image(transaction, image_id):
                if row.id == face_id and not row.deleted:
                    return _name(transaction, identities, name, image_id, row)
        raise RequestError(f"found no face {face_id} (or it was removed), needed the id of one; `faces` lists them")

    return store.write(work)


def enrol_portrait(tools: Tools, portrait: KnownPortrait) -> str | None:
    """Make the face of a known person's portrait a master; a sentence where it cannot be one."""
    try:
        enrol_photo(tools, portrait.name, portrait.file.path, None)
    except NotOneFace as error:
        found = f"{error.faces} faces" if error.faces else "no face"
        return f"{portrait.name} is not known by {portrait.file.path}: found {found} there, needed exactly one"
    except (PhotoError, FileMissing, EngineError, RequestError, SettingsError) as error:
        return f"{portrait.name} is not known by {portrait.file.path}: {error}"
    return None


def _checked(name: str) -> str:
    stripped = name.strip()
    if not stripped or len(stripped) > _LONGEST_NAME:
        raise RequestError(f"found a name of {len(stripped)} characters, needed 1 to {_LONGEST_NAME}")
    return stripped


def _choose(rows: list[KeptFace], number: int | None, photo: Path) -> KeptFace:
    numbers = ", ".join(str(row.face_index) for row in sorted(rows, key=lambda row: row.face_index))
    if not rows:
        raise NotOneFace(f"found no face in {photo}, needed one", 0)
    if number is None and len(rows) > 1:
        raise NotOneFace(
            f"found {len(rows)} faces in {photo}, needed one: say which with --face N "
            f"(there are {numbers}; `report` shows the numbers)",
            len(rows),
        )
    chosen = [row for row in rows if number in (None, row.face_index)]
    if not chosen:
        raise RequestError(f"found no face {number} in {photo}: there are {numbers}")
    return chosen[0]


def _name(
    transaction: Transaction, identities: Identities[Transaction], name: str, image_id: int, row: KeptFace
) -> Enrolled:
    named = identities.name(transaction, row, name)
    return Enrolled(name, row.id, image_id, row.face_index, named.parent_id, named.relatives)
