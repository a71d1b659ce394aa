"""How a folder that we wrote is known, so that `scan` does not take our small pictures for photos."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from faces.system import atomic_file

#: The file that says so; hidden, because it need not be opened.
MARKER = ".face-sidecar"

_TEXT = (
    b"The face sidecar wrote what is in this folder, so `scan` leaves it out.\nRemove this file to have it scanned.\n"
)


#: The page of a contact sheet, and the folder of its pictures beside it.
INDEX, PICTURES = "index.html", "pictures"

#: Stands near the top of every page of ours.
PAGE_MARK = "face sidecar: contact sheet"


def mark(directory: Path) -> None:
    """Mark a folder; one that is marked already stays as it is.

    Raises:
        OSError: the marker cannot be written.
    """
    marker = directory / MARKER
    if not marker.exists():
        atomic_file.replace(marker, _TEXT)


def mark_if_ours(directory: Path, ours: Collection[str]) -> None:
    """Mark a folder where nothing is in it but files of these names and hidden ones: a photo of a person stays scanned.

    Raises:
        OSError: it cannot be read, or the marker not be written.
    """
    if all(path.name in ours or path.name.startswith(".") for path in directory.iterdir()):
        mark(directory)


def is_page(index: Path) -> bool:
    """Whether a file is a page of ours.

    Raises:
        OSError: it is there, and cannot be read.
    """
    return index.exists() and PAGE_MARK.encode() in index.read_bytes()[:1000]


def has_pictures_of_a_page(folder: Path) -> bool:
    """Whether a folder is the one of a page's pictures, also where it was made before such folders were marked."""
    try:
        return folder.name == PICTURES and is_page(folder.parent / INDEX)
    except OSError:
        return False
