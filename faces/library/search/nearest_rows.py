"""The nearest rows of some encodings among many: a product a block chooses what is then measured exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from faces.library.search.encoding_blocks import ROWS, Part, Places, rows_at
from faces.library.search.face_search import NearFace
from faces.people.products import (
    LONGEST_ENCODING,
    Matrix,
    error_of,
    exact_distances,
    limits_of_smallest,
    pairs_up_to,
    rough_squares,
)

#: Two encodings are never farther apart.
_FARTHEST = 2 * LONGEST_ENCODING

#: Rows that are measured exactly at a time: 4 MB.
_MEASURED = 8192
_EACH = np.arange(_MEASURED)

Hidden = Mapping[int, npt.NDArray[np.bool_]]
"""Of some parts, by number, which of their rows are passed over; shape (ROWS,)."""


def nearest_rows(
    parts: Sequence[Part], hidden: Hidden, faces: Matrix, count: int, most: float, longest: float
) -> list[list[NearFace]]:
    """The `count` nearest of all rows of each face; those above `most` are left out.

    A squared distance out of the product is wrong by less than e, `error_of` squared. When r is the `count`-th smallest
    of those, the nearest `count` rows are among those up to r + 2e: only these are measured.

    Args:
        parts: where to look.
        hidden: what is passed over.
        faces: shape (n, 128).
        count: rows told of each face.
        most: the largest distance that is told.
        longest: the largest squared length of an encoding in the parts.
    """
    error = error_of(faces, np.array([longest], np.float32)) ** 2
    choices = [_Choice(count, 2 * error) for _ in faces]
    limits = np.full(len(faces), min(most, _FARTHEST) ** 2 + error, np.float32)
    for number, part in enumerate(parts):
        rough = rough_squares(faces, part.encodings, part.squares)
        if number in hidden:
            rough[:, hidden[number][: len(part)]] = np.inf
        if number == 0 and len(part) >= count:
            # Nothing but `most` limits them yet: else they would take all of this part.
            limits = np.minimum(limits, limits_of_smallest(rough, count) + np.float32(2 * error))
        _share_out(rough, limits, number, choices)
    return [_measured(parts, choice.places, face, count, most) for choice, face in zip(choices, faces, strict=True)]


def nearest_of(parts: Sequence[Part], places: Places, faces: Matrix, count: int, most: float) -> list[list[NearFace]]:
    """The same among rows at some places alone, each of which is measured."""
    return [_measured(parts, places, face, count, most) for face in faces]


class _Choice:
    """The rows that may be among the nearest of one face, as far as parts were looked at."""

    def __init__(self, count: int, slack: float) -> None:
        self._count, self._slack = count, slack
        self._rough = np.empty(0, np.float32)
        self.places: Places = np.empty(0, np.intp)

    def add(self, rough: npt.NDArray[np.float32], places: Places, limit: float) -> float:
        """Take more rows, and leave those out which these have put behind; returns the limit from now on."""
        if len(self.places):
            rough, places = np.concatenate([self._rough, rough]), np.concatenate([self.places, places])
        self._rough, self.places = rough, places
        if len(self._rough) >= self._count:
            last = float(np.partition(self._rough, self._count - 1)[self._count - 1])
            limit = min(limit, last + self._slack)
            stay = self._rough <= np.float32(limit)
            self._rough, self.places = self._rough[stay], self.places[stay]
        return limit


def _share_out(
    rough: npt.NDArray[np.float32], limits: npt.NDArray[np.float32], number: int, choices: Sequence[_Choice]
) -> None:
    """Give each face's choice what of a part is not above its limit, which is lowered."""
    faces, columns = pairs_up_to(rough, limits)
    start = 0
    for face, count in enumerate(np.bincount(faces, minlength=len(choices)).tolist()):
        if count:
            taken = columns[start : start + count]
            limits[face] = choices[face].add(rough[face, taken], number * ROWS + taken, float(limits[face]))
        start += count


def _measured(
    parts: Sequence[Part], places: Places, face: npt.NDArray[np.float32], count: int, most: float
) -> list[NearFace]:
    found: list[tuple[float, int]] = []
    for start in range(0, len(places), _MEASURED):
        rows = rows_at(parts, places[start : start + _MEASURED])
        distances = exact_distances(
            face[None], rows.encodings, np.zeros(len(rows.ids), np.intp), _EACH[: len(rows.ids)]
        )
        if len(distances) > count:
            distances[distances > np.partition(distances, count - 1)[count - 1]] = np.inf
        near = np.flatnonzero(distances <= min(most, _FARTHEST))
        found += zip(distances[near].tolist(), rows.ids[near].tolist(), strict=True)
        found = sorted(found)[:count]
    return [NearFace(face_id, distance) for distance, face_id in found]
