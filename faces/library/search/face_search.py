"""What finds the faces nearest to an encoding: an interface, so that an index outside can stand where ours does."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class NearFace:
    """A face, and how far it is."""

    face_id: int
    distance: float
    """Euclidean, between encodings as they are kept: rounded to float32; measured in float64."""


class FaceSearch(Protocol):
    """Encodings of faces by id. Threads may share one."""

    def follow(self) -> None:
        """Take in all that was committed until now to what is kept of encodings.

        Raises:
            StoreUnavailable: the database cannot be used; what was taken in stays.
        """

    def nearest(
        self,
        encodings: npt.ArrayLike,
        count: int,
        *,
        most: float = math.inf,
        among: Collection[int] | None = None,
        without: Collection[int] = (),
    ) -> list[list[NearFace]]:
        """The nearest faces of each encoding, as they were when this followed last: nearest first, of equals by id.

        Neither the other encodings of a call nor other faces change a distance. Faces whose kept encoding is damaged
        are never found.

        Args:
            encodings: shape (n, 128).
            count: how many faces at most for each, 1 or more.
            most: the largest distance of one that is told.
            among: only of these faces; those that are not known are none.
            without: none of these faces.

        Raises:
            ValueError: encodings of another shape, longer than any is, or not finite.
        """
