"""How crowded it is around a face: the mean distance to its nearest few of a cohort. A distance alone means nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from faces.people.cohort import MOST_OWN, NEAREST, OWN_NEARER, SKIPPED, Cohort
from faces.people.products import (
    Matrix,
    Rough,
    as_matrix,
    error_of,
    exact_distances,
    rough_distances,
    smallest_columns,
    squares_of,
)
from faces.photo.face import ENCODING_LENGTH

#: Farther off than this the shipped averages say nothing any more; 95 % of ordinary faces lie below 0.60.
CAP = 0.58

#: Own groups only ever tighten a neighbourhood, and at most so far below what the shipped averages say: a person who is
#: a large part of a small library crowds the own place otherwise, and stays in pieces.
BOUND = 0.04

#: With the alarm full they may tighten it by so much more, but never below the second: only they know such people.
WIDE, LOWEST = 0.25, 0.44

#: Rows of a product at a time: 1 024 by 2 421 float32 are 10 MB.
_BLOCK = 1024

#: Members beyond the nearest few that are measured exactly, too: products may swap what is equally near.
_SPARE = 3


class Neighbourhood:
    """The shipped averages and the library's own groups, and how crowded a place is by them.

    Products in float32 choose the members that may be among the nearest; those are measured exactly, in float64. So a
    row's value does not depend on the rows beside it in a batch, and a value made anew equals the one that was kept.
    """

    def __init__(self, cohort: Cohort, own_groups: npt.ArrayLike | None = None, alarm: float = 0.0) -> None:
        """Take the cohort and, largest first, the middles of the library's own groups, shape (n, 128).

        Groups only: a library's single faces as a cohort hold the very person, who is not found any more then. The
        first `MOST_OWN` are taken. `alarm` is `Alarm.strength`.
        """
        own = as_matrix(np.empty((0, ENCODING_LENGTH)) if own_groups is None else own_groups)[:MOST_OWN]
        self.cohort, self.alarm = cohort, alarm
        self._shipped = len(cohort.averages)
        self._members = np.concatenate([cohort.averages, own])
        self._squares = squares_of(self._members)
        self._nearer = np.repeat(np.array([0, OWN_NEARER], np.float32), [self._shipped, len(own)])

    @property
    def own(self) -> Matrix:
        """The middles of the library's own groups, largest first, shape (n, 128)."""
        return self._members[self._shipped :]

    def shipped_alone(self, encodings: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """For each encoding, shape (n, 128), the mean distance to the nearest `NEAREST` shipped averages, level added.

        It changes with the cohort only, never with the library; shape (n,).
        """
        rows = as_matrix(encodings)
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            rough = rough_distances(block, self._members[: self._shipped], self._squares[: self._shipped])
            found[start : start + _BLOCK] = self._mean(block, rough, skipped=0)
        return found

    def around(
        self, encodings: npt.ArrayLike, shipped_alone: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]:
        """How crowded it is around each encoding, shape (n, 128); shape (n,).

        Without own groups what `shipped_alone` says, at most `CAP`. With them the mean distance to the nearest
        `NEAREST` of both kinds, level added: a distance to an own group is taken `OWN_NEARER` less, and the `SKIPPED`
        nearest of all do not count. That is never more than without them, and less by `BOUND` at most; with the alarm
        on by `WIDE` times its strength more, down to `LOWEST`.

        Args:
            encodings: faces or middles.
            shipped_alone: what it said of them, where that is known already.
        """
        rows = as_matrix(encodings)
        alone = self.shipped_alone(rows) if shipped_alone is None else shipped_alone
        lowest, highest = self._bounds(alone)
        if len(self._members) == self._shipped:
            return highest.astype(np.float32)
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            rough = rough_distances(rows[part], self._members, self._squares)
            rough -= self._nearer
            found[part] = np.clip(self._mean(rows[part], rough, SKIPPED), lowest[part], highest[part])
        return found

    def at_least(self, rows: Matrix) -> npt.NDArray[np.float64]:
        """What `around` is not below, shape (n,): by products with the shipped averages alone, ten times as quick."""
        found = np.empty(len(rows))
        for start in range(0, len(rows), _BLOCK):
            block, squares = rows[start : start + _BLOCK], self._squares[: self._shipped]
            rough = rough_distances(block, self._members[: self._shipped], squares)
            nearest = np.partition(rough, NEAREST - 1, axis=1)[:, :NEAREST].mean(axis=1) - error_of(block, squares)
            found[start : start + _BLOCK] = nearest + self.cohort.calibration.level
        return self._bounds(found)[0]

    def _bounds(self, alone: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Between what a neighbourhood lies, by what the shipped averages say of it."""
        highest = np.minimum(alone.astype(np.float64), CAP)
        if len(self._members) == self._shipped:
            return highest, highest
        lowest = highest - BOUND
        if self.alarm:
            lowest = np.minimum(np.maximum(lowest - WIDE * self.alarm, LOWEST), lowest)
        return lowest, highest

    def _mean(self, rows: Matrix, rough: Rough, skipped: int) -> npt.NDArray[np.float64]:
        """The mean of the nearest few of the first members, as many as `rough` has columns; level added."""
        most = skipped + NEAREST
        columns = smallest_columns(rough, most + _SPARE)
        each = np.repeat(np.arange(len(rows)), most + _SPARE)
        exact = exact_distances(rows, self._members, each, columns.ravel()).reshape(columns.shape)
        exact -= self._nearer[columns]
        exact.sort(axis=1)
        found: npt.NDArray[np.float64] = exact[:, skipped:most].mean(axis=1)
        return found + self.cohort.calibration.level
