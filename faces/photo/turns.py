"""Turns and mirrorings by the number that EXIF gives them (1–8): of pictures, of pixels, and of boxes on them."""

from __future__ import annotations

import numpy as np
from PIL import Image

from faces.photo.face import Box, Pixels, Point

#: What each orientation asks for, to bring the stored picture upright (EXIF 2.32, 4.6.4 A); 1 asks for nothing.
_OF_PICTURES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: Each orientation as three steps, in this order: rows become columns; left and right change; top and bottom change.
_STEPS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}

#: Nothing to do; by 90° clockwise; by 180°; by 90° counter-clockwise.
UPRIGHT, CLOCKWISE, HALF, COUNTER_CLOCKWISE = 1, 6, 3, 8

#: All that an orientation can be.
ORIENTATIONS = frozenset(_STEPS)

#: How a turn is called in a sentence.
NAMES = {
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored upside down",
    5: "mirrored and turned by 90° counter-clockwise",
    6: "turned by 90° clockwise",
    7: "mirrored and turned by 90° clockwise",
    8: "turned by 90° counter-clockwise",
}


def picture_turned(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture, turned as `orientation` asks; the very same one for 1."""
    return picture.transpose(_OF_PICTURES[orientation]) if orientation in _OF_PICTURES else picture


def pixels_turned(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels, turned as `orientation` asks, read-only, C-contiguous; the very same ones for 1."""
    if orientation == UPRIGHT:
        return pixels
    transposed, across, down = _STEPS[orientation]
    view = pixels.transpose(1, 0, 2) if transposed else pixels
    turned = np.ascontiguousarray(view[:: -1 if down else 1, :: -1 if across else 1])
    turned.flags.writeable = False
    return turned


def box_turned(box: Box, width: int, height: int, orientation: int) -> Box:
    """Where a box of a picture of `width` × `height` pixels lies when the picture is turned as `orientation` asks."""
    transposed, across, down = _STEPS[orientation]
    if transposed:
        box, width, height = Box(box.left, box.bottom, box.right, box.top), height, width
    if across:
        box = Box(box.top, width - box.left, box.bottom, width - box.right)
    if down:
        box = Box(height - box.bottom, box.right, height - box.top, box.left)
    return box


def point_turned(point: Point, width: int, height: int, orientation: int) -> Point:
    """Where a pixel of a picture of `width` × `height` pixels lies when the picture is turned as `orientation` asks."""
    pixel = Box(top=point.y, right=point.x + 1, bottom=point.y + 1, left=point.x)
    turned = box_turned(pixel, width, height, orientation)
    return Point(x=turned.left, y=turned.top)


def size_turned(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Width and height of a picture of `width` × `height` pixels when it is turned as `orientation` asks."""
    return (height, width) if _STEPS[orientation][0] else (width, height)


def inverse(orientation: int) -> int:
    """The turn that undoes it."""
    return {CLOCKWISE: COUNTER_CLOCKWISE, COUNTER_CLOCKWISE: CLOCKWISE}.get(orientation, orientation)


def both(first: int, second: int) -> int:
    """The one turn that does what two do, one after the other."""
    transposed, across, down = _STEPS[first]
    again, across_again, down_again = _STEPS[second]
    if again:
        across, down = down, across
    steps = (transposed != again, across != across_again, down != down_again)
    return next(orientation for orientation, these in _STEPS.items() if these == steps)
