"""The groups as faces and groups are compared with them: one row each, kept in place, with the products over them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.encoding_sum import EncodingSum
from faces.people.groups.group_limits import MOST_MERGE, STRICTER, join_limits, merge_limits
from faces.people.measured_middles import MeasuredMiddles, Places
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import Matrix, error_of, exact_distances, rough_distances

#: Scores of a product at a time: 16 MB.
_SCORES = 1 << 22

#: Part of the rows that may be dead before they are closed up.
_SPARE = 16

#: The neighbourhood of a dead row: nothing is near it.
_DEAD = -np.inf


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


@dataclass(slots=True, eq=False)
class GroupMiddles(MeasuredMiddles):
    """The rows of groups. That of a group that is gone may be among them, with a neighbourhood of -inf."""

    named: npt.NDArray[np.bool_]


class GroupIndex:
    """All groups, ascending by id: 541 bytes each.

    One thread at a time. A changed group replaces its row, a new one is appended, a joined one leaves a dead row, and
    dead rows are closed up when they are a sixteenth. Neighbourhoods are measured anew in slices: until its turn comes
    a row keeps the old one, and the number of what that was measured with.
    """

    def __init__(self, neighbourhood: Neighbourhood, groups: Iterable[KeptGroup] = (), number: int = 0) -> None:
        """Take all groups at once; what has no neighbourhood is measured, and has `number` then."""
        known = sorted(groups, key=lambda group: group.id)
        self.neighbourhood, self.number, self._dead = neighbourhood, number, 0
        self.rows = GroupMiddles.with_room(len(known))
        self.rows.fill([group.id for group in known], [group.total for group in known], neighbourhood)
        self.rows.named[:] = [group.named for group in known]
        self.rows.around[:] = [np.nan if group.around is None else group.around for group in known]
        self.rows.numbers[:] = [group.cohort for group in known]
        self.rows.measure(np.flatnonzero(np.isnan(self.rows.around)), neighbourhood, number)

    @classmethod
    def of_rows(cls, neighbourhood: Neighbourhood, rows: GroupMiddles, number: int) -> GroupIndex:
        """Go on with the `rows` of another index, which are neither measured nor copied.

        `number` is the neighbourhood's; rows that were measured with another are stale.
        """
        index = cls(neighbourhood, number=number)
        index.rows, index._dead = rows, int((rows.around[: rows.used] == _DEAD).sum())
        return index

    def __len__(self) -> int:
        return self.rows.used - self._dead

    def __contains__(self, group: int) -> bool:
        return self._place(group)[1]

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """The groups, ascending."""
        found: npt.NDArray[np.int64] = self.rows.ids[: self.rows.used][self._alive]
        return found

    @property
    def faces(self) -> int:
        """How many are in groups."""
        return int(self.rows.counts[: self.rows.used][self._alive].sum())

    @property
    def bytes(self) -> int:
        """What the rows take, with the room for more."""
        return self.rows.bytes

    @property
    def stale(self) -> int:
        """How many groups wait for their neighbourhood to be measured anew."""
        return len(self._stale)

    def around(self, group: int) -> tuple[float, int]:
        """A group's neighbourhood, and the number of what it was measured with, to be kept.

        Raises:
            KeyError: there is no such group.
        """
        place = self._known_place(group)
        return float(self.rows.around[place]), int(self.rows.numbers[place])

    def priority(self, group: int) -> tuple[bool, int, int]:
        """Of two groups that are joined the one with the lower one stays: the named, then the larger, then the older.

        Raises:
            KeyError: there is no such group.
        """
        place = self._known_place(group)
        return not self.rows.named[place], -int(self.rows.counts[place]), group

    def put(self, group: int, total: EncodingSum, *, named: bool | None = None) -> None:
        """Say what the sum of a group's faces is now, and whether it has a name; None: as before, a new one none.

        The other rows stay as they are; the cost is two products of one row with the cohort.

        Raises:
            ValueError: the middle is no encoding's; nothing has changed then.
        """
        place, is_alive = self._place(group)
        named = is_alive and bool(self.rows.named[place]) if named is None else named
        rows_before = self.rows.used
        place = self.rows.put(group, total, self.neighbourhood)
        # Neither alive nor new: a dead row that lives again.
        self._dead -= not is_alive and self.rows.used == rows_before
        self.rows.named[place] = named
        self.rows.measure(np.array([place]), self.neighbourhood, self.number)

    def drop(self, group: int) -> None:
        """Take a group out, if it is there."""
        place, is_there = self._place(group)
        if is_there:
            self.rows.around[place] = _DEAD
            self._dead += 1
            if self._dead > self.rows.used // _SPARE + _SPARE:
                self.rows.keep(np.flatnonzero(self._alive))
                self._dead = 0

    def use(self, neighbourhood: Neighbourhood, number: int | None = None) -> None:
        """Measure with this from now on, under this number or the next; `renew` brings the rows after it."""
        self.neighbourhood = neighbourhood
        self.number = self.number + 1 if number is None else number

    def renew(self, most: int, first: Collection[int] = ()) -> npt.NDArray[np.int64]:
        """Measure anew the groups `first`, and `most` of the others that are stale, the longest stale first.

        Returns the groups that were; none when none was stale.
        """
        stale = self._stale
        wanted = np.isin(self.rows.ids[stale], list(first))
        places = np.concatenate([stale[wanted], self.rows.longest_stale(stale[~wanted], most)])
        self.rows.measure(places, self.neighbourhood, self.number)
        renewed: npt.NDArray[np.int64] = self.rows.ids[places]
        return renewed

    def measure_all(self) -> None:
        """Measure all neighbourhoods anew at once: for a library's first faces."""
        self.rows.measure(np.flatnonzero(self._alive), self.neighbourhood, self.number)

    def largest_unnamed(self, count: int) -> Matrix:
        """The middles of the largest groups without a name, of equals the older first, shape (up to `count`, 128)."""
        places = np.flatnonzero(self._alive & ~self.rows.named[: self.rows.used])
        return self.rows.middles[places[np.argsort(-self.rows.counts[places], kind="stable")][:count]]

    def some_unnamed(self, most: int) -> tuple[Matrix, npt.NDArray[np.int32]]:
        """The middles and sizes of groups without a name, spread evenly by id, where there are more than `most`."""
        places = np.flatnonzero(self._alive & ~self.rows.named[: self.rows.used])
        places = places[:: max(1, -(-len(places) // most))]
        return self.rows.middles[places], self.rows.counts[places]

    def measured(self, groups: Sequence[int]) -> GroupMiddles:
        """The rows of those of these groups that are there; neighbourhoods that were measured with another are NaN."""
        places = self.rows.places_of(groups)
        places = places[places >= 0]
        places = places[self._alive[places]]
        found = GroupMiddles(len(places), **{name: array[places] for name, array in self.rows.arrays.items()})
        found.around[found.numbers != self.number] = np.nan
        return found

    def unnamed_near(self, middles: Matrix, around: npt.NDArray[np.float32], below: float) -> npt.NDArray[np.int64]:
        """The groups without a name whose score with any of these places is below this, as products say it.

        Args:
            middles: of people, shape (n, 128).
            around: their neighbourhoods, shape (n,).
            below: a score.
        """
        used = self.rows.used
        near = np.zeros(used, np.bool_)
        block = max(1, _SCORES // max(used, 1))
        for start in range(0, len(middles) if used else 0, block):
            part = slice(start, start + block)
            rough = rough_distances(middles[part], self.rows.middles[:used], self.rows.squares[:used])
            rough -= (around[part] / 2)[:, None]
            rough -= self.rows.around[:used] / 2
            near |= rough.min(axis=0) < below
        found: npt.NDArray[np.int64] = self.rows.ids[:used][near & self._alive & ~self.rows.named[:used]]
        return found

    def nearest(self, encoding: Matrix, around: float) -> NearGroup | None:
        """The group that one face, shape (1, 128), would join, as `nearest_of_each` says."""
        return self.nearest_of_each(encoding, [around])[0]

    def nearest_of_each(self, encodings: Matrix, around: Sequence[float]) -> list[NearGroup | None]:
        """The group whose score with a face is lowest against the limit for its size; of equals the smallest id.

        None where no score is below its limit. A product in float32 chooses which are measured exactly, so the faces
        beside it change nothing.

        Args:
            encodings: faces, shape (n, 128).
            around: the neighbourhood of each.
        """
        if not self.rows.used:
            return [None] * len(encodings)
        alarm, squares = self.neighbourhood.alarm, self.rows.squares[: self.rows.used]
        products = rough_distances(encodings, self.rows.middles[: self.rows.used], squares)
        limits = self.rows.around[: self.rows.used] / 2
        limits += join_limits(self.rows.counts[: self.rows.used], alarm).astype(np.float32)
        products -= limits
        return [
            self._nearest(encodings[at : at + 1], float(around[at]), rough, squares)
            for at, rough in enumerate(products)
        ]

    def _nearest(
        self, encoding: Matrix, around: float, rough: npt.NDArray[np.float32], squares: npt.NDArray[np.float32]
    ) -> NearGroup | None:
        """Of one face, by its distances less all but its own neighbourhood."""
        slack = 2 * error_of(encoding, squares)
        places = np.flatnonzero(rough <= min(float(rough.min()), around / 2) + slack)
        distances = exact_distances(encoding, self.rows.middles, np.zeros(len(places), np.intp), places)
        scores = distances - (around + self.rows.around[places].astype(np.float64)) / 2
        below = scores - join_limits(self.rows.counts[places], self.neighbourhood.alarm)
        if not len(places) or below.min() >= 0:
            return None
        best = int(below.argmin())
        return NearGroup(int(self.rows.ids[places[best]]), float(scores[best]), float(distances[best]))

    def pairs(self, changed: Collection[int]) -> list[NearPair]:
        """The pairs of a changed group and any other whose score is below the limit for their sizes, lowest first.

        Of equals the pair with the smaller ids comes first. Groups that are not there are left out.
        """
        rows = np.flatnonzero(self._alive & np.isin(self.rows.ids[: self.rows.used], list(changed)))
        block = max(1, _SCORES // max(self.rows.used, 1))
        found = [
            pair for start in range(0, len(rows), block) for pair in self._pairs(rows[start : start + block], rows)
        ]
        return sorted(found, key=lambda pair: (pair.below_limit, pair.one, pair.other))

    def _pairs(self, rows: Places, changed: Places) -> Iterator[NearPair]:
        alarm, squares, asked = self.neighbourhood.alarm, self.rows.squares[: self.rows.used], self.rows.middles[rows]
        rough = rough_distances(asked, self.rows.middles[: self.rows.used], squares)
        rough -= (self.rows.around[rows] / 2)[:, None]
        rough -= self.rows.around[: self.rows.used] / 2
        slack = 2 * error_of(asked, squares)
        flat = np.flatnonzero(rough <= MOST_MERGE - STRICTER * alarm + slack)
        where, others = flat // self.rows.used, flat % self.rows.used
        # A pair of two changed groups is found from both sides.
        once = (rows[where] < others) | ~np.isin(others, changed)
        where, others = where[once], others[once]
        distances = exact_distances(asked, self.rows.middles, where, others)
        ones = rows[where]
        scores = distances - (self.rows.around[ones].astype(np.float64) + self.rows.around[others]) / 2
        below = scores - merge_limits(self.rows.counts[ones], self.rows.counts[others], alarm)
        for at in np.flatnonzero(below < 0).tolist():
            one, other = sorted((int(self.rows.ids[ones[at]]), int(self.rows.ids[others[at]])))
            yield NearPair(one, other, float(scores[at]), float(distances[at]), float(below[at]))

    # --- rows ---

    @property
    def _alive(self) -> npt.NDArray[np.bool_]:
        return self.rows.around[: self.rows.used] > _DEAD

    @property
    def _stale(self) -> Places:
        return np.flatnonzero(self._alive & (self.rows.numbers[: self.rows.used] != self.number))

    def _place(self, group: int) -> tuple[int, bool]:
        place, is_there = self.rows.place(group)
        return place, is_there and bool(self.rows.around[place] > _DEAD)

    def _known_place(self, group: int) -> int:
        place, is_there = self._place(group)
        if not is_there:
            raise KeyError(group)
        return place
