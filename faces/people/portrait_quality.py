"""How good a face must be for others to be compared with it, and the warning about one that is not."""

from __future__ import annotations

import math

#: The quality (0–100) below which a face links strangers. Measured on 127 labelled portraits, each made as small as a
#: face of 24 pixels and enlarged again, as pictures from chats are: together they had 98 wrong links more than the
#: originals, 96 of them from faces below 66, and 126 of the 127 were below. Of the originals, 15 of 129 are.
LEAST_QUALITY = 66

#: The side in pixels, on the picture scanned, below which a face does the same though it is sharp and scores 70 to 80.
#: The same portraits, only made smaller: 0.45 wrong links more a portrait below 40 pixels, 0.16 from there to 53, 0.05
#: above 60. Of the originals, 2 of 129 are smaller than this.
LEAST_PIXELS = 53

#: Points that quality gives for size, and the square pixels that get all of them.
_SIZE_POINTS, _FULL_AREA = 25, 10_000


def doubt_of(quality: float | None, size_points: float | None) -> str | None:
    """The sentence about a face that is too poor to compare others with; None where it is good enough, or unknown.

    Args:
        quality: the total, 0–100.
        size_points: the part of it that is for the face's size, 0–25; all of them from 100 × 100 pixels on.
    """
    if quality is not None and quality < LEAST_QUALITY:
        return _doubt(f"found a face of quality {quality:g}, needed {LEAST_QUALITY} or more")
    pixels = None if size_points is None else math.sqrt(size_points / _SIZE_POINTS * _FULL_AREA)
    if pixels is not None and pixels < LEAST_PIXELS - 0.5:
        return _doubt(f"found a face {pixels:.0f} pixels wide, needed {LEAST_PIXELS} or more")
    return None


def _doubt(found: str) -> str:
    return f"{found} to tell people apart: strangers may be linked to it; a larger, sharper photo of the face is better"
