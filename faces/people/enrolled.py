"""The enrolled people as faces are compared with them: the middle of each one's faces, and how crowded it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.encoding_sum import EncodingSum
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import (
    Matrix,
    as_matrix,
    error_of,
    exact_distances,
    limits_of_smallest,
    pairs_up_to,
    rough_distances,
    squares_of,
)
from faces.photo.face import ENCODING_LENGTH

#: Scores of a product at a time, and rows: 16 MB.
_SCORES, _ROWS = 1 << 22, 1024

#: Part by which the arrays grow when they are full: 100 000 people then hold room for 6 250 more, 3 MB.
_GROWTH = 16


@dataclass(frozen=True, slots=True)
class Ranking:
    """For each asked encoding the people with the lowest scores, lowest first, of equals the smallest id first.

    Shape (n, count) each. Where there are fewer people, `places` is -1, and the numbers are infinite.
    """

    places: npt.NDArray[np.intp]
    """Of `EnrolledPeople.ids`."""
    scores: npt.NDArray[np.float64]
    """Distance less the mean of both neighbourhoods: below 0 is near for where they are."""
    distances: npt.NDArray[np.float64]


class EnrolledPeople:
    """The people with a confirmed face, ascending by id: 528 bytes each, and the products with them.

    One thread at a time. Sums and faces are not kept here: whoever changes a person brings the person's new sum.
    """

    def __init__(self, neighbourhood: Neighbourhood, people: Mapping[int, EncodingSum] | None = None) -> None:
        """Take all people at once, by id; those without a confirmed face are left out."""
        known = sorted((person, total) for person, total in (people or {}).items() if total.count)
        self.neighbourhood = neighbourhood
        self._used = len(known)
        self._ids = np.array([person for person, _ in known], np.int64)
        self._middles = as_matrix([total.middle for _, total in known]) if known else _no_rows(0)
        self._confirmed = np.array([total.count for _, total in known], np.int32)
        self._around = neighbourhood.around(self._middles)
        self._squares = squares_of(self._middles)

    def __len__(self) -> int:
        return self._used

    def __contains__(self, person: int) -> bool:
        return self._place(person)[1]

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """The people, ascending."""
        return self._ids[: self._used]

    @property
    def confirmed(self) -> npt.NDArray[np.int32]:
        """How many confirmed faces each has: k."""
        return self._confirmed[: self._used]

    @property
    def middles(self) -> Matrix:
        """The plain mean of each one's confirmed faces, shape (N, 128)."""
        return self._middles[: self._used]

    @property
    def around(self) -> npt.NDArray[np.float32]:
        """The neighbourhood of each middle."""
        return self._around[: self._used]

    def put(self, person: int, confirmed: EncodingSum) -> None:
        """Say what the sum of one person's confirmed faces is now; without any, the person is left out.

        The others stay as they are; the cost is one product with the cohort.

        Raises:
            ValueError: the middle is no encoding's; nothing has changed then.
        """
        place, is_there = self._place(person)
        if not confirmed.count:
            if is_there:
                self._close(place)
            return
        middle = as_matrix(confirmed.middle[None])
        if not is_there:
            self._open(place)
        self._ids[place], self._confirmed[place] = person, confirmed.count
        self._middles[place], self._squares[place] = middle[0], squares_of(middle)[0]
        self._around[place] = self.neighbourhood.around(middle)[0]

    def renew(self, neighbourhood: Neighbourhood) -> None:
        """Measure all neighbourhoods anew: the library's own groups have changed."""
        self.neighbourhood = neighbourhood
        self._around[: self._used] = neighbourhood.around(self.middles)

    def places_of(self, ids: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Where these people stand; -1 for who is not enrolled."""
        wanted = np.asarray(ids, np.int64)
        places = np.searchsorted(self.ids, wanted)
        found = np.zeros(len(wanted), np.bool_)
        found[places < self._used] = self.ids[places[places < self._used]] == wanted[places < self._used]
        return np.where(found, places, -1)

    def rank(self, encodings: npt.ArrayLike, count: int, left_out: npt.NDArray[np.intp] | None = None) -> Ranking:
        """The `count` people with the lowest scores for each encoding, shape (n, 128).

        Products in float32 choose who is measured exactly, so that order, batch and equal people change nothing.

        Args:
            encodings: faces, or middles of groups.
            count: how many people.
            left_out: for each encoding the place of one person that does not count, or -1.
        """
        rows = as_matrix(encodings)
        around = self.neighbourhood.around(rows)
        ranking = Ranking(
            np.full((len(rows), count), -1, np.intp),
            np.full((len(rows), count), np.inf),
            np.full((len(rows), count), np.inf),
        )
        block = max(1, min(_ROWS, _SCORES // max(self._used, 1)))
        for start in range(0, len(rows) if self._used else 0, block):
            part = slice(start, start + block)
            self._rank(rows[part], around[part], None if left_out is None else left_out[part], ranking, start)
        return ranking

    def _rank(
        self,
        rows: Matrix,
        around: npt.NDArray[np.float32],
        left_out: npt.NDArray[np.intp] | None,
        into: Ranking,
        at: int,
    ) -> None:
        count = into.places.shape[1]
        rough = rough_distances(rows, self.middles, self._squares[: self._used])
        rough -= (around / 2)[:, None]
        rough -= self.around / 2
        if left_out is not None:
            asked = np.flatnonzero(left_out >= 0)
            rough[asked, left_out[asked]] = np.inf
        slack = 2 * error_of(rows, self._squares[: self._used])
        where, places = pairs_up_to(rough, limits_of_smallest(rough, min(count, self._used)) + np.float32(slack))
        finite = rough[where, places] < np.inf
        where, places = where[finite], places[finite]
        distances = exact_distances(rows, self.middles, where, places)
        scores = distances - (around[where].astype(np.float64) + self.around[places]) / 2
        order = np.lexsort((places, scores, where))
        ranks = np.arange(len(order)) - np.searchsorted(where, where)
        best = ranks < count
        chosen, target = order[best], (where[best] + at, ranks[best])
        into.places[target], into.scores[target] = places[chosen], scores[chosen]
        into.distances[target] = distances[chosen]

    def _place(self, person: int) -> tuple[int, bool]:
        place = int(np.searchsorted(self.ids, person))
        return place, place < self._used and int(self._ids[place]) == person

    def _open(self, place: int) -> None:
        if self._used == len(self._ids):
            self._grow()
        for array in self._arrays():
            array[place + 1 : self._used + 1] = array[place : self._used]
        self._used += 1

    def _close(self, place: int) -> None:
        for array in self._arrays():
            array[place : self._used - 1] = array[place + 1 : self._used]
        self._used -= 1

    def _grow(self) -> None:
        more = len(self._ids) // _GROWTH + 16
        self._ids = np.concatenate([self._ids, np.zeros(more, np.int64)])
        self._middles = np.concatenate([self._middles, _no_rows(more)])
        self._confirmed = np.concatenate([self._confirmed, np.zeros(more, np.int32)])
        self._around = np.concatenate([self._around, np.zeros(more, np.float32)])
        self._squares = np.concatenate([self._squares, np.zeros(more, np.float32)])

    def _arrays(self) -> tuple[npt.NDArray[np.generic], ...]:
        return self._ids, self._middles, self._confirmed, self._around, self._squares


def _no_rows(count: int) -> Matrix:
    return np.zeros((count, ENCODING_LENGTH), np.float32)
