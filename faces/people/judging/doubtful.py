"""Confirmed faces of a person that do not hold together: each is measured against the person's others, without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.calibration import FEWEST_STRANGERS, Numbers
from faces.people.cohort import MARGIN
from faces.people.enrolled import EnrolledPeople
from faces.people.identify import NO_SECOND
from faces.people.products import Matrix, as_matrix, error_of, rough_distances

#: A person's faces are judged from so many on: of two neither says which is the wrong one.
FEWEST_FACES = 3

#: A face is listed below this probability: see docs/people.md for what it finds.
DOUBTED = 0.05

#: No other person is nearer than that, by score: only the very photo would be.
_NEAREST_OTHER = -0.3

#: Distances of a product at a time, and rows: 16 MB.
_DISTANCES, _ROWS = 1 << 22, 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """How well a confirmed face fits the person's other faces."""

    probability: float
    """That it is this person, as if a machine had found it."""
    t: float
    score: float
    distance: float
    """Euclidean, to the middle of the person's other confirmed faces."""
    others: int
    """How many these are: k - 1."""
    likelier: int | None
    """Another person whose score is lower; None where there is none."""


def judge_confirmed(
    encodings: npt.ArrayLike, persons: npt.ArrayLike, people: EnrolledPeople, shift: float
) -> list[Standing | None]:
    """How well each face fits its person; None where it is that person's only one, or the person is not enrolled.

    It is the rule for a new face, with the person's middle as it is without this one, and k - 1 faces. The share of
    strangers is one half: what is left without a name says nothing of what a person has confirmed.

    Args:
        encodings: confirmed faces, shape (n, 128).
        persons: whose each is, shape (n,).
        people: all people; the sum of each has these faces in it.
        shift: the library's.
    """
    rows = as_matrix(encodings)
    places = people.places_of(persons)
    found: list[Standing | None] = [None] * len(rows)
    judged = np.flatnonzero((places >= 0) & (people.confirmed[places] > 1))
    for place, one in zip(judged.tolist(), _judge(rows[judged], places[judged], people, shift), strict=True):
        found[place] = one
    return found


def doubted(
    encodings: npt.ArrayLike, persons: npt.ArrayLike, people: EnrolledPeople, shift: float
) -> dict[int, Standing]:
    """Which of the faces are below `DOUBTED`, by row; of people with `FEWEST_FACES` or more. Arguments as above.

    A quick product tells for most that they are not; the others are judged. A face that fits its person is not doubted
    for another one who is as near as `_NEAREST_OTHER`: that is the same photo, confirmed as somebody else too.
    """
    rows = as_matrix(encodings)
    places = people.places_of(persons)
    asked = np.flatnonzero((places >= 0) & (people.confirmed[places] >= FEWEST_FACES))
    asked = asked[_may_be_doubted(rows[asked], places[asked], people, shift)]
    judged = _judge(rows[asked], places[asked], people, shift)
    return {row: one for row, one in zip(asked.tolist(), judged, strict=True) if one.probability < DOUBTED}


def _may_be_doubted(
    rows: Matrix, places: npt.NDArray[np.intp], people: EnrolledPeople, shift: float
) -> npt.NDArray[np.bool_]:
    """Without those whose t is low enough however crowded it is around them, and whoever the second person is."""
    others = people.confirmed[places] - 1
    around = people.neighbourhood.at_least(rows)
    own = people.distances_without(rows, places) - (around + people.around[places]) / 2
    found = _chances(own - MARGIN * _NEAREST_OTHER - shift, others, people) < DOUBTED
    left = np.flatnonzero(found)
    second = _nearest_other(rows[left], places[left], people) - around[left] / 2
    t = own[left] - MARGIN * np.where(np.isfinite(second), second, NO_SECOND) - shift
    found[left] = _chances(t, others[left], people) < DOUBTED
    return found


def _nearest_other(rows: Matrix, places: npt.NDArray[np.intp], people: EnrolledPeople) -> Numbers:
    """A bound below the distance to any other person's middle, less half of that one's neighbourhood."""
    found = np.empty(len(rows))
    squares = people.rows.squares[: len(people)]
    block = max(1, min(_ROWS, _DISTANCES // max(len(people), 1)))
    for start in range(0, len(rows), block):
        part = slice(start, start + block)
        rough = rough_distances(rows[part], people.middles, squares)
        rough -= people.around / 2
        rough[np.arange(len(rough)), places[part]] = np.inf
        found[part] = rough.min(axis=1, initial=np.inf) - error_of(rows[part], squares)
    return found


def _judge(rows: Matrix, places: npt.NDArray[np.intp], people: EnrolledPeople, shift: float) -> list[Standing]:
    others = people.confirmed[places] - 1
    distances = people.distances_without(rows, places)
    around = people.neighbourhood.around(rows).astype(np.float64)
    own = distances - (around + people.around[places]) / 2
    ranking = people.rank(rows, 1, left_out=places)
    second = np.where(np.isfinite(ranking.scores[:, 0]), ranking.scores[:, 0], NO_SECOND)
    t = own - MARGIN * second - shift
    chances = _chances(t, others, people)
    likelier = np.where(ranking.scores[:, 0] < own, people.ids[ranking.places[:, 0]], -1)
    columns = (chances, t, own, distances, others, likelier)
    return [
        Standing(chance, at, score, distance, count, None if other < 0 else other)
        for chance, at, score, distance, count, other in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _chances(t: Numbers, others: npt.NDArray[np.int32], people: EnrolledPeople) -> Numbers:
    calibration = people.neighbourhood.cohort.calibration
    return calibration.probability(t, len(people), others, np.ones(len(t), np.int64), FEWEST_STRANGERS)
