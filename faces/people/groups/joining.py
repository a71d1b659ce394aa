"""How groups join: the nearest pair first, as long as any is near enough. One loop, whoever keeps the groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from faces.people.groups.group_index import NearPair


@dataclass(frozen=True, slots=True)
class Merger:
    """Two groups that are one now."""

    kept: int
    gone: int
    score: float
    distance: float


@dataclass(frozen=True, slots=True)
class Joins:
    """What the loop asks of whoever keeps groups."""

    pairs: Callable[[Collection[int]], list[NearPair]]
    """The pairs of a changed group and any other that are near enough now, as `GroupIndex.pairs` has them."""
    may_be_one: Callable[[int, int], bool]
    """As `Memberships.may_be_one`."""
    join: Callable[[NearPair], Merger | None]
    """Make one group of the two; None where one of them is gone or another by now."""

    def nearest_first(self, changed: Collection[int]) -> Iterator[Merger]:
        """Join what the changed groups are near to, the nearest pair first; what has been joined is looked at again."""
        while changed:
            touched = set[int]()
            for pair in self.pairs(changed):
                if touched.isdisjoint((pair.one, pair.other)) and self.may_be_one(pair.one, pair.other):
                    touched |= {pair.one, pair.other}
                    if (merger := self.join(pair)) is not None:
                        yield merger
            changed = touched
