"""Which way up a file wants its picture shown, and who turns it: never by what XMP says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from PIL import Image

from faces.photo import turns
from faces.photo.files import heif
from faces.photo.files.tiff import TiffFile
from faces.photo.files.tiff_directory import TiffDirectory
from faces.photo.formats import FileBytes

#: EXIF 2.32, 4.6.4 A.
_ORIENTATION = 0x0112

#: What stands before an EXIF block in most files, in some of them twice.
_BEFORE_EXIF = re.compile(b"^(Exif\x00\x00){1,2}")

#: What Pillow calls the EXIF block that older programs wrote into a PNG as text: hexadecimal, behind three lines.
_EXIF_AS_TEXT = "Raw profile type exif"


@dataclass(frozen=True, slots=True)
class WayUp:
    """The turn (EXIF 1–8) that brings the stored picture upright, whether its decoder does that, and any doubt."""

    orientation: int
    by_decoder: bool = False
    doubt: str | None = None


def of(image: Image.Image, name: str, data: FileBytes) -> WayUp:
    """Read it from the file: a TIFF's own tag, a HEIC's or AVIF's container, and EXIF for all others.

    EXIF may stand behind the pixels of a PNG: they must be decoded before. Without a turn of the container, a HEIC or
    AVIF is turned by its EXIF block, as phones show it, though it then means nothing (ISO/IEC 23008-12, A.2.1).
    """
    if name == "TIFF":
        return WayUp(TiffFile(data).orientation, by_decoder=True)
    if name not in ("HEIC", "AVIF"):
        return WayUp(_orientation_in(_exif_of(image)))
    file = heif.ways_up(data)
    if file.turn is not None:
        return WayUp(file.turn, by_decoder=name == "HEIC")
    orientation = _orientation_in(file.exif)
    return WayUp(orientation, doubt=None if orientation == turns.UPRIGHT else _doubt(name, orientation))


def _doubt(name: str, orientation: int) -> str:
    return (
        f"the {name} file says by EXIF alone that it is to be {turns.NAMES[orientation]}: so phones show it, but the "
        "standard wants that said by the container, and some programs show it otherwise"
    )


def _exif_of(image: Image.Image) -> bytes | None:
    """The EXIF block that Pillow found."""
    block = image.info.get("exif")
    if block is None and isinstance(text := image.info.get(_EXIF_AS_TEXT), str):
        try:
            return bytes.fromhex("".join(text.split("\n")[3:]))
        except ValueError:
            return None
    return block if isinstance(block, bytes) else None


def _orientation_in(block: bytes | None) -> int:
    """The orientation of an EXIF block, 1 where there is none or where it cannot be read."""
    if not block:
        return turns.UPRIGHT
    try:
        orientation = TiffDirectory.read(_BEFORE_EXIF.sub(b"", block)).number(_ORIENTATION, turns.UPRIGHT)
    except ValueError:
        return turns.UPRIGHT
    return orientation if orientation in turns.ORIENTATIONS else turns.UPRIGHT
