"""The values that a found face is made of: box, quality, encoding; and the pixels that it is found in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Numbers in one encoding.
ENCODING_LENGTH = 128

Encoding = npt.NDArray[np.float64]
"""Shape (128,), float64, finite."""

Pixels = npt.NDArray[np.uint8]
"""Shape (height, width, 3), RGB, 8 bit, C-contiguous."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in whole pixels, edges as face_recognition counts them (top, right, bottom, left)."""

    top: int
    right: int
    bottom: int
    left: int

    @property
    def width(self) -> int:
        """Pixels from left to right; never negative."""
        return max(self.right - self.left, 0)

    @property
    def height(self) -> int:
        """Pixels from top to bottom; never negative."""
        return max(self.bottom - self.top, 0)

    def is_within(self, width: int, height: int) -> bool:
        """Whether it has a pixel at least, and none outside a picture of `width` × `height` pixels."""
        return 0 <= self.left < self.right <= width and 0 <= self.top < self.bottom <= height

    def clipped(self, width: int, height: int) -> Box:
        """The part of the box that lies on a picture of `width` × `height` pixels."""
        return Box(
            top=min(max(self.top, 0), height),
            right=min(max(self.right, 0), width),
            bottom=min(max(self.bottom, 0), height),
            left=min(max(self.left, 0), width),
        )

    def resized(self, across: float, down: float) -> Box:
        """The same place on a picture `across` times as wide and `down` times as high, rounded."""
        return Box(
            top=round(self.top * down),
            right=round(self.right * across),
            bottom=round(self.bottom * down),
            left=round(self.left * across),
        )

    def ratios(self, width: int, height: int) -> RatioBox:
        """The same place as parts of a picture of `width` × `height` pixels."""
        return RatioBox(
            top=self.top / height, right=self.right / width, bottom=self.bottom / height, left=self.left / width
        )


@dataclass(frozen=True, slots=True)
class RatioBox:
    """A rectangle as parts (0–1) of the picture's width and height."""

    top: float
    right: float
    bottom: float
    left: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a found face is, 0–100, and the four parts that make the sum (25 + 35 + 20 + 20)."""

    total: float
    size: float
    sharpness: float
    brightness: float
    contrast: float


@dataclass(frozen=True, slots=True)
class Point:
    """A place in whole pixels from the picture's left and upper edge; it may lie outside."""

    x: int
    y: int

    def resized(self, across: float, down: float) -> Point:
        """The same place on a picture `across` times as wide and `down` times as high, rounded."""
        return Point(x=round(self.x * across), y=round(self.y * down))


Landmarks = tuple[Point, ...]
"""Five points in the order of dlib's 5-point predictor: `LANDMARKS` names them."""

#: The eyes are the person's own: the left one is on the right of an upright photo.
LANDMARKS = ("left_eye_outer", "left_eye_inner", "right_eye_outer", "right_eye_inner", "nose")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face is, and how good it is there: what is known before it is encoded.

    `box` is in pixels of the upright original, `scaled_box` of the picture scanned. `score` is the detector's; None
    where the box was given.
    """

    box: Box
    scaled_box: Box
    score: float | None
    quality: Quality


@dataclass(frozen=True, slots=True)
class Face(Place):
    """A face in a photo. Its landmarks, in pixels of the upright original, are there where they were asked for."""

    encoding: Encoding
    landmarks: Landmarks | None = None
