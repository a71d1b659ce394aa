"""What a contact sheet shows, photos, faces and people as plain values, and how the database's rows become them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from faces.errors import FileMissing, OutsideDisks
from faces.laravel import last_error
from faces.laravel.disks import Disks, scanned_path
from faces.people.names import OfferedName
from faces.photo.face import RatioBox
from faces.store.listing import ListedFace, ListedImage

#: What a sheet says about where its numbers come from; only encodings of one model can be compared.
MODEL = "dlib's face recognition ResNet, version 1"


@dataclass(frozen=True, slots=True)
class SheetFace:
    """A face of a photo; `index` is the number that every other place gives it.

    `name` is the person's, None for an unknown face. `distance` is that to the known face it was linked to.
    `known` marks a face that others are compared with: it has no distance. `box` is None where the database
    does not keep it. `quality` is 0–100. `person` is the person's id, `group` that of the group that an unknown face is
    in, and `offer` who is offered for it. `may_be_none`: it is like what a person has said is no face.
    """

    index: int
    box: RatioBox | None = None
    quality: float | None = None
    name: str | None = None
    distance: float | None = None
    known: bool = False
    person: int | None = None
    group: int | None = None
    offer: OfferedName | None = None
    may_be_none: bool = False


@dataclass(frozen=True, slots=True)
class SheetPhoto:
    """A photo with its faces; `title` is its name for a person, `problem` the sentence why it could not be read."""

    path: Path
    title: str
    faces: tuple[SheetFace, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Portrait:
    """A known face in a file that is not among the photos shown."""

    name: str
    path: Path
    box: RatioBox | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a contact sheet says. The verbs `report` and `demo` make it, `contact_sheet.write` makes a page of it.

    `threshold` is the distance below which a face was linked, None where faces were linked by probability. `seconds` is
    how long finding the faces took, `notes` are sentences for a person.
    """

    title: str
    photos: tuple[SheetPhoto, ...]
    model: str
    threshold: float | None
    made_at: datetime
    portraits: tuple[Portrait, ...] = ()
    seconds: float | None = None
    notes: tuple[str, ...] = ()


def photo_of(image: ListedImage, title: str, faces: Iterable[ListedFace], disks: Disks) -> SheetPhoto:
    """An image with its faces; one whose file is not there says so."""
    shown = tuple(_face(face) for face in faces if face.status != "not_face")
    try:
        path = disks.file(image.disk, image.path, image.filename, scanned=True).real
        problem = image.last_error and last_error.sentence_of(image.last_error)
    except (FileMissing, OutsideDisks) as error:
        path, problem = scanned_path(image.path, image.filename), str(error)
    return SheetPhoto(path, title, shown, problem)


def portraits_of(image: ListedImage, faces: Iterable[ListedFace], disks: Disks) -> tuple[Portrait, ...]:
    """The known faces of an image that is not among the photos shown."""
    path = photo_of(image, image.filename, (), disks).path
    return tuple(Portrait(face.name, path, face.box) for face in faces if face.name and _is_known(face))


def _face(face: ListedFace) -> SheetFace:
    # What the app's own job suggests has a name there already.
    name = None if face.offer else face.name
    return SheetFace(
        index=face.face_index,
        box=face.box,
        quality=face.quality,
        name=name,
        distance=face.distance,
        known=_is_known(face),
        person=face.person_id if name else None,
        group=None if name else face.group_id,
        offer=None if face.like_not_face else face.offer,
        may_be_none=face.like_not_face is not None,
    )


def _is_known(face: ListedFace) -> bool:
    """Whether others are compared with it."""
    return face.status == "ok" and face.parent_id is None
