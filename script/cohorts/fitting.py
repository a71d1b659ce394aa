"""Calibrating a cohort: its level, the strangers' median, and the logistic, on libraries of people it has not seen.

No person is in a cohort and in a library that is measured with it. The people are divided, cohorts are made of one part
and libraries drawn from the other; the calibration found is given to the cohort of all people.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from faces.people.calibration import Calibration
from faces.people.cohort import Cohort
from faces.people.groups.alarm import USUAL
from faces.people.neighbourhood import Neighbourhood
from script.cohorts.averages import averages_of
from script.cohorts.libraries import Library, Tried, draw_library
from script.cohorts.people_file import Faces

#: How the people are divided: into so many parts, so often. Each part is once that of the libraries.
_DIVISIONS = (2, 2, 2, 4, 4)

#: The same for the level alone, which is read at the size of the whole cohort: two sizes make a line.
_LEVEL_DIVISIONS = (2, 2, 5, 5)

#: Faces of one person that count for the level.
_FEW = 3

#: Libraries of each part.
_LIBRARIES = 12

#: People enrolled, at least and at most; confirmed faces; faces in a group: drawn of these for each library.
_LEAST, _MOST = 12, 400
_PHOTOS, _SIZES = (1, 1, 1, 2, 3, 5, 8), (1, 1, 1, 2, 3, 5)

#: Rounds of Newton's method.
_NEWTON = 30

#: Rounds of leaving out what is likelier a fault than a face, and from where on it is: a turned or blurred face that is
#: right among strangers, a wrong name. They are few, and would flatten the slope where decisions are made.
_TRIMS, _UNLIKELY = 3, 0.04

#: The ridge on all weights but the constant, where the libraries' own weights add up to 1. With several photos on both
#: sides strangers and friends are wholly apart, and nothing else would keep those slopes from growing without bounds.
_RIDGE = 2e-6

_UNFITTED = Calibration(0.0, (-1.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0, (0.0, 0.0, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """One library, asked."""

    t: npt.NDArray[np.float64]
    """Without the shift."""
    right: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]
    confirmed: npt.NDArray[np.int64]
    """Of the nearest person."""
    mean_part: float
    """The mean of 1/k over all enrolled people."""
    people: int
    size: int
    tried: Tried


def make_cohort(faces: Faces, seed: int, tell: Callable[[str], None] = lambda _: None) -> Cohort:
    """Make a cohort of all people in `faces`, and calibrate it on parts of them.

    Args:
        faces: people with their encodings; those with two faces and more calibrate.
        seed: the same seed and faces make the same file.
        tell: gets a line about each step.
    """
    dice = np.random.default_rng(seed)
    averages = averages_of(faces.one_of_each(dice))
    level = level_of(faces, len(averages), dice)
    tell(f"{len(averages)} averages of {len(faces.people)} people; level {level:+.4f}")
    trials = []
    for cohort, others, around in _parts(faces, _DIVISIONS, dice):
        trials += _trials(_with_level(cohort, USUAL - around), others, dice)
        tell(f"{len(trials)} libraries tried")
    stranger = _fit_stranger(trials)
    weights, intercept = _fit_logistic(trials, replace(_UNFITTED, stranger=stranger))
    return Cohort(averages, Calibration(level, weights, intercept, stranger))


def level_of(faces: Faces, averages: int, dice: np.random.Generator) -> float:
    """What brings faces of people that a cohort was not made of to `USUAL` on the mean; for so many averages.

    Mean neighbourhoods are a line in ln of the cohort's size. It is drawn through cohorts of a half and of four fifths
    of the people, and read beyond.
    """
    found = [(len(cohort.averages), around) for cohort, _, around in _parts(faces, _LEVEL_DIVISIONS, dice)]
    slope, constant = np.polyfit(np.log([size for size, _ in found]), [around for _, around in found], 1)
    return USUAL - float(constant + slope * math.log(averages))


def _parts(faces: Faces, divisions: Sequence[int], dice: np.random.Generator) -> Iterator[tuple[Cohort, Faces, float]]:
    """A cohort of most people, the faces of the others, and the mean neighbourhood of a few faces of each of these."""
    for count in divisions:
        for part in np.array_split(dice.permutation(faces.people), count):
            others = faces.of(part)
            cohort = Cohort(averages_of(faces.of(np.setdiff1d(faces.people, part)).one_of_each(dice)), _UNFITTED)
            yield cohort, others, float(Neighbourhood(cohort).shipped_alone(others.few_of_each(_FEW, dice)).mean())


def _with_level(cohort: Cohort, level: float) -> Cohort:
    return Cohort(cohort.averages, replace(cohort.calibration, level=level))


def _trials(cohort: Cohort, others: Faces, dice: np.random.Generator) -> Iterator[_Trial]:
    """Libraries of one part's people, where there are enough to enrol and strangers are left."""
    for _ in range(_LIBRARIES):
        people = round(math.exp(dice.uniform(math.log(_LEAST), math.log(_MOST))))
        library = draw_library(others, people, int(dice.choice(_PHOTOS)), int(dice.choice(_SIZES)), dice)
        if len(library.enrolled) >= _LEAST and library.known.any() and not library.known.all():
            yield _trial(cohort, library, dice)


