"""Whether a person's confirmed faces hold together: faces that are another's, and people who are two, probably."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.calibration import FEWEST_STRANGERS
from faces.people.cohort import MARGIN
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.evaluation.left_out import LeftOut
from faces.people.evaluation.shots import EvaluatedFaces
from faces.people.identify import NO_SECOND
from faces.people.judging.doubtful import DOUBTED, Standing, doubted
from faces.people.products import Matrix, as_matrix

#: A confirmed face fits its person from here on.
FITS = 0.5

#: Share of a person's faces that fit below which the person does not hold together, and from how many faces on.
HOLDS, FEWEST_JUDGED = 0.8, 5

#: Of a second person at least so many faces: a single one is a wrong face.
_SECOND = 2

#: Faces that are farther from their middle, on the mean of squares: most people's are nearer than 0.35.
_WIDE = 0.38

#: Rounds of a 2-means; it settles long before.
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A confirmed face that does not fit the others of its person."""

    face_id: int
    person_id: int
    standing: Standing


@dataclass(frozen=True, slots=True)
class PersonHolds:
    """How well one person's confirmed faces hold together."""

    person_id: int
    faces: int
    judged: int
    """Of them those with others, of another shot, to be measured by."""
    fitting: int
    second: tuple[int, ...] = ()
    """Faces that look like one other person, fewer than half."""
    probability: float = 1.0
    """That these are this person, too."""

    @property
    def is_probably_two(self) -> bool:
        """Whether two people are confirmed as one."""
        return bool(self.second)

    @property
    def share(self) -> float:
        """Of the judged faces those that fit."""
        return self.fitting / self.judged if self.judged else 1.0

    @property
    def falls_apart(self) -> bool:
        """Whether too few fit, of enough."""
        return self.judged >= FEWEST_JUDGED and self.share < HOLDS


def suspicions_of(some: EvaluatedFaces, people: EnrolledPeople, shift: float) -> list[Suspicion]:
    """The faces that `faces --doubtful` lists, in no order, by the very rule."""
    found = doubted(some.encodings, some.persons, people, shift)
    return [
        Suspicion(int(some.ids[row]), int(some.persons[row]), standing)
        for row, standing in found.items()
        if some.listed[row]
    ]


def holds_of(
    some: EvaluatedFaces, left_out: LeftOut, doubts: list[Suspicion], people: EnrolledPeople, shift: float
) -> Iterator[PersonHolds]:
    """Each person of some faces; whose faces are doubted, fall apart or lie far apart is looked at for a second person.

    Args:
        some: confirmed faces, all of a person's or none.
        left_out: what came of just these.
        doubts: what is doubted of them.
        people: all people.
        shift: the library's.
    """
    doubted_of: dict[int, int] = {}
    for doubt in doubts:
        doubted_of[doubt.person_id] = doubted_of.get(doubt.person_id, 0) + 1
    order = np.argsort(some.persons, kind="stable")
    persons, starts = np.unique(some.persons[order], return_index=True)
    for person, rows in zip(persons.tolist(), np.split(order, starts[1:]), strict=True):
        known = left_out.known[rows]
        fitting = int((left_out.fit[rows][known] >= FITS).sum())
        found = PersonHolds(person, len(rows), int(known.sum()), fitting)
        if doubted_of.get(person, 0) >= _SECOND or found.falls_apart or _are_wide(some.encodings[rows]):
            found = _with_second(found, some, rows, people, shift)
        yield found


def _are_wide(rows: Matrix) -> bool:
    return bool(np.square(rows - rows.mean(axis=0)).sum(axis=1).mean() > _WIDE**2)


def _with_second(
    found: PersonHolds, some: EvaluatedFaces, rows: npt.NDArray[np.intp], people: EnrolledPeople, shift: float
) -> PersonHolds:
    encodings = some.encodings[rows]
    is_second = _smaller_half(encodings)
    second, first = encodings[is_second], encodings[~is_second]
    if len(second) < _SECOND or not _hold_together(second, people, shift):
        return found
    chance = _chance(second, first, people, shift, left_out=found.person_id)
    if chance >= DOUBTED:
        return found
    ids = tuple(sorted(some.ids[rows[is_second]].tolist()))
    return PersonHolds(found.person_id, found.faces, found.judged, found.fitting, ids, chance)


def _chance(
    asked: Matrix, enrolled: Matrix, people: EnrolledPeople, shift: float, left_out: int | None = None
) -> float:
    """How likely some faces, as one group, are the person of others."""
    both = as_matrix([EncodingSum.of(asked).middle, EncodingSum.of(enrolled).middle])
    around = people.neighbourhood.around(both).astype(np.float64)
    own = float(np.linalg.norm(both[0].astype(np.float64) - both[1])) - around.mean()
    place = None if left_out is None else people.places_of([left_out])
    nearest = float(people.rank(both[:1], 1, left_out=place).scores[0, 0])
    second = nearest if np.isfinite(nearest) else NO_SECOND
    t, k, m = np.array([own - MARGIN * second - shift]), np.array([len(enrolled)]), np.array([len(asked)])
    calibration = people.neighbourhood.cohort.calibration
    return float(calibration.probability(t, len(people), k, m, FEWEST_STRANGERS)[0])


def _hold_together(rows: Matrix, people: EnrolledPeople, shift: float) -> bool:
    """Whether most of some faces are near the middle of the others: one person's, and no odds and ends."""
    total = EncodingSum.of(rows)
    middles = as_matrix([(total - EncodingSum.of(row[None])).middle for row in rows])
    around = people.neighbourhood.around(np.concatenate([rows, middles])).astype(np.float64)
    apart = np.linalg.norm(rows.astype(np.float64) - middles, axis=1)
    own = apart - (around[: len(rows)] + around[len(rows) :]) / 2
    k = np.full(len(rows), len(rows) - 1)
    calibration = people.neighbourhood.cohort.calibration
    t = own - MARGIN * NO_SECOND - shift
    chances = calibration.probability(t, len(people), k, np.ones(len(rows), np.int64), FEWEST_STRANGERS)
    return bool(np.median(chances) >= FITS)


def _smaller_half(rows: Matrix) -> npt.NDArray[np.bool_]:
    """Which faces are in the smaller part of a 2-means that begins along the widest direction."""
    points = rows.astype(np.float64)
    centred = points - points.mean(axis=0)
    along = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    side = along > np.median(along)
    for _ in range(_ROUNDS if side.any() and not side.all() else 0):
        one, other = points[~side].mean(axis=0), points[side].mean(axis=0)
        now = (points - (one + other) / 2) @ (other - one) > 0
        if now.all() or not now.any() or (now == side).all():
            break
        side = now
    found: npt.NDArray[np.bool_] = side if side.sum() * 2 <= len(side) else ~side
    return found
