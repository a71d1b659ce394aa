"""Whether a library's people are unlike those that the cohort was made of: groups must then stay smaller."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Mean neighbourhood, by the shipped averages alone, of faces whose people the cohort was not made of but has the like
#: of. A cohort's level is made so that it is this: thresholds of scores lie on the same scale.
USUAL = 0.5532

#: How far a library's mean may lie above `USUAL`: silent up to the first, full from the second on. Of measured
#: libraries those whose people the cohort had the like of reached 0.018, those that it lacked began there.
QUIET, LOUD = 0.015, 0.035

#: Whole steps of 2⁻³⁰, so that a sum does not depend on the order of faces: four billion faces fit 64 bits.
_STEPS = 2.0**30


@dataclass(frozen=True, slots=True)
class Alarm:
    """All that it takes: the sum of the faces' neighbourhoods by the shipped averages alone, and their number.

    The library's own groups do not count in it, so a person in many pieces does not silence it.
    """

    steps: int = 0
    """The sum, in steps of 2⁻³⁰."""
    faces: int = 0

    @classmethod
    def of(cls, shipped_alone: npt.NDArray[np.float32]) -> Alarm:
        """Of faces, by what `Neighbourhood.shipped_alone` says of them, shape (n,)."""
        return cls(int(np.rint(shipped_alone * _STEPS).astype(np.int64).sum()), len(shipped_alone))

    def __add__(self, other: Alarm) -> Alarm:
        return Alarm(self.steps + other.steps, self.faces + other.faces)

    def __sub__(self, other: Alarm) -> Alarm:
        return Alarm(self.steps - other.steps, self.faces - other.faces)

    @property
    def mean(self) -> float:
        """The mean neighbourhood; `USUAL` without faces."""
        return self.steps / (_STEPS * self.faces) if self.faces else USUAL

    @property
    def strength(self) -> float:
        """0: the cohort has such people; 1: it lacks them."""
        return min(max((self.mean - USUAL - QUIET) / (LOUD - QUIET), 0.0), 1.0)