def _trial(cohort: Cohort, library: Library, dice: np.random.Generator) -> _Trial:
    tried = Tried.of(library, library.neighbourhood(cohort, dice))
    t, nearest, confirmed = tried.scores()
    part = float(np.mean(1 / tried.people.confirmed))
    return _Trial(t, nearest == library.truth, library.known, confirmed, part, len(tried.people), library.size, tried)


def _fit_stranger(trials: list[_Trial]) -> tuple[float, float, float]:
    """The median of strangers' t by ln N and 1/k, least squares over the libraries of single faces."""
    plain = [trial for trial in trials if trial.size == 1]
    features = [(math.log(trial.people), trial.mean_part, 1.0) for trial in plain]
    medians = [float(np.median(trial.t[~trial.known])) for trial in plain]
    found = np.linalg.lstsq(np.array(features), np.array(medians), rcond=None)[0]
    return float(found[0]), float(found[1]), float(found[2])


def _fit_logistic(
    trials: list[_Trial], calibration: Calibration
) -> tuple[tuple[float, float, float, float, float, float], float]:
    """The logistic of whether the nearest person is the right one.

    Each face of an enrolled person weighs 1, and a library's strangers together as much as these.
    """
    features, answers, weights = [], [], []
    for trial in trials:
        t = trial.t - trial.tried.shift(calibration)
        size, k, m = np.full(len(t), math.log(trial.people)), 1 / trial.confirmed, np.full(len(t), 1 / trial.size)
        features.append(np.stack([t, size, k, t * k, m, t * m, np.ones(len(t))], axis=1))
        answers.append(trial.right.astype(np.float64))
        weights.append(np.where(trial.known, 1.0, trial.known.sum() / (~trial.known).sum()))
    found = _trimmed(np.concatenate(features), np.concatenate(answers), np.concatenate(weights))
    return (found[0], found[1], found[2], found[3], found[4], found[5]), found[6]


def _trimmed(
    features: npt.NDArray[np.float64], answers: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> list[float]:
    """Fit, leave out what turned out otherwise than at `_UNLIKELY`, and fit again."""
    found = _newton(features, answers, weights)
    for _ in range(_TRIMS):
        chances = 0.5 * (1 + np.tanh(features @ found / 2))
        plausible = np.where(answers > 0, chances, 1 - chances) >= _UNLIKELY
        found = _newton(features, answers, weights * plausible)
    return [float(number) for number in found]


def _newton(
    features: npt.NDArray[np.float64], answers: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Weighted logistic regression by Newton's method."""
    weights = weights / weights.sum()
    ridge = np.diag([_RIDGE] * (features.shape[1] - 1) + [0.0])
    found = np.zeros(features.shape[1])
    for _ in range(_NEWTON):
        chances = 0.5 * (1 + np.tanh(features @ found / 2))
        slope = features.T @ (weights * (answers - chances)) - ridge @ found
        curve = (features * (weights * chances * (1 - chances))[:, None]).T @ features + ridge
        step = np.linalg.solve(curve, slope)
        found = found + np.clip(step, -20, 20)
        if np.abs(step).max() < 1e-9:
            break
    return found
