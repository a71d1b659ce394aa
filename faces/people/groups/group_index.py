"""The groups as faces and groups are compared with them: one row each, kept in place, with the products over them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.encoding_sum import EncodingSum
from faces.people.groups.group_limits import MOST_MERGE, STRICTER, join_limits, merge_limits
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import Matrix, as_matrix, error_of, exact_distances, rough_distances, squares_of
from faces.photo.face import ENCODING_LENGTH

#: Scores of a product at a time: 16 MB.
_SCORES = 1 << 22

#: Part by which the arrays grow when they are full, and of the rows that may be dead before they are closed up.
_SPARE = 16

#: The neighbourhood of a dead row: nothing is near it.
_DEAD = -np.inf

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class KeptGroup:
    """A group as a store keeps it."""

    id: int
    total: EncodingSum
    named: bool = False
    around: float | None = None
    """Its neighbourhood; None where it has to be measured."""
    cohort: int = 0
    """The number of what it was measured with."""


@dataclass(frozen=True, slots=True)
class NearGroup:
    """The group that a face joins."""

    group: int
    score: float
    distance: float


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two groups that look like one person, `one` with the smaller id."""

    one: int
    other: int
    score: float
    distance: float
    below_limit: float
    """The score less the limit for these sizes: below 0, the lowest first."""


