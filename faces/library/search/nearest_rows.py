"""The nearest rows of some encodings among many: a product a block chooses what is then measured exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from faces.library.search.encoding_blocks import ROWS, Part, Places
from faces.library.search.face_search import NearFace
from faces.people.matching import distances
from faces.people.products import (
    LONGEST_ENCODING,
    Matrix,
    limits_of_smallest,
    pairs_up_to,
    shifted_squares,
    squared_error,
    squares_of,
)

#: Two encodings are never farther apart.
_FARTHEST = 2 * LONGEST_ENCODING

#: Up to so many times as many distances as are told are sorted all together.
_SORTED = 8

Hidden = Mapping[int, npt.NDArray[np.bool_]]
"""Of some parts, by number, which of their rows are passed over; shape (ROWS,)."""


def nearest_rows(
    parts: Sequence[Part], hidden: Hidden, faces: Matrix, count: int, most: float, longest: float
) -> list[list[NearFace]]:
    """The `count` nearest of all rows of each face; those above `most` are left out.

    A squared distance out of the product is wrong by less than e. When r is the `count`-th smallest of those, the
    nearest `count` rows are among those up to r + 2e: only these are measured. All of a face's are compared without its
    own length.

    Args:
        parts: where to look.
        hidden: what is passed over.
        faces: shape (n, 128).
        count: rows told of each face.
        most: the largest distance that is told.
        longest: the largest squared length of an encoding in the parts.
    """
    lengths = squares_of(faces)
    error = squared_error(lengths, longest)
    choices = [_Choice(count, 2 * error) for _ in faces]
    limits = np.float32(min(most, _FARTHEST) ** 2 + error) - lengths
    for number, part in enumerate(parts):
        rough = shifted_squares(faces, part.encodings, part.squares)
        if number in hidden:
            rough[:, hidden[number][: len(part)]] = np.inf
        if number == 0 and len(part) >= count:
            # Nothing but `most` limits them yet: else they would take all of this part.
            limits = np.minimum(limits, limits_of_smallest(rough, count) + np.float32(2 * error))
        _share_out(rough, limits, number, choices)
    return [_measured(parts, choice.places, face, count, most) for choice, face in zip(choices, faces, strict=True)]


def nearest_of(parts: Sequence[Part], places: Places, faces: Matrix, count: int, most: float) -> list[list[NearFace]]:
    """The same among rows at some places alone, each of which is measured; damaged ones are left out."""
    numbers, readable = places // ROWS, np.zeros(len(places), np.bool_)
    for number in set(numbers.tolist()):
        here = np.flatnonzero(numbers == number)
        readable[here] = np.isfinite(parts[number].squares[places[here] % ROWS])
    return [_measured(parts, places[readable], face, count, most) for face in faces]


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
    numbers, exact = places // ROWS, face.astype(np.float64)
    for number in sorted(set(numbers.tolist())):
        part, rows = parts[number], places[numbers == number] % ROWS
        apart = distances(exact, part.encodings[rows])
        if len(apart) > _SORTED * count:
            near = apart <= np.partition(apart, count - 1)[count - 1]
            rows, apart = rows[near], apart[near]
        found += [one for one in zip(apart.tolist(), part.ids[rows].tolist(), strict=True) if one[0] <= most]
        found = sorted(found)[:count]
    return [NearFace(face_id, distance) for distance, face_id in found]
