"""Pictures of numbers (16 to 64 bits, whole, signed and real) as 8 bits: which number is black, and which white."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
"""Shape (height, width) or (height, width, colours): uint16, and signed, unsigned and real numbers of 16 to 64 bits."""

#: What counts as white where nearly all numbers are below it: as a rule one of these was meant.
_USUAL_WHITE = (1.0, 255.0, 65535.0)
#: The same for signed numbers of 16 bits, which have no 65535.
_USUAL_WHITE_OF_INT16 = (1.0, 255.0, 32767.0)
#: The same for whole numbers beyond; where nearly all are in the lower quarter, the largest decides.
_WHITE_OF_WHOLE_NUMBERS = (2.0**31 - 1, 2.0**32 - 1, 2.0**63 - 1, 2.0**64 - 1)

#: Numbers below zero count where the 1st percentile is below this part of white; what a scaling filter leaves does not.
_NEGATIVE_PART = 0.1

#: Numbers a side that are looked at to find out what white is.
_SAMPLE = 1000
#: Rows that are converted at a time: real numbers in between take eight times the memory.
_BAND_ROWS = 256


def eight_bits(numbers: Numbers) -> npt.NDArray[np.uint8]:
    """The numbers as 0–255, of the same shape; what lies beyond black or white is cut.

    Unsigned 16 bits keep their upper 8. For all others black is 0 and white the smallest usual number (1, 255, 65535)
    that holds 99%; where many numbers are negative, black is white's opposite. No number (NaN) is black.
    """
    if numbers.dtype == np.uint16:
        return (numbers >> 8).astype(np.uint8)
    black, white = _black_and_white(numbers)
    converted = np.empty(numbers.shape, np.uint8)
    for top in range(0, len(numbers), _BAND_ROWS):
        band = np.nan_to_num(numbers[top : top + _BAND_ROWS]).astype(np.float64)
        converted[top : top + _BAND_ROWS] = np.rint(np.clip((band - black) / (white - black), 0, 1) * 255)
    return converted


def alpha(numbers: Numbers) -> npt.NDArray[np.uint8]:
    """How opaque each pixel is, 0–255; what is fully so is found as white is, of the largest number.

    Whoever writes colours of 0–65535 as 32 bits writes their alpha so, too.
    """
    if numbers.dtype == np.uint16:
        return (numbers >> 8).astype(np.uint8)
    shares = np.nan_to_num(numbers)
    full = _white(float(shares.max(initial=0)), numbers.dtype)
    return np.rint(np.clip(shares / full, 0, 1) * 255).astype(np.uint8)


def _black_and_white(numbers: Numbers) -> tuple[float, float]:
    down, across = (max(side // _SAMPLE, 1) for side in numbers.shape[:2])
    sample = np.nan_to_num(numbers[::down, ::across])
    low, high = (float(np.percentile(sample, part, method="lower")) for part in (1, 99))
    opposite = _white(max(high, -low), numbers.dtype)
    return (-opposite, opposite) if -low > opposite * _NEGATIVE_PART else (0.0, _white(high, numbers.dtype))


def _white(high: float, kind: np.dtype[Any]) -> float:
    """What white is where nearly all numbers are at most `high`."""
    usual = _USUAL_WHITE_OF_INT16 if kind == np.int16 else _USUAL_WHITE
    if high <= usual[-1]:
        return next(white for white in usual if high <= white)
    if kind.kind == "f":
        return high
    return next((white for white in _WHITE_OF_WHOLE_NUMBERS if white / 4 < high <= white), high)
