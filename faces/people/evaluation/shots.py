"""Which confirmed faces of a person are of one shot: they would vouch for each other, as faces of other days do not."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from faces.people.products import Matrix

#: A face of this person so many seconds after the last is of the same burst, if it looks the same, too.
BURST_SECONDS = 10

#: Farther apart than this two faces of one person are no burst, whatever their times: a copied library has the time of
#: its copy on all files. Of photos of different days one pair in ten of one person is nearer.
BURST_DISTANCE = 0.35

#: The time of a photo whose time is not known.
NO_TIME = -1

Numbers = npt.NDArray[np.int64]
"""Shape (n,), int64."""


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedFaces:
    """Some faces, side by side in each array; all that a person has are among them, or none."""

    ids: Numbers
    persons: Numbers
    images: Numbers
    contents: Numbers
    """Equal where two encodings are: a copy of a photo has the same."""
    times: Numbers
    """Seconds, `NO_TIME` where it is not known."""
    listed: npt.NDArray[np.bool_]
    """Whether the photo is still there to be looked at."""
    encodings: Matrix

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, wanted: npt.NDArray[np.bool_]) -> EvaluatedFaces:
        """Some of them."""
        return self if wanted.all() else EvaluatedFaces(*(getattr(self, part.name)[wanted] for part in fields(self)))


def shots_of(some: EvaluatedFaces) -> npt.NDArray[np.intp]:
    """The number of each face's shot, counted from 0, shape (n,).

    Of one shot are a person's faces of the same photo, of copies of it, and of photos taken within seconds on which the
    face looks the same; and whatever shares any of these.
    """
    keys = [_parts(some.persons, some.images), _parts(some.persons, some.contents), _bursts(some)]
    found = np.arange(len(some))
    while len(found):
        before = found
        for part in keys:
            least = np.full(int(part.max()) + 1, len(some), np.intp)
            np.minimum.at(least, part, found)
            found = least[part]
        if (found == before).all():
            break
    return _numbered(found)


def _parts(*keys: Numbers) -> npt.NDArray[np.intp]:
    """The same number for rows that are equal in all keys."""
    order = np.lexsort(keys)
    starts = np.zeros(len(order), np.bool_)
    for key in keys:
        starts[1:] |= key[order[1:]] != key[order[:-1]]
    found = np.empty(len(order), np.intp)
    found[order] = np.cumsum(starts)
    return found


def _bursts(some: EvaluatedFaces) -> npt.NDArray[np.intp]:
    order = np.lexsort((some.ids, some.times, some.persons))
    rows, times, persons = some.encodings[order], some.times[order], some.persons[order]
    apart = np.linalg.norm(rows[1:] - rows[:-1], axis=1)
    goes_on = (persons[1:] == persons[:-1]) & (times[:-1] != NO_TIME) & (times[1:] - times[:-1] <= BURST_SECONDS)
    goes_on &= apart < BURST_DISTANCE
    found = np.zeros(len(order), np.intp)
    found[order[1:]] = np.cumsum(~goes_on)
    return found


def _numbered(found: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    return np.unique(found, return_inverse=True)[1].astype(np.intp)
