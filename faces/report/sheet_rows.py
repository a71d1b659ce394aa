"""Rows of images and faces as a contact sheet shows them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from faces.errors import FileMissing, OutsideDisks
from faces.laravel import last_error
from faces.laravel.disks import Disks
from faces.report.places import file_of
from faces.report.sheet import Portrait, SheetFace, SheetPhoto
from faces.store.listing import ListedFace, ListedImage

#: What a sheet says about where its numbers come from; only encodings of one model can be compared.
MODEL = "dlib's face recognition ResNet, version 1"


def photo_of(image: ListedImage, title: str, faces: Iterable[ListedFace], disks: Disks) -> SheetPhoto:
    """An image with its faces; one whose file is not there says so."""
    shown = tuple(_face(face) for face in faces if face.status != "not_face")
    try:
        path, problem = file_of(image, disks), image.last_error and last_error.sentence_of(image.last_error)
    except (FileMissing, OutsideDisks) as error:
        path, problem = Path(image.path or "/", image.filename), str(error)
    return SheetPhoto(path, title, shown, problem)


def portraits_of(image: ListedImage, faces: Iterable[ListedFace], disks: Disks) -> tuple[Portrait, ...]:
    """The known faces of an image that is not among the photos shown."""
    path = photo_of(image, image.filename, (), disks).path
    return tuple(Portrait(face.name, path, face.box) for face in faces if face.name and _is_known(face))


def _face(face: ListedFace) -> SheetFace:
    return SheetFace(
        index=face.face_index,
        box=face.box,
        quality=face.quality,
        name=face.name,
        distance=face.distance,
        known=_is_known(face),
    )


def _is_known(face: ListedFace) -> bool:
    """Others are compared with it."""
    return face.status == "ok" and face.parent_id is None
