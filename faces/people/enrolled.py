"""The enrolled people as faces are compared with them: the middle of each one's faces, and how crowded it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.encoding_sum import EncodingSum
from faces.people.measured_middles import MeasuredMiddles, Places
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import (
    Matrix,
    as_matrix,
    error_of,
    exact_distances,
    limits_of_smallest,
    pairs_up_to,
    rough_distances,
)

#: Scores of a product at a time, and rows: 16 MB.
_SCORES, _ROWS = 1 << 22, 1024


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
    """The people with a confirmed face, ascending by id: 540 bytes each, and the products with them.

    One thread at a time. Sums and faces are not kept here: whoever changes a person brings the person's new sum.
    Neighbourhoods are measured anew in slices: until a person's turn comes the old one holds.
    """

    def __init__(
        self,
        neighbourhood: Neighbourhood,
        people: Mapping[int, EncodingSum] | None = None,
        number: int = 0,
        measured: Mapping[int, tuple[float, int]] | None = None,
    ) -> None:
        """Take all people at once, by id; those without a confirmed face are left out.

        Args:
            neighbourhood: what they are measured with.
            people: the sum of each one's confirmed faces.
            number: of the neighbourhood.
            measured: what `measurement` said of people, where it was kept. Who is not in it is measured.
        """
        kept = measured or {}
        known = sorted((person, total) for person, total in (people or {}).items() if total.count)
        ids = [person for person, _ in known]
        self.neighbourhood, self.number = neighbourhood, number
        self.rows = MeasuredMiddles.with_room(len(known))
        self.rows.fill(ids, [total for _, total in known], neighbourhood)
        self.rows.around[:] = [kept[person][0] if person in kept else np.nan for person in ids]
        self.rows.numbers[:] = [kept[person][1] if person in kept else 0 for person in ids]
        self.rows.measure(np.flatnonzero(np.isnan(self.rows.around)), neighbourhood, number)

    @classmethod
    def of_rows(cls, neighbourhood: Neighbourhood, rows: MeasuredMiddles, number: int) -> EnrolledPeople:
        """Go on with the `rows` of others, which are neither measured nor copied.

        `number` is the neighbourhood's; rows that were measured with another are stale.
        """
        people = cls(neighbourhood, number=number)
        people.rows = rows
        return people

    def __len__(self) -> int:
        return self.rows.used

    def __contains__(self, person: int) -> bool:
        return self.rows.place(person)[1]

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """The people, ascending."""
        return self.rows.ids[: self.rows.used]

    @property
    def confirmed(self) -> npt.NDArray[np.int32]:
        """How many confirmed faces each has: k."""
        return self.rows.counts[: self.rows.used]

    @property
    def middles(self) -> Matrix:
        """The plain mean of each one's confirmed faces, shape (N, 128)."""
        return self.rows.middles[: self.rows.used]

    @property
    def around(self) -> npt.NDArray[np.float32]:
        """The neighbourhood of each middle."""
        return self.rows.around[: self.rows.used]

    @property
    def bytes(self) -> int:
        """What the rows take, with the room for more."""
        return self.rows.bytes

    @property
    def stale(self) -> int:
        """How many people wait for their neighbourhood to be measured anew."""
        return len(self._stale)

    def put(self, person: int, confirmed: EncodingSum) -> None:
        """Say what the sum of one person's confirmed faces is now; without any, the person is left out.

        The others stay as they are; the cost is one product with the cohort.

        Raises:
            ValueError: the middle is no encoding's; nothing has changed then.
        """
        if confirmed.count:
            place = self.rows.put(person, confirmed, self.neighbourhood)
            self.rows.measure(np.array([place]), self.neighbourhood, self.number)
        elif person in self:
            self.rows.take_out(self.rows.place(person)[0])

    def is_as(self, person: int, confirmed: EncodingSum) -> bool:
        """Whether a person has so many confirmed faces, with this middle; with none is not here."""
        place, is_there = self.rows.place(person)
        if not is_there or not confirmed.count:
            return is_there == bool(confirmed.count)
        same = self.rows.counts[place] == confirmed.count
        return bool(same and (self.rows.middles[place] == as_matrix(confirmed.middle[None])[0]).all())

    def measurement(self, person: int) -> tuple[float, int]:
        """A person's neighbourhood, and the number of what it was measured with, to be kept.

        Raises:
            KeyError: there is no such person.
        """
        place, is_there = self.rows.place(person)
        if not is_there:
            raise KeyError(person)
        return float(self.rows.around[place]), int(self.rows.numbers[place])

    def use(self, neighbourhood: Neighbourhood, number: int | None = None) -> None:
        """Measure with this from now on, under this number or the next; `renew` brings the people after it."""
        self.neighbourhood = neighbourhood
        self.number = self.number + 1 if number is None else number

    def renew(self, most: int) -> npt.NDArray[np.int64]:
        """Measure anew `most` of the people who are stale, the longest stale first.

        Returns the people who were; none when none was stale.
        """
        places = self.rows.longest_stale(self._stale, most)
        self.rows.measure(places, self.neighbourhood, self.number)
        renewed: npt.NDArray[np.int64] = self.rows.ids[places]
        return renewed

    def measure_all(self) -> None:
        """Measure all people anew at once, stale or not."""
        self.rows.measure(np.arange(self.rows.used), self.neighbourhood, self.number)

    def places_of(self, ids: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Where these people stand; -1 for who is not enrolled."""
        return self.rows.places_of(ids)

    def distances_without(self, rows: Matrix, places: Places) -> npt.NDArray[np.float64]:
        """How far each confirmed face is from the middle of the others of its person, who must have two or more.

        The middle of all faces lies between the face and that of the others, 1/k of the way from these.
        """
        counts = self.confirmed[places].astype(np.float64)
        apart = np.linalg.norm(rows.astype(np.float64) - self.middles[places], axis=1)
        found: npt.NDArray[np.float64] = apart * counts / (counts - 1)
        return found

    def rank(
        self,
        encodings: npt.ArrayLike,
        count: int,
        left_out: npt.NDArray[np.intp] | None = None,
        around: npt.NDArray[np.float32] | None = None,
    ) -> Ranking:
        """The `count` people with the lowest scores for each encoding, shape (n, 128).

        Products in float32 choose who is measured exactly, so that order, batch and equal people change nothing.

        Args:
            encodings: faces, or middles of groups.
            count: how many people.
            left_out: for each encoding the place of one person that does not count, or -1.
            around: the neighbourhood of each encoding, shape (n,), where it is known already, else NaN.
        """
        rows = as_matrix(encodings)
        around = np.full(len(rows), np.nan, np.float32) if around is None else around.copy()
        unknown = np.flatnonzero(np.isnan(around))
        around[unknown] = self.neighbourhood.around(rows[unknown])
        ranking = Ranking(
            np.full((len(rows), count), -1, np.intp),
            np.full((len(rows), count), np.inf),
            np.full((len(rows), count), np.inf),
        )
        block = max(1, min(_ROWS, _SCORES // max(self.rows.used, 1)))
        for start in range(0, len(rows) if self.rows.used else 0, block):
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
        rough = rough_distances(rows, self.middles, self.rows.squares[: self.rows.used])
        rough -= (around / 2)[:, None]
        rough -= self.around / 2
        if left_out is not None:
            asked = np.flatnonzero(left_out >= 0)
            rough[asked, left_out[asked]] = np.inf
        slack = 2 * error_of(rows, self.rows.squares[: self.rows.used])
        where, places = pairs_up_to(rough, limits_of_smallest(rough, min(count, self.rows.used)) + np.float32(slack))
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

    @property
    def _stale(self) -> Places:
        return np.flatnonzero(self.rows.numbers[: self.rows.used] != self.number)
