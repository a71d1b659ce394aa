"""Given boxes: at which scale a photo is looked at for them, and where they lie on the scaled picture.

A box that a search found gets the very pixels that the search saw, and so the same encoding to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faces.photo.face import Box
from faces.photo.fast.hog_weights import CELL, WINDOW
from faces.photo.photo import Photo

#: Pixels along a side of the smallest box that a search reports.
SMALLEST_FOUND = 36

#: Empty cells before the first of a row or column of windows: scan_fhog_pyramid.h, `apply_filters_to_fhog`.
_BORDER = (WINDOW - 1) // 2

#: How far a box moves when the picture that was doubled for the scan is halved: `pyramid_down<2>::point_down`.
_SHIFT_ACROSS, _SHIFT_DOWN = 1.25, 0.75

_Pixels = npt.NDArray[np.float64]


def scale_for(photo: Photo, scales: Sequence[int], boxes: Sequence[Box]) -> int:
    """Which of `scales` (longest sides in pixels, ascending) to look at the boxes at, without searching.

    The one whose search can have reported the most of the boxes: a search reports few of all possible boxes, and hardly
    ever one that another scale's search could report, too; of equals the smallest. For boxes from elsewhere it is the
    first scale at which none has a side shorter than a search finds, and the largest where there is none.
    """
    if len(scales) == 1:
        return scales[0]
    reported = {scale: _count_reported(photo, scale, boxes) for scale in scales}
    likeliest = max(scales, key=lambda scale: reported[scale])
    if reported[likeliest]:
        return likeliest
    return next((scale for scale in scales if _shortest_side(photo, scale, boxes) >= SMALLEST_FOUND), scales[-1])


def on_scaled(box: Box, photo: Photo, scale: int) -> Box:
    """The box of the upright photo on the photo at `scale`: the one that is brought back to it, where there is one."""
    across, down = _factors(photo, scale)
    return Box(
        top=_edge(box.top, down),
        right=_edge(box.right, across),
        bottom=_edge(box.bottom, down),
        left=_edge(box.left, across),
    )


def _factors(photo: Photo, scale: int) -> tuple[float, float]:
    """How much larger than the scaled picture the photo is, across and down."""
    width, height = photo.size_at(scale)
    return photo.width / width, photo.height / height


def _edge(place: int, factor: float) -> int:
    """The pixel of the scaled picture that `Box.resized` brings to `place`; the nearest where none is."""
    nearest = round(place / factor)
    return next((pixel for pixel in (nearest, nearest - 1, nearest + 1) if round(pixel * factor) == place), nearest)


def _shortest_side(photo: Photo, scale: int, boxes: Sequence[Box]) -> int:
    scaled = [on_scaled(box, photo, scale) for box in boxes]
    return min((min(box.width, box.height) for box in scaled), default=0)


def _count_reported(photo: Photo, scale: int, boxes: Sequence[Box]) -> int:
    """How many of the boxes a search at `scale` can have reported."""
    across, down = _factors(photo, scale)
    scaled = [on_scaled(box, photo, scale) for box in boxes]
    exact = [one for box, one in zip(boxes, scaled, strict=True) if one.resized(across, down) == box]
    windows = _Windows(*photo.size_at(scale))
    return sum(windows.include(box) for box in exact)


class _Windows:
    """The boxes that dlib's scan, with one doubling, can report of a picture of `width` × `height` pixels."""

    def __init__(self, width: int, height: int) -> None:
        self._levels = [
            (_edges(level, width, _SHIFT_ACROSS), _edges(level, height, _SHIFT_DOWN))
            for level in range(_levels(2 * min(width, height)))
        ]

    def include(self, box: Box) -> bool:
        return any(
            bool(
                np.any((lefts == box.left) & (rights == box.right))
                & np.any((tops == box.top) & (bottoms == box.bottom))
            )
            for (lefts, rights), (tops, bottoms) in self._levels
        )


def _levels(side: int) -> int:
    """Levels of the pyramid whose picture has room for a window along `side` pixels, and one more for rounding."""
    levels = 1
    while side >= CELL * WINDOW:
        side, levels = side * 5 // 6, levels + 1
    return levels


def _edges(level: int, length: int, shift: float) -> tuple[_Pixels, _Pixels]:
    """First and last edges, along one axis of `length` pixels, of all windows on a level, trimmed as the detector does.

    dlib's fhog.h (`fhog_to_image`), image_pyramid.h (`pyramid_down<6>::rect_up`, `pyramid_down<2>::rect_down`).
    """
    cells = np.arange(-WINDOW, 2 * length // CELL + WINDOW, dtype=np.float64)
    first, last = (_halved(_enlarged(_middle(cells + offset), level), shift) for offset in (0, WINDOW - 1))
    return np.maximum(first, 0), np.minimum(last, length)


def _middle(cells: _Pixels) -> _Pixels:
    pixels = (cells + 1 - _BORDER) * CELL + 1
    return np.where(pixels >= 0, pixels + CELL // 2, pixels - CELL // 2)


def _enlarged(pixels: _Pixels, level: int) -> _Pixels:
    for _ in range(level):
        pixels = pixels * (6 / 5) + 0.3
    return _rounded(pixels)


def _halved(pixels: _Pixels, shift: float) -> _Pixels:
    return _rounded(pixels / 2 - shift)


def _rounded(pixels: _Pixels) -> _Pixels:
    """Halves away from zero, as C's `lround`."""
    return np.where(pixels >= 0, np.floor(pixels + 0.5), np.ceil(pixels - 0.5))
