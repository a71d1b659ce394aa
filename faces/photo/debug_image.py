"""Boxes and numbers drawn on a copy of the photo, and the file that it becomes."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PIL import Image, ImageDraw, ImageFont

from faces.errors import NoDiskForPicture, PictureNotWritten
from faces.photo.engine import Findings
from faces.photo.face import Box
from faces.photo.photo import Photo
from faces.system import atomic_file

#: Longest file name that Linux file systems take, in bytes.
_LONGEST_NAME = 255

#: Originals with these suffixes keep their whole name; the picture is of the kind that the suffix says.
_KEPT = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}

#: What all other originals get behind their name. No kept name ends so, hence no two originals share a picture.
_ADDED = ".boxes.jpg"

#: How the name of a picture begins that is not whole yet.
_DRAFT = ".debug-"

#: Of 9: a third of the default level's time for 7% more bytes.
_PNG_LEVEL = 3

#: How a disk refuses, whatever the file: full, read-only, broken, away, or the process has no file or memory left.
_OF_THE_DISK = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE, errno.ETIMEDOUT),
        *(errno.ENODEV, errno.ENOMEM, errno.EMFILE, errno.ENFILE),
    }
)

#: Bytes that a disk must take for a picture to be tried.
_PROBE = bytes(64 * 1024)

#: What a picture without a place asks for: all that a person can set.
NEEDED = "needed a disk of FACE_DISK_ROOTS that this service may write, or FACE_DEBUG_PICTURES=best_effort"

_BOX = (0, 230, 118)
_EDGE = (0, 0, 0)


def name_of(original_name: str, webp_quality: int | None) -> str:
    """The debug picture's file name: `debug_` and the original's whole name, so that no two originals share one.

    A JPEG or PNG name stays as it is; as WebP every name gets `.webp` behind it (`debug_a.jpg.webp`); others get
    `.boxes.jpg` (`debug_a.heic.boxes.jpg`), and so does a JPEG that is itself named so. A name too long for the file
    system is cut, with 16 digits of its SHA-256 in place of the rest.
    """
    suffix = PurePosixPath(original_name).suffix.lower()
    if webp_quality is not None:
        added = ".webp"
    elif suffix in _KEPT and not original_name.lower().endswith(_ADDED):
        added = ""
    else:
        added = _ADDED
    name = f"debug_{original_name}{added}"
    return name if len(os.fsencode(name)) <= _LONGEST_NAME else _cut(name, added or suffix)


def draw(found: Findings, photo: Photo) -> Image.Image:
    """The scaled photo in true colours with each face's box and its number, from 0: its place in the reply."""
    picture = Image.fromarray(photo.for_people(found.pixels))
    pen = ImageDraw.Draw(picture)
    boxes = [face.scaled_box for face in found.faces]
    width = max(2, round(max(picture.size) / 500))
    for box in boxes:
        _outline(pen, box, width)
    _labels(pen, boxes, picture.size, width)
    return picture


def save(found: Findings, photo: Photo, directory: Path, original_name: str, webp_quality: int | None = None) -> Path:
    """Draw the faces and put the picture into `directory`, whole or not at all; returns its path.

    `directory` comes from `Disks.debug_directory`; it is made if missing. None of its parts may be a link, not even
    one put there meanwhile. An older picture of the same original is replaced.

    Raises:
        PictureNotWritten: the disk is full, read-only or broken.
        NoDiskForPicture: the directory or the name cannot be used, or a link is in the way.
    """
    try:
        name = name_of(original_name, webp_quality)
        content = _content(draw(found, photo), name, webp_quality)
        place = _open_directory(directory)
        try:
            atomic_file.replace_within(place, name, content, _DRAFT)
        finally:
            os.close(place)
    except (OSError, UnicodeError) as error:
        raise _not_written(directory, error) from error
    return directory / name


def require_place(directory: Path) -> None:
    """Ask the disk for room now, so that a photo whose picture cannot be saved costs no work. Leaves nothing there.

    `directory` comes from `Disks.debug_directory`; it is not made. `save` may still be refused later.

    Raises:
        PictureNotWritten, NoDiskForPicture: as `save`.
    """
    try:
        there = next(folder for folder in (directory, *directory.parents) if folder.exists())
        place = _open_directory(there)
        try:
            # A file without a name, in the open directory itself and not at a path that may lead elsewhere by now.
            with tempfile.TemporaryFile(dir=f"/proc/self/fd/{place}", buffering=0) as file:
                if file.write(_PROBE) < len(_PROBE):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(place)
    except OSError as error:
        raise _not_written(directory, error) from error


def _not_written(directory: Path, error: OSError | UnicodeError) -> PictureNotWritten:
    """The disk's fault passes by itself; any other needs a person who sets or moves something."""
    reason = getattr(error, "strerror", None) or error
    sentence = f"the debug picture in {directory} was not written: {reason}"
    if getattr(error, "errno", None) in _OF_THE_DISK:
        return PictureNotWritten(sentence)
    return NoDiskForPicture(f"{sentence}; {NEEDED}")


def _cut(name: str, ending: str) -> str:
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    room = _LONGEST_NAME - len(os.fsencode(ending)) - len(digest) - 1
    kept = os.fsencode(name)[:room].decode(errors="ignore")
    return f"{kept}~{digest}{ending}"


def _content(picture: Image.Image, name: str, webp_quality: int | None) -> bytes:
    file = io.BytesIO()
    if webp_quality is not None:
        picture.save(file, "WEBP", quality=webp_quality)
    elif name.lower().endswith(".png"):
        picture.save(file, "PNG", compress_level=_PNG_LEVEL)
    else:
        picture.save(file, "JPEG", quality=90)
    return file.getvalue()


def _outline(pen: ImageDraw.ImageDraw, box: Box, width: int) -> None:
    """A bright frame between two dark hairlines: seen on any background."""
    corners = (box.left, box.top, box.right, box.bottom)
    pen.rectangle(_grown(corners, 1), outline=_EDGE, width=width + 2)
    pen.rectangle(corners, outline=_BOX, width=width)


def _grown(corners: tuple[int, int, int, int], by: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = corners
    return left - by, top - by, right + by, bottom + by


def _labels(pen: ImageDraw.ImageDraw, boxes: Sequence[Box], size: tuple[int, int], width: int) -> None:
    for number, box in enumerate(boxes):
        height = min(max(box.height // 5, 14), max(max(size) // 30, 14))
        font = ImageFont.load_default(height)
        left, top, right, bottom = pen.textbbox((0, 0), str(number), font=font)
        wide, high = right - left + height // 2, bottom - top + height // 2
        x = min(max(box.left, 0), max(size[0] - wide, 0))
        y = box.top - high if box.top >= high else min(box.top + width, max(size[1] - high, 0))
        pen.rectangle((x, y, x + wide, y + high), fill=_BOX, outline=_EDGE)
        pen.text((x + height // 4 - left, y + height // 4 - top), str(number), fill=_EDGE, font=font)


def _open_directory(directory: Path) -> int:
    """Open a directory part by part without following a link, making what is missing; returns its descriptor."""
    place = os.open("/", os.O_PATH | os.O_DIRECTORY)
    for part in directory.parts[1:]:
        try:
            below = _step(place, part)
        finally:
            os.close(place)
        place = below
    return place


def _step(place: int, part: str) -> int:
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
    try:
        return os.open(part, flags, dir_fd=place)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, dir_fd=place)
        return os.open(part, flags, dir_fd=place)
