"""How the pixels of a random picture lie in memory."""

from __future__ import annotations

import numpy as np

from faces.photo.face import Pixels


def laid_out(random: np.random.Generator, pixels: Pixels) -> Pixels:
    """The same shape, with rows that may lie apart or upside down, as often as side by side."""
    height, width = pixels.shape[:2]
    match int(random.integers(4)):
        case 0:
            wide = np.zeros((height, width + int(random.integers(1, 70)), 3), dtype=np.uint8)
            wide[:, :width] = pixels
            return wide[:, :width]
        case 1:
            return pixels[::-1]
        case _:
            return pixels
