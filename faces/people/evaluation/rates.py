"""What came of all faces that were left out, counted: found, wrong and strangers from each probability on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from faces.people.evaluation.left_out import Flags, LeftOut
from faces.people.identify import LINK

#: The probabilities from which on is counted.
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)

#: Between which probabilities what is said is compared with what was true.
EDGES = (0.0, 0.05, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class AskedAbout:
    """How many faces were asked about."""

    known: int
    """As known ones."""
    alone: int
    """Whose person has no other shot: they cannot be found, and were asked about as strangers only."""
    strangers: int
    """As strangers."""


@dataclass(frozen=True, slots=True)
class Level:
    """How many faces are linked from a probability on."""

    p: float
    found: int
    """Known ones, as who they are."""
    wrong: int
    """Known ones, as another person."""
    strangers: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was said between two probabilities, and what was true."""

    low: float
    high: float
    said: float | None
    """On the mean; None where nothing was said."""
    true: float | None
    """The share of what was right."""
    right: int
    wrong: int
    """Known ones of whom another person was the likeliest."""
    strangers: int


def asked(of: LeftOut) -> AskedAbout:
    """How many."""
    known = int(of.known.sum())
    return AskedAbout(known, len(of) - known, len(of))


def levels(of: LeftOut) -> list[Level]:
    """From each of `LEVELS` on."""
    return [_level(of, p, of.found >= p, of.stranger >= p) for p in LEVELS]


def by_itself(of: LeftOut) -> Level:
    """What is linked by itself: not where a second person is near."""
    found = (of.found >= LINK) & ~of.found_two_near
    return _level(of, LINK, found, (of.stranger >= LINK) & ~of.stranger_two_near)


def reliability(of: LeftOut, strangers: float) -> list[Reliability]:
    """Between each two of `EDGES`.

    Args:
        of: what came of all faces.
        strangers: the share that was assumed. Known ones and strangers weigh by it, as what comes new would.
    """
    return [_between(of, low, high, strangers) for low, high in pairwise(EDGES)]


def _level(of: LeftOut, p: float, found: Flags, strangers: Flags) -> Level:
    known = of.known & found
    return Level(p, int((known & of.right).sum()), int((known & ~of.right).sum()), int(strangers.sum()))


def _between(of: LeftOut, low: float, high: float, strangers: float) -> Reliability:
    is_last = high == EDGES[-1]
    known = of.known & (of.found >= low) & ((of.found < high) | is_last)
    strange = (of.stranger >= low) & ((of.stranger < high) | is_last)
    right, wrong, others = int((known & of.right).sum()), int((known & ~of.right).sum()), int(strange.sum())
    each_known = (1 - strangers) / max(int(of.known.sum()), 1)
    each_stranger = strangers / max(len(of), 1)
    weight = each_known * (right + wrong) + each_stranger * others
    if not weight:
        return Reliability(low, high, None, None, right, wrong, others)
    said = each_known * float(np.sum(of.found[known])) + each_stranger * float(np.sum(of.stranger[strange]))
    return Reliability(low, high, said / weight, each_known * right / weight, right, wrong, others)
