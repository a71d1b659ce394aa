"""How well the groups of a library without names are those of its people, as photos of one to five people arrive."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faces.people.calibration import Learned
from faces.people.cohort import Cohort
from faces.people.enrolled import EnrolledPeople
from faces.people.identify import decide, identify
from script.cohorts.growth import GrownLibrary
from script.cohorts.people_file import Faces

#: Faces of an ordinary library, at most, and people in a photo.
_MOST, _IN_A_PHOTO = 2500, 5

#: Heavy persons of a family's library, who have all their photos in it: the one who has most, and some of the next.
_LARGEST, _FEWEST_HEAVY, _MOST_HEAVY = 14, 3, 6

#: A heavy person is found where the largest group has so many of the faces, or naming it links so many of the rest.
_TOGETHER, _LINKED = 0.8, 0.95


class _Judged:
    """A library that has been grouped, and whose faces they are."""

    def __init__(self, cohort: Cohort, faces: Faces, rows: npt.NDArray[np.intp], dice: np.random.Generator) -> None:
        self.person = faces.person[rows]
        self.photos = drawn_photos(self.person, dice)
        self.grown = GrownLibrary(cohort, faces.encodings[rows], self.photos)
        self.group_of = self.grown.group_of

    def figures(self) -> dict[str, float]:
        """Percent."""
        together, same = self.group_of[:, None] == self.group_of, self.person[:, None] == self.person
        np.fill_diagonal(together, False)
        np.fill_diagonal(same, False)
        return {
            "pairs that are one person": 100 * float(same[together].mean()),
            "pairs of one person that are found": 100 * float(together[same].mean()),
            "faces in a mixed group": 100 * float((together & ~same).any(axis=1).mean()),
            "pairs of one photo": 100 * float((self.photos[:, None] == self.photos)[together].mean()),
        }

    def is_found(self, person: int) -> bool:
        """Whether most of the person's faces are together, or would be once the largest group is named."""
        mine = self.person == person
        largest = int(np.bincount(self.group_of[mine]).argmax())
        there = mine & (self.group_of == largest)
        if there.sum() >= _TOGETHER * mine.sum():
            return True
        linked = self._linked_with(largest)
        return bool(linked[mine & ~there].mean() >= _LINKED)

    def _linked_with(self, largest: int) -> npt.NDArray[np.bool_]:
        """Which faces of other groups are linked by themselves when this group is named."""
        groups = list(self.grown.members.groups().items())
        totals = [known.total for group, _ in groups if (known := self.grown.members.known(group))]
        people = EnrolledPeople(self.grown.neighbourhood, {1: totals[largest]})
        found = identify(
            np.stack([total.middle for total in totals]), people, Learned(), [total.count for total in totals]
        )
        photos = self.photos[self.group_of == largest]
        linked = [
            decide(one, in_photo=bool(np.isin(self.photos[faces], photos).any())) == "link"
            for one, (_, faces) in zip(found, groups, strict=True)
        ]
        return np.array(linked)[self.group_of]


def judge_groups(cohort: Cohort, faces: Faces, dice: np.random.Generator) -> dict[str, float]:
    """The groups of all people, or of as many as `_MOST` faces are of."""
    rows = _all_rows(faces, dice.permutation(faces.people).tolist())[:_MOST]
    return _Judged(cohort, faces, dice.permutation(rows), dice).figures()


def largest_people(faces: Faces, count: int) -> list[int]:
    """The people with most photos, the largest first."""
    people, counts = np.unique(faces.person, return_counts=True)
    largest: list[int] = people[np.argsort(-counts, kind="stable")][:count].tolist()
    return largest


def heavy_people(faces: Faces, dice: np.random.Generator) -> list[int]:
    """The one with most photos of all, and a few of the next."""
    first, *next_ones = largest_people(faces, _LARGEST)
    more = int(dice.integers(_FEWEST_HEAVY, _MOST_HEAVY + 1)) - 1
    return [first, *dice.permutation(next_ones)[:more].tolist()]


def judge_families(
    cohort: Cohort, faces: Faces, heavy: list[int], others: int, dice: np.random.Generator
) -> dict[str, float]:
    """The groups of a small library: a few people with very many photos, and so many others with all of theirs."""
    rest = dice.permutation(np.setdiff1d(faces.people, heavy))[:others]
    judged = _Judged(cohort, faces, dice.permutation(_all_rows(faces, [*heavy, *rest.tolist()])), dice)
    found = [judged.is_found(person) for person in heavy]
    return {**judged.figures(), "heavy persons found": 100 * float(np.mean(found))}


def _all_rows(faces: Faces, people: Sequence[int]) -> npt.NDArray[np.intp]:
    rows_of = faces.rows_of()
    return np.concatenate([rows_of[person] for person in people])


def drawn_photos(person: npt.NDArray[np.int64], dice: np.random.Generator) -> npt.NDArray[np.intp]:
    """Photos of one to five faces that follow each other, each of other people."""
    photos = np.empty(len(person), np.intp)
    photo, room, seen = -1, 0, set[int]()
    for place, one in enumerate(person.tolist()):
        if not room or one in seen:
            photo, room, seen = photo + 1, int(dice.integers(1, _IN_A_PHOTO + 1)), set()
        photos[place], room = photo, room - 1
        seen.add(one)
    return photos
