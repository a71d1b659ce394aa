"""From which probability on one stranger in a hundred would be linked, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.calibration import Numbers

#: The share of strangers that is asked for.
WANTED = 0.01

#: Below so many people nothing is said: a hundredth of a few strangers is a guess.
FEWEST_PEOPLE = 20

#: The likeliest strangers by which the others are told: so many people, as a share of all between these two. One in a
#: hundred of a small library is one face or none, so the tail is taken for exponential in the logit. It is lighter: the
#: threshold is rather too high than too low.
_TAIL_PEOPLE, _LEAST_TAIL, _MOST_TAIL = 9, 0.05, 0.2

#: Of the tail at least so many faces.
_FEWEST = 5

#: Standard deviations that are put on top: one threshold that is too low lets in more than one too high keeps out.
_CAREFUL = 0.5

#: How often people are drawn anew, with which dice, and the share of draws that lie between the two ends told.
_DRAWS, _SEED, _BETWEEN = 200, 17, 0.9

#: Nobody is less likely than this: where there is no other person at all.
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class StrangerThreshold:
    """A probability, and between which two it lies in nine of ten draws of the library's people."""

    p: float
    low: float
    high: float
    people: int
    """By how many it is known."""


def stranger_threshold(probabilities: Numbers, persons: npt.NDArray[np.int64]) -> StrangerThreshold | None:
    """From which probability on `WANTED` of strangers are linked; None below `FEWEST_PEOPLE`.

    Each person counts the same, whatever the number of faces: the next stranger is one person.

    Args:
        probabilities: what is said of faces whose person is not enrolled, shape (n,).
        persons: whose they are.
    """
    people, person, counts = np.unique(persons, return_inverse=True, return_counts=True)
    if len(people) < FEWEST_PEOPLE:
        return None
    chances = np.clip(probabilities, _LEAST, 1 - _LEAST)
    logits = np.log(chances / (1 - chances))
    order = np.argsort(-logits, kind="stable")
    logits, person = logits[order], person[order]
    each = 1 / counts[person]
    tail = min(max(_TAIL_PEOPLE / len(people), _LEAST_TAIL), _MOST_TAIL)
    dice = np.random.default_rng(_SEED)
    drawn = [
        _limit(
            logits, each * np.bincount(dice.integers(0, len(people), len(people)), minlength=len(people))[person], tail
        )
        for _ in range(_DRAWS)
    ]
    found = _limit(logits, each, tail) + _CAREFUL * float(np.std(drawn))
    low, high = np.quantile(drawn, [(1 - _BETWEEN) / 2, (1 + _BETWEEN) / 2])
    return StrangerThreshold(_chance(found), _chance(low), _chance(high), len(people))


def _chance(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def _limit(logits: Numbers, weights: Numbers, tail: float) -> float:
    """The logit above which `WANTED` of the weight lies, by this share of the highest; logits descend."""
    there = weights > 0
    logits, weights = logits[there], weights[there]
    shares = np.cumsum(weights) / weights.sum()
    count = min(max(_FEWEST, int(np.searchsorted(shares, tail))), len(logits) - 1)
    start, share = logits[count], shares[count - 1]
    beyond = float(np.average(logits[:count] - start, weights=weights[:count]))
    return float(start + beyond * np.log(share / WANTED))
