"""The file that marks a folder as written by us, so that `scan` does not take our small pictures for photos."""

from __future__ import annotations

from pathlib import Path

from faces.system import atomic_file

#: Its name; hidden, as nobody has to open it.
MARKER = ".face-sidecar"

_TEXT = (
    b"The face sidecar wrote what is in this folder, so `scan` leaves it out.\nRemove this file to have it scanned.\n"
)


def mark(directory: Path) -> None:
    """Mark a folder; one that is marked already stays as it is.

    Raises:
        OSError: the marker cannot be written.
    """
    marker = directory / MARKER
    if not marker.exists():
        atomic_file.replace(marker, _TEXT)
