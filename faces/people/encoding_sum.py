"""The sum of a person's or group's encodings, exact, so that neither order nor undoing leaves a trace in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.matching import Encodings
from faces.people.products import LONGEST_ENCODING
from faces.photo.face import ENCODING_LENGTH

#: Steps of 1: a number in an encoding is kept to 2⁻⁴¹, and a million encodings still fit 64 bits.
_STEPS = 2.0**40


@dataclass(frozen=True, slots=True, eq=False)
class EncodingSum:
    """How many encodings there are, and their sum in whole steps of 2⁻⁴⁰.

    Floating-point sums depend on the order of additions, and what is taken off again leaves a rounding; whole numbers
    do neither. A sum kept up over years equals the one made anew from the rows, to the bit.
    """

    count: int
    steps: npt.NDArray[np.int64]
    """Shape (128,)."""

    @classmethod
    def of(cls, encodings: npt.ArrayLike) -> EncodingSum:
        """The sum of encodings, shape (n, 128); n may be 0.

        Raises:
            ValueError: another shape, or numbers that no encoding has.
        """
        rows = np.asarray(encodings, np.float64)
        if rows.ndim != 2 or rows.shape[1] != ENCODING_LENGTH:
            raise ValueError(f"found encodings of shape {rows.shape}, needed (n, {ENCODING_LENGTH})")
        if not (np.abs(rows) <= LONGEST_ENCODING).all():
            raise ValueError(f"found an encoding with numbers beyond ±{LONGEST_ENCODING:g}, or not finite")
        return cls(len(rows), np.rint(rows * _STEPS).astype(np.int64).sum(axis=0))

    @classmethod
    def from_bytes(cls, count: int, data: bytes) -> EncodingSum:
        """Read what `to_bytes` made."""
        return cls(count, np.frombuffer(data, "<i8").astype(np.int64))

    def to_bytes(self) -> bytes:
        """1 024 bytes for a column, without the count."""
        return self.steps.astype("<i8").tobytes()

    def __add__(self, other: EncodingSum) -> EncodingSum:
        return EncodingSum(self.count + other.count, self.steps + other.steps)

    def __sub__(self, other: EncodingSum) -> EncodingSum:
        return EncodingSum(self.count - other.count, self.steps - other.steps)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EncodingSum):
            return NotImplemented
        return self.count == other.count and bool((self.steps == other.steps).all())

    @property
    def is_nothing(self) -> bool:
        """Whether adding it changes nothing."""
        return not self.count and not self.steps.any()

    @property
    def middle(self) -> Encodings:
        """The plain mean, shape (128,); there must be one encoding or more."""
        return self.steps / (_STEPS * self.count)
