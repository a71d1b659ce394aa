"""A library's own groups, grown as plainly as can be, without names and undo: only for what is measured here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from faces.people.cohort import Cohort
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import as_matrix, rough_distances, squares_of

#: A face joins the nearest group below this score, and two groups are joined below the second.
JOIN, MERGE = -0.08, -0.10

#: Faces in a batch: as many as there are already, but no fewer and no more than these.
_FEWEST, _MOST = 25, 500

#: For so many first faces, leaders this far apart stand in for groups.
_FIRST, _LEADERS = 100, 0.42

#: Takes a cohort, encodings in order of time, and the photo of each; gives each face's group, counted from 0.
Grow = Callable[[Cohort, npt.NDArray[np.floating], npt.NDArray[np.integer]], npt.NDArray[np.intp]]


def grow(cohort: Cohort, encodings: npt.NDArray[np.floating], photos: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
    """Group faces as they arrive, batch by batch; two faces of one photo are never in one group."""
    groups = _Groups(cohort, as_matrix(encodings), photos)
    start = 0
    while start < len(encodings):
        stop = start + min(max(_FEWEST, start), _MOST)
        early = start < _FIRST
        groups.renew(leaders_of=min(stop, len(encodings)) if early else None)
        for face in range(start, min(stop, len(encodings))):
            groups.arrive(face)
        if not early:
            groups.renew()
        groups.merge()
        start = stop
    return np.unique(groups.group_of, return_inverse=True)[1]


def middles_of(encodings: npt.NDArray[np.floating], group_of: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """The groups' middles, the largest group first, of equals the older."""
    sizes = np.bincount(group_of)
    sums = np.zeros((len(sizes), encodings.shape[1]))
    np.add.at(sums, group_of, encodings)
    first = np.full(len(sizes), len(group_of))
    np.minimum.at(first, group_of, np.arange(len(group_of)))
    middles: npt.NDArray[np.float64] = (sums / sizes[:, None])[np.lexsort((first, -sizes))]
    return middles


class _Groups:
    """Each group is called after its first face, whose row holds its sum."""

    def __init__(self, cohort: Cohort, faces: npt.NDArray[np.float32], photos: npt.NDArray[np.integer]) -> None:
        self.cohort, self.faces, self.photos = cohort, faces, photos
        self.group_of = np.full(len(faces), -1, np.intp)
        self.sums = np.zeros(faces.shape)
        self.sizes = np.zeros(len(faces), np.int64)
        self.around = np.zeros(len(faces), np.float32)
        self.neighbourhood = Neighbourhood(cohort)
        self.seen: dict[int, set[int]] = {}
        self.changed: set[int] = set()

    @property
    def keys(self) -> npt.NDArray[np.intp]:
        return np.flatnonzero(self.sizes)

    def middles(self, keys: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        return as_matrix(self.sums[keys] / self.sizes[keys, None])

    def renew(self, leaders_of: int | None = None) -> None:
        """Take the groups, or leaders of the first so many faces, into the cohort; measure all neighbourhoods anew."""
        keys = self.keys
        if leaders_of is None:
            own = self.middles(keys[np.lexsort((keys, -self.sizes[keys]))])
        else:
            own = _leaders(self.faces[:leaders_of])
        self.neighbourhood = Neighbourhood(self.cohort, own)
        if len(keys):
            self.around[keys] = self.neighbourhood.around(self.middles(keys))
        self._index()

    def arrive(self, face: int) -> None:
        count, one = self._count, self.faces[face : face + 1]
        key = face
        if count:
            apart = rough_distances(one, self._middles[:count], self._squares[:count])[0]
            scores = apart - (self.neighbourhood.around(one)[0] + self.around[self._keys[:count]]) / 2
            best = int(scores.argmin())
            near = int(self._keys[best])
            if scores[best] < JOIN and int(self.photos[face]) not in self.seen[near]:
                key = near
        self._put(face, key)

    def merge(self) -> None:
        """Join the groups that have become one person, nearest first."""
        changed = {key for key in self.changed if self.sizes[key]}
        self.changed = set()
        while changed:
            keys, rows = self.keys, np.array(sorted(changed), np.intp)
            middles = self.middles(keys)
            scores = rough_distances(self.middles(rows), middles, squares_of(middles))
            scores -= (self.around[rows, None] + self.around[keys]) / 2
            scores[np.arange(len(rows)), np.searchsorted(keys, rows)] = np.inf
            left, right = np.nonzero(scores < MERGE)
            touched: set[int] = set()
            for at in np.argsort(scores[left, right], kind="stable"):
                one, two = int(rows[left[at]]), int(keys[right[at]])
                if touched & {one, two} or self.seen[one] & self.seen[two]:
                    continue
                self._join(*sorted((one, two), key=lambda key: (-self.sizes[key], key)))
                touched |= {one, two}
            changed = {key for key in (changed | touched if touched else ()) if self.sizes[key]}
        self._index()

    def _index(self) -> None:
        keys = self.keys
        self._count = len(keys)
        self._keys = np.concatenate([keys, np.zeros(_MOST, np.intp)])
        self._middles = np.concatenate([self.middles(keys), np.zeros((_MOST, self.faces.shape[1]), np.float32)])
        self._squares = squares_of(self._middles)
        self._place = {int(key): place for place, key in enumerate(keys)}

    def _put(self, face: int, key: int) -> None:
        self.group_of[face] = key
        self.sums[key] += self.faces[face]
        self.sizes[key] += 1
        self.seen.setdefault(key, set()).add(int(self.photos[face]))
        self.changed.add(key)
        if key not in self._place:
            self._place[key], self._keys[self._count] = self._count, key
            self._count += 1
        middle = self.middles(np.array([key]))
        place = self._place[key]
        self._middles[place], self._squares[place] = middle[0], squares_of(middle)[0]
        self.around[key] = self.neighbourhood.around(middle)[0]

    def _join(self, kept: int, gone: int) -> None:
        self.group_of[self.group_of == gone] = kept
        self.sums[kept] += self.sums[gone]
        self.sizes[kept] += self.sizes[gone]
        self.sizes[gone] = 0
        self.seen[kept] |= self.seen.pop(gone)
        self.around[kept] = self.neighbourhood.around(self.middles(np.array([kept])))[0]


def _leaders(faces: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Each face that is farther than `_LEADERS` from every leader before it."""
    found: list[int] = []
    for face in range(len(faces)):
        near = faces[found]
        if not found or rough_distances(faces[face : face + 1], near, squares_of(near)).min() >= _LEADERS:
            found.append(face)
    return faces[found]
