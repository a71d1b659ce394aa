"""How crowded it is around a face: the mean distance to its nearest few of a cohort. A distance alone means nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faces.people.cohort import MOST_OWN, NEAREST, OWN_NEARER, SKIPPED, Cohort
from faces.people.products import (
    Matrix,
    as_matrix,
    exact_distances,
    rough_distances,
    smallest_columns,
    squares_of,
)
from faces.photo.face import ENCODING_LENGTH

#: Rows of a product at a time: 1 024 by 2 421 float32 are 10 MB.
_BLOCK = 1024

#: Members beyond the nearest few that are measured exactly, too: products may swap what is equally near.
_SPARE = 3


class Neighbourhood:
    """The shipped averages and the library's own groups, and how crowded a place is by them.

    Products in float32 choose the members that may be among the nearest; those are measured exactly, in float64. So a
    row's value does not depend on the rows beside it in a batch, and a value made anew equals the one that was kept.
    """

    def __init__(self, cohort: Cohort, own_groups: npt.ArrayLike | None = None) -> None:
        """Take the cohort and, largest first, the middles of the library's own groups, shape (n, 128).

        Groups only: a library's single faces as a cohort hold the very person, who is not found any more then. The
        first `MOST_OWN` are taken.
        """
        own = as_matrix(np.empty((0, ENCODING_LENGTH)) if own_groups is None else own_groups)[:MOST_OWN]
        self.cohort = cohort
        self._skipped = SKIPPED if len(own) else 0
        self._members = np.concatenate([cohort.averages, own])
        self._squares = squares_of(self._members)
        self._nearer = np.repeat(np.array([0, OWN_NEARER], np.float32), [len(cohort.averages), len(own)])

    def around(self, encodings: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """For each encoding, shape (n, 128), the mean distance to its nearest `NEAREST`, level added; shape (n,).

        With own groups each distance to one is taken `OWN_NEARER` less, and the `SKIPPED` nearest of all do not count.
        """
        rows = as_matrix(encodings)
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _BLOCK):
            found[start : start + _BLOCK] = self._around(rows[start : start + _BLOCK])
        return found

    def _around(self, rows: Matrix) -> npt.NDArray[np.float64]:
        most = self._skipped + NEAREST
        rough = rough_distances(rows, self._members, self._squares)
        rough -= self._nearer
        columns = smallest_columns(rough, most + _SPARE)
        each = np.repeat(np.arange(len(rows)), most + _SPARE)
        exact = exact_distances(rows, self._members, each, columns.ravel()).reshape(columns.shape)
        exact -= self._nearer[columns]
        exact.sort(axis=1)
        found: npt.NDArray[np.float64] = exact[:, self._skipped : most].mean(axis=1)
        return found + self.cohort.calibration.level
