"""enrol: faces get names, those of portraits or one that has a row already, and others are linked to them."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faces.errors import (
    EngineError,
    FaceApiUnavailable,
    FacesError,
    FileMissing,
    NotOneFace,
    PhotoError,
    RequestError,
    RequestRefused,
    SettingsError,
)
from faces.laravel.disks import place_of
from faces.library.opening import OpenLibrary
from faces.people.kept_face import KeptFace
from faces.people.names import checked_name
from faces.sources import known_portraits, seen_files
from faces.sources.folder import is_folder
from faces.sources.known_portraits import KnownPortrait, photo_file
from faces.store import faces, images
from faces.store.database import Store, Transaction
from faces.store.who import identities_of
from worker.commands.face_naming import Enrolled, FaceInPhoto, RowsOf, name_face
from worker.commands.invocation import Invocation
from worker.commands.parser import face_id
from worker.commands.verbs import add_verb
from worker.jobs.faces import Tools, process_image

_DETAILS = """\
Says who a face is. Faces found later are linked to it; run `link` for those found before.

With photos, or folders of them: each photo must have one face, or --face N says which (`report` shows the numbers).
With --folder, DIR has one file or one folder of files for each person: Ann.jpg, or everything in Ann, is Ann. Only for
a database of your own: in the app's database images come from the app.
With --id: a face that is in the database already (`faces` lists them). In the app's database this does what a click
in the app does.

A face that a person gave another name keeps it, unless --rename is there; faces linked to it follow. Names are kept
with composed letters (NFC) and single blanks.

Each face is one entry of the ledger, and `undo` takes it back: all that was renamed has its old name again."""

#: What ends one portrait, and not the next ones.
_OF_THE_PORTRAIT = (PhotoError, RequestError, SettingsError, FileMissing, EngineError)


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "enrol", run, _DETAILS)
    parser.add_argument("name", metavar="NAME", nargs="?", help="whose face it is")
    parser.add_argument("photos", metavar="PATH", type=Path, nargs="*", help="a portrait, or a folder of portraits")
    parser.add_argument("--folder", metavar="DIR", type=Path, help="portraits of several people, instead of a name")
    parser.add_argument("--face", metavar="N", type=int, help="the face's number, where a photo has several")
    parser.add_argument(
        "--id", metavar="ID", type=face_id, dest="face_id", help="the id of a face, 12 or f12, instead of a photo"
    )
    parser.add_argument("--rename", action="store_true", help="also faces that a person gave another name")


def run(arguments: argparse.Namespace, session: Invocation) -> int:
    """Enrol each; 1 if one of several photos could not be used."""
    _refuse_contradictions(arguments)
    if arguments.face_id is not None:
        with session.store() as store:
            named = enrol_face(
                store, arguments.name, arguments.face_id, rename=arguments.rename, library=session.library(store)
            )
            _tell(session, store, named)
        return 0
    portraits, troubles = _portraits(arguments, session)
    if not portraits:
        return 1
    with session.store(create=True) as store, session.tools(store) as tools:
        codes = [_enrol_or_tell(session, tools, name, photo, arguments) for name, photo in portraits]
    if len(codes) == 1 and not troubles:
        return codes[0]
    return 1 if troubles or any(codes) else 0


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    given = (bool(arguments.photos), arguments.face_id is not None, arguments.folder is not None)
    if given.count(True) != 1 or (arguments.folder is None) != (arguments.name is not None):
        raise RequestError("needed NAME and photos, or NAME and --id ID, or --folder DIR: see `enrol --help`")
    if arguments.face is not None and (len(arguments.photos) != 1 or is_folder(arguments.photos[0])):
        raise RequestError("--face N needs exactly one photo: the number is that of a face in it")


def _portraits(arguments: argparse.Namespace, session: Invocation) -> tuple[list[tuple[str, Path]], int]:
    """Names with their photos, and how many files cannot be read, each of which is told."""
    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        session.output.say(f"enrol: {sentence}")

    if arguments.folder is not None:
        known = known_portraits.find_portraits(arguments.folder, tell)
        return [(portrait.name, portrait.file.path) for portrait in known], len(told)
    photos = [photo for path in arguments.photos for photo in known_portraits.photos_at(path, tell)]
    if not photos and not told:
        raise RequestError(f"found no photo in {', '.join(map(str, arguments.photos))}, needed at least one")
    return [(arguments.name, photo) for photo in photos], len(told)


def _enrol_or_tell(session: Invocation, tools: Tools, name: str, photo: Path, arguments: argparse.Namespace) -> int:
    """The exit code for this portrait alone."""
    try:
        _tell(session, tools.store, enrol_photo(tools, name, photo, arguments.face, rename=arguments.rename))
    except _OF_THE_PORTRAIT as error:
        session.output.say(f"enrol: {about(photo, error)}")
        return 2 if isinstance(error, RequestError | SettingsError) else 1
    except (FaceApiUnavailable, RequestRefused) as error:
        raise type(error)(about(photo, error)) from error
    return 0


def about(photo: Path, error: FacesError) -> str:
    """The error's sentence, with the photo in front where it does not name it."""
    return str(error) if str(photo) in str(error) else f"{photo}: {error}"


