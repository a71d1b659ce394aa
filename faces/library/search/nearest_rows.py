"""The nearest rows of some encodings among many: a product a block chooses what is then measured exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
    rough_distances,
)

#: Two encodings are never farther apart.
_FARTHEST = 2 * LONGEST_ENCODING

#: Rows that are measured exactly at a time: 4 MB.
_MEASURED = 8192

Hidden = Mapping[int, npt.NDArray[np.bool_]]
"""Of some parts, by number, which of their rows are passed over; shape (ROWS,)."""


def nearest_rows(
    parts: Sequence[Part], hidden: Hidden, faces: Matrix, count: int, most: float, longest: float
) -> list[list[NearFace]]:
    """The `count` nearest of all rows of each face; those above `most` are left out.

    A distance out of the product is wrong by less than `error_of`, e. When r is the `count`-th smallest of them, the
    nearest `count` rows are among those up to r + 2e: only these are measured.

    Args:
        parts: where to look.
        hidden: what is passed over.
        faces: shape (n, 128).
        count: rows told of each face.
        most: the largest distance that is told.
        longest: the largest squared length of an encoding in the parts.
    """
    error = error_of(faces, np.array([longest], np.float32))
    choices = [_Choice(count, min(most, _FARTHEST) + error, 2 * error) for _ in faces]
    for number, part in enumerate(parts):
        rough = rough_distances(faces, part.encodings, part.squares)
        if number in hidden:
            rough[:, hidden[number][: len(part)]] = np.inf
        limits = np.array([choice.limit for choice in choices], np.float32)
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

    def __init__(self, count: int, limit: float, slack: float) -> None:
        self.limit = limit
        self._count, self._slack = count, slack
        self._rough = np.empty(0, np.float32)
        self.places: Places = np.empty(0, np.intp)

    def add(self, rough: npt.NDArray[np.float32], places: Places) -> None:
        """Take more rows, and leave those out which these have put behind."""
        self._rough, self.places = np.concatenate([self._rough, rough]), np.concatenate([self.places, places])
        if len(self._rough) >= self._count:
            last = float(np.partition(self._rough, self._count - 1)[self._count - 1])
            self.limit = min(self.limit, last + self._slack)
            stay = self._rough <= np.float32(self.limit)
            self._rough, self.places = self._rough[stay], self.places[stay]


def _share_out(
    rough: npt.NDArray[np.float32], limits: npt.NDArray[np.float32], number: int, choices: Sequence[_Choice]
) -> None:
    faces, columns = pairs_up_to(rough, limits)
    ends = np.searchsorted(faces, np.arange(len(choices) + 1))
    for face in np.unique(faces).tolist():
        taken = columns[ends[face] : ends[face + 1]]
        choices[face].add(rough[face, taken], number * ROWS + taken)


def _measured(
    parts: Sequence[Part], places: Places, face: npt.NDArray[np.float32], count: int, most: float
) -> list[NearFace]:
    ids, distances = np.empty(0, np.int64), np.empty(0)
    for some_ids, some in _distances(parts, places, face[None]):
        near = some <= most
        ids, distances = np.concatenate([ids, some_ids[near]]), np.concatenate([distances, some[near]])
        order = np.lexsort((ids, distances))[:count]
        ids, distances = ids[order], distances[order]
    return [NearFace(*one) for one in zip(ids.tolist(), distances.tolist(), strict=True)]


def _distances(
    parts: Sequence[Part], places: Places, face: Matrix
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    for start in range(0, len(places), _MEASURED):
        rows = rows_at(parts, places[start : start + _MEASURED])
        each = np.arange(len(rows.ids))
        yield rows.ids, exact_distances(face, rows.encodings, np.zeros_like(each), each)
