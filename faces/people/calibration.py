"""From a score to a probability: the logistic that holds for one cohort, and what a library adds to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

#: The share of strangers that is assumed until it is learned, and below which it is never taken.
FEWEST_STRANGERS = 0.5

#: From so many confirmed faces on, a share of strangers above the second is not believed. Strangers are rarely near
#: such a person: at a share of 95 % 99 of 100 links are right with it, and more are found. And what is left without a
#: name where many have been named is the faces least like their people's others, which are taken for strangers.
SEVERAL, MOST_STRANGERS = 5, 0.7

#: Part of the people by which their number may change before shift and share are learned again.
CHANGED = 0.1

Numbers = npt.NDArray[np.float64]
"""Shape (n,), float64."""

Counts = npt.NDArray[np.integer[Any]]
"""Shape (n,), 1 and more."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured with one cohort, and holds for no other one."""

    level: float
    """Added to every neighbourhood, so that scores lie on the scale that the thresholds were measured on."""
    weights: tuple[float, float, float, float, float, float]
    """Of t, ln N, 1/k, t/k, 1/m and t/m, in this order."""
    intercept: float
    stranger: tuple[float, float, float]
    """The median of strangers' t in an ordinary library: times ln N, times 1/k, and a constant."""

    def probability(
        self, t: Numbers, people: int, confirmed: Counts, faces: Counts, strangers: float | Numbers
    ) -> Numbers:
        """How likely it is that the likeliest person is the right one.

        logit p = weights · [t, ln N, 1/k, t/k, 1/m, t/m] + intercept + ln((1 - σ) / σ), a logistic regression on
        libraries of 12 to 400 people where half of the faces were strangers.

        Args:
            t: scores less a quarter of the second person's and the shift, shape (n,).
            people: N, how many people are enrolled; one counts as two.
            confirmed: k, the confirmed faces of the likeliest person, shape (n,).
            faces: m, the faces of the group that is asked about, 1 for a face alone, shape (n,).
            strangers: σ, the share of faces whose person is not enrolled, above 0 and below 1; of all or of each.
        """
        size = np.full(len(t), math.log(max(people, 2)))
        features = (t, size, 1 / confirmed, t / confirmed, 1 / faces, t / faces)
        share = np.broadcast_to(np.asarray(strangers, np.float64), t.shape)
        logit = self.intercept + np.log((1 - share) / share)
        for weight, feature in zip(self.weights, features, strict=True):
            logit += weight * feature
        # The same as 1 / (1 + exp(-logit)), and never too large a number.
        return 0.5 * (1 + np.tanh(logit / 2))

    def expected_stranger(self, people: int, confirmed: Counts) -> float:
        """The median of strangers' t, shift left out, that an ordinary library of so many people has."""
        by_size, by_confirmed, constant = self.stranger
        return by_size * math.log(people) + by_confirmed * float(np.mean(1 / confirmed)) + constant


@dataclass(frozen=True, slots=True)
class Learned:
    """What a library has taught about itself; `faces.people.learning` makes it."""

    shift: float = 0.0
    """Taken off every t, at most 0: below it where the enrolled people look more alike than usual."""
    strangers: float = FEWEST_STRANGERS
    """σ, the share of unnamed faces whose person is not enrolled."""
    people: int = 0
    """How many were enrolled when it was learned."""

    def strangers_beside(self, confirmed: Counts) -> Numbers:
        """The share that counts against people with so many confirmed faces, shape (n,).

        What was learned; from `SEVERAL` faces on at most `MOST_STRANGERS`.
        """
        return np.where(confirmed >= SEVERAL, min(self.strangers, MOST_STRANGERS), self.strangers)

    def is_due(self, people: int) -> bool:
        """Whether the number of people has changed enough to learn again."""
        return abs(people - self.people) >= CHANGED * max(self.people, 1)
