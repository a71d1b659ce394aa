"""What a person has said does not belong together: pairs of faces, groups and people, for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set as AbstractSet

from faces.people.refs import Ref


class Refusals:
    """Pairs that are never to be one; the order in a pair says nothing."""

    def __init__(self) -> None:
        self._others: defaultdict[Ref, set[Ref]] = defaultdict(set)

    def __contains__(self, pair: tuple[Ref, Ref]) -> bool:
        one, other = pair
        return other in self._others.get(one, ())

    @property
    def named(self) -> AbstractSet[Ref]:
        """All that any refusal names."""
        return self._others.keys()

    def of(self, one: Ref) -> AbstractSet[Ref]:
        """What was refused for it."""
        return self._others.get(one, set())

    def add(self, one: Ref, other: Ref) -> None:
        """Keep what a person has refused."""
        self._others[one].add(other)
        self._others[other].add(one)

    def forbid(self, left: AbstractSet[Ref], right: AbstractSet[Ref]) -> bool:
        """Whether anything on the left was refused for anything on the right."""
        return any(not right.isdisjoint(self._others[one]) for one in left & self._others.keys())

    def inherit(self, kept: int, gone: int) -> None:
        """A group was absorbed: what was refused for it holds for the one that has its faces now."""
        for other in self._others.get(Ref("group", gone), set()).copy():
            self.add(Ref("group", kept), other)