def _tell(session: Invocation, store: Store, enrolled: Enrolled) -> None:
    record = asdict(enrolled)
    if store.schema.sidecar is None:
        del record["entry"]
    session.output.record(record)
    face = f"face {enrolled.face_id} in {enrolled.photo}"
    was = f", and was {enrolled.renamed_from}" if enrolled.renamed_from else ""
    undo = f". `undo {enrolled.entry}` takes it back" if enrolled.entry is not None else ""
    session.output.result(f"{face} is {enrolled.name}{was}{undo}")
    if enrolled.relatives:
        session.output.result(f"{enrolled.relatives} faces linked to {face} have the name too")
    if enrolled.doubt:
        session.output.say(f"{enrolled.photo}: {enrolled.doubt}")
    if enrolled.parent_id is not None:
        session.output.say(
            f"{face} stays linked to face {enrolled.parent_id}, as after a click in the app: "
            "new faces are compared with that one"
        )


def enrol_photo(tools: Tools, name: str, photo: Path, number: int | None, *, rename: bool = False) -> Enrolled:
    """Make a portrait's face a master; a photo that is not known yet becomes an image with its faces first.

    Args:
        tools: what the job works with; the store must be a file of our own.
        name: whose face it is.
        photo: the portrait.
        number: which of several faces, by its number on the contact sheet; None where there is only one.
        rename: whether a face that a person gave another name gets this one.

    Raises:
        NotOneFace: no face, or several without a number; none was named.
        RequestError: there is no face of this number, or it has another name; none was named.
        PhotoError, FileMissing, EngineError, FaceApiUnavailable: the photo gave no faces.
    """
    name = checked_name(name)
    if not tools.store.schema.ours:
        raise RequestError(
            f"{tools.store.name} is the app's database, images come from there: use `enrol NAME --id ID`"
        )
    tools.identities.require_naming("enrol")
    known = seen_files.take(tools.store, photo_file(photo), arrivals=tools.arrivals)
    if not known.checked:
        process_image(tools, known.image_id)

    def find(transaction: Transaction, rows_of: RowsOf) -> FaceInPhoto:
        rows = [row for row in rows_of(transaction, known.image_id) if not row.deleted]
        return FaceInPhoto(known.image_id, str(photo), _choose(rows, number, photo))

    return name_face(tools.store, tools.arrivals, tools.identities, name, find, rename=rename)


def enrol_face(
    store: Store, name: str, face_id: int, *, rename: bool = False, library: OpenLibrary | None = None
) -> Enrolled:
    """Name a face that has a row. In the app's database exactly as a click does, with its parent left as it is.

    `library` keeps our tables up to date, where the database has some.

    Raises:
        RequestError: there is no such face, or a person gave it another name and `rename` is not said.
        SchemaError: the database links faces to persons, or has no names.
    """
    name = checked_name(name)
    identities = library.identities if library else identities_of(store.schema)
    identities.require_naming("enrol")

    def find(transaction: Transaction, rows_of: RowsOf) -> FaceInPhoto:
        image_id = faces.image_of(transaction, face_id)
        image = None if image_id is None else images.find(transaction, image_id)
        if image is not None:
            place = place_of(image.disk, image.path, image.filename)
            for row in rows_of(transaction, image.id):
                if row.id == face_id and not row.deleted:
                    return FaceInPhoto(image.id, place, row)
        raise RequestError(f"found no face {face_id} (or it was removed), needed the id of one; `faces` lists them")

    return name_face(store, library.arrivals if library else None, identities, name, find, rename=rename)


def enrol_portrait(tools: Tools, portrait: KnownPortrait) -> str | None:
    """Make the face of a known person's portrait a master; a sentence where it cannot be one.

    Its file says who it is, whatever it was called before.
    """
    try:
        enrol_photo(tools, portrait.name, portrait.file.path, None, rename=True)
    except NotOneFace as error:
        found = f"{error.faces} faces" if error.faces else "no face"
        return f"{portrait.name} is not known by {portrait.file.path}: found {found} there, needed exactly one"
    except (PhotoError, FileMissing, EngineError, RequestError, SettingsError) as error:
        return f"{portrait.name} is not known by {portrait.file.path}: {error}"
    return None


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
