"""Photos on which two faces look like one person: rare where the cohort has the like of a library's people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.groups.group_limits import join_limits
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import Matrix

#: Photos that are looked at, spread evenly by id.
MOST_PHOTOS = 5000

#: Faces of one photo that are compared with each other at most: a crowd is a thousand strangers, not one look-alike.
_MOST_FACES = 50


@dataclass(frozen=True, slots=True)
class AlikeInPhotos:
    """How many photos with two faces or more there are, and on how many of them two look like one person."""

    photos: int = 0
    alike: int = 0

    def __add__(self, other: AlikeInPhotos) -> AlikeInPhotos:
        return AlikeInPhotos(self.photos + other.photos, self.alike + other.alike)

    @property
    def share(self) -> float:
        """Of these photos."""
        return self.alike / self.photos if self.photos else 0.0


def alike_in_photos(encodings: Matrix, images: npt.NDArray[np.int64], neighbourhood: Neighbourhood) -> AlikeInPhotos:
    """Count photos on which two faces would have come into one group, were they not on one photo.

    Args:
        encodings: all faces of some photos, shape (n, 128).
        images: whose each is, shape (n,).
        neighbourhood: the one in force.
    """
    around = neighbourhood.around(encodings).astype(np.float64)
    (limit,) = join_limits(np.array([1]), neighbourhood.alarm)
    order = np.argsort(images, kind="stable")
    starts = np.unique(images[order], return_index=True)[1]
    found = AlikeInPhotos()
    for rows in np.split(order, starts[1:]) if len(order) else ():
        few = rows[:_MOST_FACES]
        if len(few) > 1:
            found += AlikeInPhotos(1, int(_nearest_pair(encodings[few], around[few]) < limit))
    return found


def _nearest_pair(rows: Matrix, around: npt.NDArray[np.float64]) -> float:
    """The lowest score between any two faces."""
    one, other = np.triu_indices(len(rows), 1)
    apart = np.linalg.norm(rows[one].astype(np.float64) - rows[other], axis=1)
    return float((apart - (around[one] + around[other]) / 2).min())