class GroupIndex:
    """All groups, ascending by id: 541 bytes each.

    One thread at a time. A changed group replaces its row, a new one is appended, a joined one leaves a dead row, and
    dead rows are closed up when they are a sixteenth. Neighbourhoods are measured anew in slices: until its turn comes
    a row keeps the old one, and the number of what that was measured with.
    """

    def __init__(self, neighbourhood: Neighbourhood, groups: Iterable[KeptGroup] = (), number: int = 0) -> None:
        """Take all groups at once; what has no neighbourhood is measured, and has `number` then."""
        known = sorted(groups, key=lambda group: group.id)
        self.neighbourhood, self.number = neighbourhood, number
        self._used, self._dead = len(known), 0
        self._ids = np.array([group.id for group in known], np.int64)
        self._middles = as_matrix([group.total.middle for group in known]) if known else _no_rows(0)
        self._squares = squares_of(self._middles)
        self._sizes = np.array([group.total.count for group in known], np.int32)
        self._named = np.array([group.named for group in known], np.bool_)
        self._alone = neighbourhood.shipped_alone(self._middles)
        self._around = np.array([np.nan if group.around is None else group.around for group in known], np.float32)
        self._numbers = np.array([group.cohort for group in known], np.int32)
        self._measure(np.flatnonzero(np.isnan(self._around)))

    def __len__(self) -> int:
        return self._used - self._dead

    def __contains__(self, group: int) -> bool:
        return self._place(group)[1]

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """The groups, ascending."""
        found: npt.NDArray[np.int64] = self._ids[: self._used][self._alive]
        return found

    @property
    def bytes(self) -> int:
        """What the rows take, with the room for more."""
        return sum(array.nbytes for array in self._arrays())

    @property
    def stale(self) -> int:
        """How many groups wait for their neighbourhood to be measured anew."""
        return int((self._alive & (self._numbers[: self._used] != self.number)).sum())

    def around(self, group: int) -> tuple[float, int]:
        """A group's neighbourhood, and the number of what it was measured with, to be kept.

        Raises:
            KeyError: there is no such group.
        """
        place = self._known_place(group)
        return float(self._around[place]), int(self._numbers[place])

    def priority(self, group: int) -> tuple[bool, int, int]:
        """Of two groups that are joined the one with the lower one stays: the named, then the larger, then the older.

        Raises:
            KeyError: there is no such group.
        """
        place = self._known_place(group)
        return not self._named[place], -int(self._sizes[place]), group

    def put(self, group: int, total: EncodingSum, *, named: bool | None = None) -> None:
        """Say what the sum of a group's faces is now, and whether it has a name; None: as before, a new one none.

        The other rows stay as they are; the cost is two products of one row with the cohort.

        Raises:
            ValueError: the middle is no encoding's; nothing has changed then.
        """
        middle = as_matrix(total.middle[None])
        place, is_there = self._place(group)
        if not is_there:
            self._open(place, group)
        self._ids[place], self._sizes[place] = group, total.count
        self._middles[place], self._squares[place] = middle[0], squares_of(middle)[0]
        self._named[place] = (is_there and self._named[place]) if named is None else named
        self._alone[place] = self.neighbourhood.shipped_alone(middle)[0]
        self._measure(np.array([place]))

    def drop(self, group: int) -> None:
        """Take a group out, if it is there."""
        place, is_there = self._place(group)
        if is_there:
            self._around[place] = _DEAD
            self._dead += 1
            if self._dead > self._used // _SPARE + _SPARE:
                self._close_up()

    def use(self, neighbourhood: Neighbourhood) -> None:
        """Measure with this from now on; `renew` brings the rows after it."""
        self.neighbourhood = neighbourhood
        self.number += 1

    def renew(self, most: int, first: Collection[int] = ()) -> npt.NDArray[np.int64]:
        """Measure anew the groups `first`, and `most` of the others that are stale, the longest stale first.

        Returns the groups that were; none when none was stale.
        """
        stale = np.flatnonzero(self._alive & (self._numbers[: self._used] != self.number))
        wanted = np.isin(self._ids[stale], list(first))
        others = stale[~wanted]
        others = others[np.argsort(self._numbers[others], kind="stable")][:most]
        places = np.concatenate([stale[wanted], others])
        self._measure(places)
        renewed: npt.NDArray[np.int64] = self._ids[places]
        return renewed

    def measure_all(self) -> None:
        """Measure all neighbourhoods anew at once: for a library's first faces."""
        self._measure(np.flatnonzero(self._alive))

    def largest_unnamed(self, count: int) -> Matrix:
        """The middles of the largest groups without a name, of equals the older first, shape (up to `count`, 128)."""
        places = np.flatnonzero(self._alive & ~self._named[: self._used])
        return self._middles[places[np.argsort(-self._sizes[places], kind="stable")][:count]]

    def some_unnamed(self, most: int) -> tuple[Matrix, npt.NDArray[np.int32]]:
        """The middles and sizes of groups without a name, spread evenly by id, where there are more than `most`."""
        places = np.flatnonzero(self._alive & ~self._named[: self._used])
        places = places[:: max(1, -(-len(places) // most))]
        return self._middles[places], self._sizes[places]

    def nearest(self, encoding: Matrix, around: float) -> NearGroup | None:
        """The group whose score with a face is lowest against the limit for its size; of equals the smallest id.

        None where no score is below its limit. A product in float32 chooses which are measured exactly.

        Args:
            encoding: the face, shape (1, 128).
            around: its neighbourhood.
        """
        if not self._used:
            return None
        alarm, squares = self.neighbourhood.alarm, self._squares[: self._used]
        rough = rough_distances(encoding, self._middles[: self._used], squares)[0]
        rough -= np.float32(around / 2) + self._around[: self._used] / 2
        rough -= join_limits(self._sizes[: self._used], alarm).astype(np.float32)
        slack = 2 * error_of(encoding, squares)
        places = np.flatnonzero(rough <= min(float(rough.min()), 0.0) + slack)
        distances = exact_distances(encoding, self._middles, np.zeros(len(places), np.intp), places)
        scores = distances - (around + self._around[places].astype(np.float64)) / 2
        below = scores - join_limits(self._sizes[places], alarm)
        if not len(places) or below.min() >= 0:
            return None
        best = int(below.argmin())
        return NearGroup(int(self._ids[places[best]]), float(scores[best]), float(distances[best]))

    def pairs(self, changed: Collection[int]) -> list[NearPair]:
        """The pairs of a changed group and any other whose score is below the limit for their sizes, lowest first.

        Of equals the pair with the smaller ids comes first. Groups that are not there are left out.
        """
        rows = np.flatnonzero(self._alive & np.isin(self._ids[: self._used], list(changed)))
        block = max(1, _SCORES // max(self._used, 1))
        found = [
            pair for start in range(0, len(rows), block) for pair in self._pairs(rows[start : start + block], rows)
        ]
        return sorted(found, key=lambda pair: (pair.below_limit, pair.one, pair.other))

    def _pairs(self, rows: Rows, changed: Rows) -> Iterator[NearPair]:
        alarm, squares, asked = self.neighbourhood.alarm, self._squares[: self._used], self._middles[rows]
        rough = rough_distances(asked, self._middles[: self._used], squares)
        rough -= (self._around[rows] / 2)[:, None]
        rough -= self._around[: self._used] / 2
        slack = 2 * error_of(asked, squares)
        flat = np.flatnonzero(rough <= MOST_MERGE - STRICTER * alarm + slack)
        where, others = flat // self._used, flat % self._used
        # A pair of two changed groups is found from both sides.
        once = (rows[where] < others) | ~np.isin(others, changed)
        where, others = where[once], others[once]
        distances = exact_distances(asked, self._middles, where, others)
        ones = rows[where]
        scores = distances - (self._around[ones].astype(np.float64) + self._around[others]) / 2
        below = scores - merge_limits(self._sizes[ones], self._sizes[others], alarm)
        for at in np.flatnonzero(below < 0).tolist():
            one, other = sorted((int(self._ids[ones[at]]), int(self._ids[others[at]])))
            yield NearPair(one, other, float(scores[at]), float(distances[at]), float(below[at]))

    # --- rows ---

    @property
    def _alive(self) -> npt.NDArray[np.bool_]:
        return self._around[: self._used] > _DEAD

    def _measure(self, places: Rows) -> None:
        self._around[places] = self.neighbourhood.around(self._middles[places], self._alone[places])
        self._numbers[places] = self.number

    def _place(self, group: int) -> tuple[int, bool]:
        place = int(np.searchsorted(self._ids[: self._used], group))
        return place, place < self._used and int(self._ids[place]) == group and bool(self._around[place] > _DEAD)

    def _known_place(self, group: int) -> int:
        place, is_there = self._place(group)
        if not is_there:
            raise KeyError(group)
        return place

    def _open(self, place: int, group: int) -> None:
        if place < self._used and int(self._ids[place]) == group:
            self._dead -= 1
            return
        if self._used == len(self._ids):
            self._grow()
        for array in self._arrays() if place < self._used else ():
            array[place + 1 : self._used + 1] = array[place : self._used]
        self._used += 1

    def _close_up(self) -> None:
        alive = np.flatnonzero(self._alive)
        for array in self._arrays():
            array[: len(alive)] = array[alive]
        self._used, self._dead = len(alive), 0

    def _grow(self) -> None:
        more = len(self._ids) // _SPARE + _SPARE
        self._middles = np.concatenate([self._middles, _no_rows(more)])
        self._ids, self._squares, self._sizes, self._named, self._alone, self._around, self._numbers = (
            np.concatenate([array, np.zeros(more, array.dtype)]) for array in self._arrays()[1:]
        )

    def _arrays(self) -> tuple[npt.NDArray[np.generic], ...]:
        rest = (self._ids, self._squares, self._sizes, self._named, self._alone, self._around, self._numbers)
        return self._middles, *rest


def _no_rows(count: int) -> Matrix:
    return np.zeros((count, ENCODING_LENGTH), np.float32)
