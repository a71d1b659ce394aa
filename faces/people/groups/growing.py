"""How groups grow: faces join as photos arrive, and groups join after each batch. No face leaves one by this hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.cohort import MOST_OWN, Cohort
from faces.people.groups.alarm import Alarm
from faces.people.groups.group_index import GroupIndex, KeptGroup, NearGroup, NearPair
from faces.people.groups.joining import Joins, Merger
from faces.people.groups.memberships import Memberships, NewFace
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import Matrix, as_matrix, exact_distances
from faces.photo.face import ENCODING_LENGTH

#: Faces of a batch, at least and at most; between them as many as there are already.
FEWEST, MOST = 25, 500

#: Of so many first faces some that are so far apart stand in for groups: a library whose people the cohort lacks
#: would begin as one group otherwise.
FIRST, LEADERS_APART = 100, 0.42

#: Groups whose neighbourhoods are measured anew at a time: 0.2 CPU seconds. A library with no more waits for none.
SLICE = 4096


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a new face was put; `near` is None where it began a group of its own."""

    face: int
    group: int
    near: NearGroup | None


def next_batch(faces: int) -> int:
    """After how many faces groups are to be joined again, in a library that has so many."""
    return min(max(FEWEST, faces), MOST)


class Groups:
    """The groups of a library: what joins what, told to the memberships and returned step by step.

    One thread at a time. A confirmed face stays with its person: a named group absorbs, and is never absorbed.
    """

    def __init__(
        self,
        cohort: Cohort,
        memberships: Memberships,
        kept: Sequence[KeptGroup] = (),
        *,
        alarm: Alarm | None = None,
        number: int = 0,
        changed: Collection[int] = (),
        first_faces: npt.ArrayLike | None = None,
    ) -> None:
        """Go on with a library's groups, or begin with none.

        Args:
            cohort: the shipped averages.
            memberships: the facts of these groups.
            kept: the groups.
            alarm: of all faces that have arrived.
            number: of the neighbourhood that the groups were measured with last.
            changed: groups that have changed since groups were joined the last time.
            first_faces: the encodings of all faces, where they are fewer than `FIRST`, shape (n, 128).
        """
        self.memberships, self.alarm = memberships, alarm or Alarm()
        self._first = as_matrix(np.empty((0, ENCODING_LENGTH)) if first_faces is None else first_faces)
        self._changed = set(changed)
        self._leading, self._due = self.alarm.faces < FIRST, False
        self.index = GroupIndex(Neighbourhood(cohort, _own_groups(kept), self.alarm.strength), kept, number)

    def grow(self, faces: Sequence[NewFace]) -> list[Placement | Merger]:
        """Take in a whole library or a part of it, in order of time, batch by batch."""
        steps: list[Placement | Merger] = []
        start = 0
        while start < len(faces):
            stop = start + next_batch(self.alarm.faces)
            steps += self.arrive(faces[start:stop])
            steps += self.merge()
            while len(self.renew()):
                pass
            start = stop
        return steps

    def arrive(self, faces: Sequence[NewFace]) -> list[Placement]:
        """Put new faces, a photo's or a batch's, into the nearest groups or groups of their own, one after the other.

        A face whose nearest group has a face of the same photo, or was refused, begins a group: the second best is
        never taken, for it is most often another person who looks like that one.
        """
        if not faces:
            return []
        encodings = as_matrix(np.stack([face.encoding for face in faces]))
        alone = self.index.neighbourhood.shipped_alone(encodings)
        self._leading = self.alarm.faces < FIRST
        self.alarm += Alarm.of(alone)
        if self._leading:
            self._first = np.concatenate([self._first, encodings])
        if self._leading or (self._due and len(self.index) <= SLICE):
            self._measure_anew()
        around = self.index.neighbourhood.around(encodings, alone)
        return [self._place(face, encodings[at : at + 1], float(around[at])) for at, face in enumerate(faces)]

    def merge(self) -> list[Merger]:
        """Join groups that look like one person: those changed since the last time against all, the nearest first.

        Two large groups of one person meet when their faces have brought their middles together. Neighbourhoods are
        measured anew before: of the changed groups, and of as many others as one slice has.
        """
        if not self._leading:
            self._measure_anew()
        joins = Joins(self.index.pairs, self.memberships.may_be_one, self._join)
        mergers = list(joins.nearest_first(self._changed))
        self._changed = set()
        self._due = True
        return mergers

    def renew(self, most: int = SLICE) -> npt.NDArray[np.int64]:
        """Measure anew the neighbourhoods of `most` groups that wait for it; those that were measured, for the store.

        Until its turn comes a group keeps the old one.
        """
        return self.index.renew(most)

    def neighbourhood(self) -> Neighbourhood:
        """What people and faces are identified with: the groups without a name as they are now, and the alarm."""
        own = self.index.largest_unnamed(MOST_OWN)
        return Neighbourhood(self.index.neighbourhood.cohort, own, self.alarm.strength)

    def take_anew(self, group: int) -> None:
        """Look again what the memberships know of a group: a person, an undo or another process has changed it."""
        known = self.memberships.known(group)
        if known is None:
            self.index.drop(group)
        else:
            self.index.put(group, known.total, named=known.named)
            self._changed.add(group)

    def _place(self, face: NewFace, encoding: Matrix, around: float) -> Placement:
        while near := self.index.nearest(encoding, around):
            if not self.memberships.may_take(near.group, face):
                break
            if (total := self.memberships.add(face, near.group)) is not None:
                self.index.put(near.group, total)
                self._changed.add(near.group)
                return Placement(face.id, near.group, near)
            self.index.drop(near.group)
        group = self.memberships.start(face)
        self.take_anew(group)
        return Placement(face.id, group, None)

    def _join(self, pair: NearPair) -> Merger | None:
        kept, gone = sorted((pair.one, pair.other), key=self.index.priority)
        total = self.memberships.absorb(kept, gone)
        if total is None:
            self.take_anew(kept)
            self.take_anew(gone)
            return None
        self.index.drop(gone)
        self.index.put(kept, total)
        return Merger(kept, gone, pair.score, pair.distance)

    def _measure_anew(self) -> None:
        """Take the groups as they are now, or leaders of the first faces, into the neighbourhood."""
        measured = self.neighbourhood()
        if self._leading:
            measured = Neighbourhood(measured.cohort, leaders(self._first), measured.alarm)
        self.index.use(measured)
        self.index.renew(SLICE, self._changed)
        self._due = False


def _own_groups(kept: Sequence[KeptGroup]) -> npt.NDArray[np.float64] | None:
    unnamed = sorted((group for group in kept if not group.named), key=lambda group: (-group.total.count, group.id))
    return np.stack([group.total.middle for group in unnamed[:MOST_OWN]]) if unnamed else None


def leaders(faces: Matrix) -> Matrix:
    """What stands in for groups: each face that is `LEADERS_APART` or more from every leader before it."""
    found: list[int] = []
    for face in range(len(faces)):
        each = np.array(found, np.intp)
        apart = exact_distances(faces, faces, np.full(len(found), face), each)
        if not len(apart) or apart.min() >= LEADERS_APART:
            found.append(face)
    return faces[found]
