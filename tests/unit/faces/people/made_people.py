"""Made faces: people are points, their photos lie around them. No encoding of a real person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from faces.people.calibration import Calibration
from faces.people.cohort import Cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.neighbourhood import Neighbourhood

#: As the shipped one, so that thresholds mean what they mean; made people are about as far apart as real ones.
CALIBRATION = Calibration(0.0, (-37.17, -0.43, 2.69, -19.66, 2.83, -23.86), -4.56, (-0.018, 0.0108, 0.1198))


def made_people(count: int, seed: int = 0) -> np.ndarray:
    """One point a person, 0.85 apart on the mean."""
    dice = np.random.default_rng(seed)
    return dice.normal(0.05, 0.85 / 16, (count, 128))


def photos_of(person: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """A person's photos, 0.4 apart on the mean."""
    return person + np.random.default_rng(seed).normal(0, 0.4 / 16, (count, 128))


def made_cohort(count: int = 100, seed: int = 99, level: float = 0.0) -> Cohort:
    """Averages lie nearer to the middle than people do."""
    people = made_people(count, seed)
    return Cohort((0.05 + 0.3 * (people - 0.05)).astype(np.float32), replace(CALIBRATION, level=level))


def enrolled(middles: np.ndarray, ids: list[int] | None = None, own: np.ndarray | None = None) -> EnrolledPeople:
    """Each with one confirmed face."""
    sums = {
        person: EncodingSum.of(middle[None]) for person, middle in zip(ids or range(len(middles)), middles, strict=True)
    }
    return EnrolledPeople(Neighbourhood(made_cohort(), own), sums)
