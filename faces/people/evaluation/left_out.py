"""Confirmed faces asked about as if new: once without their shot, once as if their person was not enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from faces.people.calibration import FEWEST_STRANGERS, Learned, Numbers
from faces.people.cohort import MARGIN
from faces.people.enrolled import EnrolledPeople, Ranking
from faces.people.evaluation.shots import EvaluatedFaces, shots_of
from faces.people.identify import NO_SECOND, TWO_NEAR
from faces.people.products import as_matrix

Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """What the rule says of each face."""

    probabilities: Numbers
    """Of the likeliest person."""
    two_near: Flags
    """Whether a second person is so near that it would only be offered."""


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """What came of some faces, side by side in each array, shape (n,)."""

    persons: npt.NDArray[np.int64]
    """Whose they are."""
    known: Flags
    """Whether the person has other shots, so that the face can be found by these."""
    right: Flags
    """Of known ones: the likeliest person is the right one."""
    found: Numbers
    """Of known ones: how likely the likeliest person is said to be."""
    found_two_near: Flags
    fit: Numbers
    """Of known ones: how likely it is the own person, likeliest or not, at a share of strangers of one half."""
    stranger: Numbers
    """How likely the likeliest other person is said to be, as if the own one was not enrolled; 0 without another."""
    stranger_two_near: Flags

    def __len__(self) -> int:
        return len(self.persons)

    @classmethod
    def together(cls, parts: Sequence[LeftOut]) -> LeftOut:
        """All of them, one behind the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    @classmethod
    def nothing(cls) -> LeftOut:
        """Of no face."""
        none, no = np.empty(0), np.empty(0, np.bool_)
        return cls(np.empty(0, np.int64), no, no, none, no, none, none, no)


def leave_out(some: EvaluatedFaces, people: EnrolledPeople, learned: Learned) -> LeftOut:
    """Ask about each face twice.

    *Known*: its person is enrolled by the other shots alone, with the neighbourhood of just their middle. *Stranger*:
    its person is not enrolled, and all others are. Shift and share of strangers are those in force.

    Args:
        some: confirmed faces, all of a person's or none; those of people who are not enrolled do not count.
        people: all people; the sum of each has these faces in it.
        learned: the library's.
    """
    rows, places = some.encodings, people.places_of(some.persons)
    around = people.neighbourhood.around(rows)
    others = people.rank(rows, 2, left_out=places, around=around)
    own, left = _by_other_shots(some, places, around, people)
    known = left > 0
    stranger = _ask(others.scores, _confirmed(others, people), len(people) - 1, people, learned)
    first, second = others.scores.T
    right = known & (own <= first)
    scores = np.stack([np.minimum(own, first), np.where(own <= first, first, np.minimum(own, second))], axis=1)
    confirmed = np.where(right, left, _confirmed(others, people))
    found = _ask(scores, confirmed, len(people), people, learned)
    t = own - MARGIN * np.where(np.isfinite(first), first, NO_SECOND) - learned.shift
    return LeftOut(
        some.persons,
        known,
        right,
        np.where(known, found.probabilities, 0),
        known & found.two_near,
        _chances(np.where(known, t, np.inf), np.maximum(left, 1), len(people), people, FEWEST_STRANGERS),
        stranger.probabilities,
        stranger.two_near,
    )


def _by_other_shots(
    some: EvaluatedFaces, places: Places, around: npt.NDArray[np.float32], people: EnrolledPeople
) -> tuple[Numbers, npt.NDArray[np.int64]]:
    """Each face's score with its person without the face's shot, infinite without another; and the faces left."""
    shots = shots_of(some)
    count = int(shots.max(initial=-1)) + 1
    _, first = np.unique(shots, return_index=True)
    sums = np.zeros((count, some.encodings.shape[1]))
    np.add.at(sums, shots, some.encodings)
    place = places[first]
    left = people.confirmed[place].astype(np.int64) - np.bincount(shots, minlength=count)
    usable = np.flatnonzero(left > 0)
    whole = people.middles[place[usable]] * people.confirmed[place[usable], None].astype(np.float64)
    middles = as_matrix((whole - sums[usable]) / left[usable, None])
    around_middles = np.full(count, np.inf)
    around_middles[usable] = people.neighbourhood.around(middles)
    of_shot = np.zeros(count, np.intp)
    of_shot[usable] = np.arange(len(usable))
    scores = np.full(len(some), np.inf)
    asked = np.flatnonzero(left[shots] > 0)
    apart = some.encodings[asked].astype(np.float64) - middles[of_shot[shots[asked]]]
    scores[asked] = np.linalg.norm(apart, axis=1) - (around[asked] + around_middles[shots[asked]]) / 2
    return scores, left[shots]


def _confirmed(ranking: Ranking, people: EnrolledPeople) -> npt.NDArray[np.int64]:
    """Of the nearest of a ranking; 1 of nobody."""
    nearest = ranking.places[:, 0]
    return np.where(nearest >= 0, people.confirmed[nearest], 1).astype(np.int64)


def _ask(
    scores: Numbers, confirmed: npt.NDArray[np.int64], count: int, people: EnrolledPeople, learned: Learned
) -> _Answer:
    """What is said of the first of two scores, shape (n, 2), beside the second."""
    first, second = scores.T
    t = first - MARGIN * np.where(np.isfinite(second), second, NO_SECOND) - learned.shift
    return _Answer(_chances(t, confirmed, count, people, learned.strangers_beside(confirmed)), second < TWO_NEAR)


def _chances(
    t: Numbers, confirmed: npt.NDArray[np.int64], count: int, people: EnrolledPeople, strangers: float | Numbers
) -> Numbers:
    """0 where t is infinite: of nobody."""
    calibration = people.neighbourhood.cohort.calibration
    there = np.isfinite(t)
    ones = np.ones(len(t), np.int64)
    chances = calibration.probability(np.where(there, t, 1.0), count, confirmed, ones, strangers)
    return np.where(there, chances, 0.0)
