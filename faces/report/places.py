"""Where an image's file is, for a person and for the machine."""

from __future__ import annotations

from pathlib import Path

from faces.errors import FileMissing
from faces.laravel.disks import Disks
from faces.store.listing import ListedImage


def place_of(image: ListedImage) -> str:
    """The path as a person knows it; on a disk with the disk's name in front."""
    within = str(Path(image.path or "", image.filename))
    return within if image.disk is None else f"{image.disk}:{within.lstrip('/')}"


def file_of(image: ListedImage, disks: Disks) -> Path:
    """The file to read.

    Raises:
        FileMissing: it is not there.
        OutsideDisks: the row names a place on no disk.
    """
    if image.disk is not None:
        return disks.path(image.disk, image.path, image.filename)
    file = Path(image.path or "/", image.filename)
    if not file.is_file():
        raise FileMissing(f"there is no file {file}")
    return file
