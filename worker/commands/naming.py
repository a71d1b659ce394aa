"""Naming faces: a portrait's face, or one that has a row already, becomes somebody whom others are linked to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faces.errors import FileMissing, NotOneFace, RequestError
from faces.people.kept_face import KeptFace
from faces.sources import seen_files
from faces.sources.folder import PhotoFile
from faces.store import faces, images
from faces.store.database import Store, Transaction
from worker.jobs.faces import Tools, process_image

#: Characters that the column holds.
_LONGEST_NAME = 255


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
        NotOneFace: no face, or several without a number; nobody was named.
        RequestError: there is no face of this number; nobody was named.
        PhotoError, FileMissing, EngineError, FaceApiUnavailable: the photo gave no faces.
    """
    name = _checked(name)
    if not tools.store.schema.ours:
        raise RequestError(
            f"{tools.store.name} is the app's database, images come from there: use `enrol NAME --id ID`"
        )
    tools.store.schema.require_parents("enrol")
    known = seen_files.take(tools.store, photo_file(photo))
    if not known.checked:
        process_image(tools, known.image_id)
    return tools.store.write(lambda transaction: _name_one_of(transaction, name, known.image_id, number, photo))


def enrol_face(store: Store, name: str, face_id: int) -> Enrolled:
    """Name a face that has a row. In the app's database exactly as a click does, with its parent left as it is.

    Raises:
        RequestError: there is no such face.
        SchemaError: the database links faces to persons, or has no names.
    """
    name = _checked(name)
    store.schema.require_parents("enrol")
    store.schema.require_names()
    return store.write(lambda transaction: _name_by_id(transaction, name, face_id))


def _checked(name: str) -> str:
    stripped = name.strip()
    if not stripped or len(stripped) > _LONGEST_NAME:
        raise RequestError(f"found a name of {len(stripped)} characters, needed 1 to {_LONGEST_NAME}")
    return stripped


def photo_file(photo: Path) -> PhotoFile:
    """The file that `photo` leads to, past all links.

    Raises:
        FileMissing: there is none, or it cannot be looked at.
    """
    try:
        real = photo.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError) as error:
        raise FileMissing(f"cannot read {photo}: {getattr(error, 'strerror', None) or error}") from error
    if not real.is_file():
        raise FileMissing(f"{photo} is not a file")
    return PhotoFile(str(real.parent), real.name, status.st_size, status.st_mtime_ns)


def _name_one_of(transaction: Transaction, name: str, image_id: int, number: int | None, photo: Path) -> Enrolled:
    images.lock(transaction, image_id)
    rows = [row for row in faces.lock_of_image(transaction, image_id) if not row.deleted]
    return _name(transaction, name, image_id, _choose(rows, number, photo))


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


def _name_by_id(transaction: Transaction, name: str, face_id: int) -> Enrolled:
    image_id = faces.image_of(transaction, face_id)
    if image_id is not None:
        images.lock(transaction, image_id)
        for row in faces.lock_of_image(transaction, image_id):
            if row.id == face_id and not row.deleted:
                return _name(transaction, name, image_id, row)
    raise RequestError(f"found no face {face_id} (or it was removed), needed the id of one; `faces` lists them")


def _name(transaction: Transaction, name: str, image_id: int, row: KeptFace) -> Enrolled:
    as_master = transaction.schema.ours
    relatives = faces.name_face(transaction, row, name, as_master=as_master)
    parent_id = None if as_master else row.parent_id
    return Enrolled(name, row.id, image_id, row.face_index, parent_id, relatives)
