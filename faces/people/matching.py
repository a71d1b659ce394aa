"""Distances between encodings, and the nearest candidate strictly below the threshold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from faces.photo.face import ENCODING_LENGTH, Encoding

Encodings = npt.NDArray[np.float64]
"""Shape (n, 128), float64, finite."""

#: Rows subtracted at a time: 8 MB of differences stay in the processor's cache and out of the memory's peak.
_CHUNK = 8192

#: Part of the numbers' size by which a squared distance out of a matrix product may be wrong; far more than it is.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Match:
    """The nearest candidate's id and its distance."""

    id: int
    distance: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """Known, verified faces to compare with; ascending by id, one row each, so that of equals the smallest id wins.

    Threads share one: the arrays are never written, and what is left out of them is only marked in `allowed`.
    """

    ids: npt.NDArray[np.int64]
    image_ids: npt.NDArray[np.int64]
    encodings: Encodings
    squares: npt.NDArray[np.float64]
    """Each encoding's squared length, for `nearest`."""
    allowed: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, ids: Collection[int], image_ids: Collection[int], encodings: Collection[Encoding]) -> Candidates:
        """Make the matrix once; `ids` must ascend."""
        matrix = np.stack(list(encodings)) if encodings else np.empty((0, ENCODING_LENGTH))
        with np.errstate(over="ignore"):
            squares = np.square(matrix).sum(axis=1)
        return cls(
            ids=np.fromiter(ids, np.int64, len(ids)),
            image_ids=np.fromiter(image_ids, np.int64, len(image_ids)),
            encodings=matrix,
            squares=squares,
            allowed=np.ones(len(ids), np.bool_),
        )

    def outside_image(self, image_id: int) -> Candidates:
        """The candidates that are not faces of this image; the matrix is shared."""
        return replace(self, allowed=self.allowed & (self.image_ids != image_id))

    def without(self, ids: Collection[int]) -> Candidates:
        """The candidates other than these; the matrix is shared."""
        return replace(self, allowed=self.allowed & ~np.isin(self.ids, list(ids)))


def distances(encoding: Encoding, encodings: Encodings | npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Euclidean distances from one encoding to each row, in order; computed in float64 throughout."""
    result = np.empty(len(encodings))
    # Absurd numbers in a row make an infinite distance, which matches nothing; that is no reason to warn.
    with np.errstate(over="ignore"):
        for start in range(0, len(encodings), _CHUNK):
            part = slice(start, start + _CHUNK)
            result[part] = np.sqrt(np.square(encodings[part] - encoding).sum(axis=1))
    return result


def nearest(encoding: Encoding, candidates: Candidates, threshold: float) -> Match | None:
    """The nearest allowed candidate strictly below the threshold; of equally near ones the smallest id.

    One matrix product, much quicker than all differences, leaves out nearly all that are too far:
    |a - b|² = |a|² + |b|² - 2ab loses digits, hence the slack; what overflows stays in. The rest is looked at exactly.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = candidates.squares + np.square(encoding).sum()
        far = lengths - 2 * (candidates.encodings @ encoding) > threshold**2 + _SLACK * lengths
    eligible = np.flatnonzero(candidates.allowed & ~far)
    if not len(eligible):
        return None
    exact = distances(encoding, candidates.encodings[eligible])
    place = int(exact.argmin())
    return Match(int(candidates.ids[eligible[place]]), float(exact[place])) if exact[place] < threshold else None
