"""The usual JPEG, read at once into an array and turned upright: Pillow's pixels, sooner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import simplejpeg

from faces.photo.face import Pixels
from faces.photo.formats import FileBytes

#: EXIF orientation (EXIF 2.32, 4.6.4 A) -> what brings the stored pixels upright.
_TURNS: dict[int, Callable[[Pixels], Any]] = {
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.flip(cv2.transpose(pixels), -1),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def read(data: FileBytes, orientation: int) -> Pixels | None:
    """RGB pixels of a JPEG, upright, shape (height, width, 3), read-only; the interpreter's lock is let go meanwhile.

    None where libjpeg-turbo so much as warns, though it would go on: damaged files are Pillow's to judge.
    """
    try:
        pixels: Pixels = simplejpeg.decode_jpeg(data, "RGB", strict=True)
    except ValueError:
        return None
    if orientation in _TURNS:
        pixels = _TURNS[orientation](pixels)
    pixels.flags.writeable = False
    return pixels
