"""An evaluation as it is kept and told to machines, and the few of its figures that two runs are compared by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from faces.people.evaluation.evaluation import Evaluation
from faces.people.evaluation.holding_together import PersonHolds, Suspicion
from faces.people.evaluation.rates import AskedAbout, Level
from faces.people.refs import Ref

#: Raised when a key gets another meaning; a new key does not.
FORMAT = 1

#: Suspicions and people that are kept of one run at most.
_MOST = 1000

Figures = dict[str, Any]
"""What JSON can say."""


def figures_of(evaluation: Evaluation) -> Figures:
    """Everything, without names; shares and probabilities are 0 to 1."""
    learned, threshold = evaluation.learned, evaluation.threshold
    return {
        "format": FORMAT,
        "people": {"enrolled": evaluation.people, "measured": evaluation.measured},
        "faces": asdict(evaluation.asked),
        "shift": learned.shift,
        "strangers": learned.strangers,
        "levels": [_level(level, evaluation.asked) for level in evaluation.levels],
        "by_itself": _level(evaluation.by_itself, evaluation.asked),
        "reliability": [asdict(between) for between in evaluation.reliability],
        "threshold": None if threshold is None else asdict(threshold),
        "suspicions": len(evaluation.suspicions),
        "suspicious": [_suspicion(one) for one in evaluation.suspicions[:_MOST]],
        "two_people": [_two(one) for one in evaluation.holds if one.is_probably_two][:_MOST],
        "falling_apart": [_falling(one) for one in evaluation.holds if one.falls_apart][:_MOST],
        "photos": {**asdict(evaluation.photos), "share": evaluation.photos.share},
        "alarms": evaluation.alarms,
    }


@dataclass(frozen=True, slots=True)
class Headline:
    """What two runs are compared by."""

    people: int
    known: int
    found: float
    """By itself, of known faces; shares, as all that follow."""
    wrong: float
    strangers: float
    threshold: float | None
    suspicious: frozenset[str]
    """Written ids of faces, the worst of many."""
    two_people: frozenset[str]
    falling_apart: frozenset[str]
    alarms: frozenset[str]

    @classmethod
    def read(cls, figures: Mapping[str, Any]) -> Headline | None:
        """Of what was kept; None where another version of this program kept it otherwise."""
        if figures.get("format") != FORMAT:
            return None
        by_itself, threshold = figures["by_itself"], figures["threshold"]
        return cls(
            people=figures["people"]["enrolled"],
            known=figures["faces"]["known"],
            found=by_itself["found_share"],
            wrong=by_itself["wrong_share"],
            strangers=by_itself["strangers_share"],
            threshold=None if threshold is None else threshold["p"],
            suspicious=frozenset(one["face"] for one in figures["suspicious"]),
            two_people=frozenset(one["person"] for one in figures["two_people"]),
            falling_apart=frozenset(one["person"] for one in figures["falling_apart"]),
            alarms=frozenset(figures["alarms"]),
        )


def share(count: int, of: int) -> float:
    """0 of nothing."""
    return count / of if of else 0.0


def _level(level: Level, asked: AskedAbout) -> Figures:
    return {
        "p": level.p,
        "found": level.found,
        "found_share": share(level.found, asked.known),
        "wrong": level.wrong,
        "wrong_share": share(level.wrong, asked.known),
        "strangers": level.strangers,
        "strangers_share": share(level.strangers, asked.strangers),
    }


def _suspicion(one: Suspicion) -> Figures:
    standing = one.standing
    return {
        "face": str(Ref("face", one.face_id)),
        "person": str(Ref("person", one.person_id)),
        "probability": standing.probability,
        "distance": standing.distance,
        "others": standing.others,
        "likelier": None if standing.likelier is None else str(Ref("person", standing.likelier)),
    }


def _two(one: PersonHolds) -> Figures:
    return {
        "person": str(Ref("person", one.person_id)),
        "faces": one.faces,
        "second": [str(Ref("face", face)) for face in one.second],
        "probability": one.probability,
    }


def _falling(one: PersonHolds) -> Figures:
    return {
        "person": str(Ref("person", one.person_id)),
        "faces": one.faces,
        "judged": one.judged,
        "fitting": one.fitting,
        "share": one.share,
    }
