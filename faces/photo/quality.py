"""How good a found face is, 0–100, and why."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from faces.photo.face import Box, Pixels, Quality

#: The score of each part at its best; together 100.
SIZE_POINTS, SHARPNESS_POINTS, BRIGHTNESS_POINTS, CONTRAST_POINTS = 25, 35, 20, 20

#: A face of this many square pixels (100 × 100) is large enough.
FULL_AREA = 10_000
#: Variance of the Laplacian from which a face counts as sharp.
FULL_SHARPNESS = 500
#: The mean gray of a well-lit face.
MIDDLE_GRAY = 127
#: Standard deviation of gray from which the contrast is full.
FULL_CONTRAST = 50


def quality_of(pixels: Pixels, box: Box) -> Quality:
    """Score the face in `box` on the scaled picture `pixels` (RGB): the app's formula, so that rows stay comparable.

    The box is clipped to the picture; an empty one scores 0. The total is made of the unrounded parts; total and
    parts are rounded to one digit.
    """
    height, width = pixels.shape[:2]
    inside = box.clipped(width, height)
    if inside.width == 0 or inside.height == 0:
        return Quality(total=0.0, size=0.0, sharpness=0.0, brightness=0.0, contrast=0.0)
    face = pixels[inside.top : inside.bottom, inside.left : inside.right]
    gray: npt.NDArray[np.uint8] = np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8)
    laplacian: npt.NDArray[np.float64] = np.asarray(cv2.Laplacian(gray, cv2.CV_64F, ksize=1), np.float64)
    size = min(inside.width * inside.height / FULL_AREA, 1) * SIZE_POINTS
    sharpness = min(float(np.var(laplacian)) / FULL_SHARPNESS, 1) * SHARPNESS_POINTS
    brightness = (1 - abs(float(np.mean(gray)) - MIDDLE_GRAY) / MIDDLE_GRAY) * BRIGHTNESS_POINTS
    contrast = min(float(np.std(gray)) / FULL_CONTRAST, 1) * CONTRAST_POINTS
    return Quality(
        total=round(size + sharpness + brightness + contrast, 1),
        size=round(size, 1),
        sharpness=round(sharpness, 1),
        brightness=round(brightness, 1),
        contrast=round(contrast, 1),
    )
