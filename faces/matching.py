"""Distances between encodings, and the nearest candidate strictly below the threshold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from faces.face import ENCODING_LENGTH, Encoding

Encodings = npt.NDArray[np.float64]
"""Shape (n, 128), float64, finite."""

#: Rows subtracted at a time: 8 MB of differences stay in the processor's cache and out of the memory's peak.
_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Match:
    """The nearest candidate's id and how far away it is."""

    id: int
    distance: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """Known, verified faces to compare with; ascending by id, one row each, so that ties go to the smallest id."""

    ids: npt.NDArray[np.int64]
    image_ids: npt.NDArray[np.int64]
    encodings: Encodings
    allowed: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, ids: Collection[int], image_ids: Collection[int], encodings: Collection[Encoding]) -> Candidates:
        """Make the matrix once; `ids` must ascend."""
        return cls(
            ids=np.fromiter(ids, np.int64, len(ids)),
            image_ids=np.fromiter(image_ids, np.int64, len(image_ids)),
            encodings=np.stack(list(encodings)) if encodings else np.empty((0, ENCODING_LENGTH)),
            allowed=np.ones(len(ids), np.bool_),
        )

    def outside_image(self, image_id: int) -> Candidates:
        """The candidates that are not faces of this image; the matrix is shared."""
        return replace(self, allowed=self.allowed & (self.image_ids != image_id))

    def without(self, ids: Collection[int]) -> Candidates:
        """The candidates other than these; the matrix is shared."""
        return replace(self, allowed=self.allowed & ~np.isin(self.ids, list(ids)))


def distances(encoding: Encoding, encodings: Encodings) -> npt.NDArray[np.float64]:
    """Euclidean distances from one encoding to each row, in order; float64 throughout."""
    result = np.empty(len(encodings))
    # Absurd numbers in a row make an infinite distance, which matches nothing; that is no reason to warn.
    with np.errstate(over="ignore"):
        for start in range(0, len(encodings), _CHUNK):
            part = slice(start, start + _CHUNK)
            result[part] = np.sqrt(np.square(encodings[part] - encoding).sum(axis=1))
    return result


def nearest(encoding: Encoding, candidates: Candidates, threshold: float) -> Match | None:
    """The nearest allowed candidate strictly below the threshold; of equally near ones the smallest id."""
    if not candidates.allowed.any():
        return None
    apart = np.where(candidates.allowed, distances(encoding, candidates.encodings), np.inf)
    place = int(apart.argmin())
    return Match(int(candidates.ids[place]), float(apart[place])) if apart[place] < threshold else None
