"""All that was measured of a library at one time, and the alarms that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from faces.people.calibration import Learned
from faces.people.evaluation.alike_in_photo import AlikeInPhotos
from faces.people.evaluation.holding_together import PersonHolds, Suspicion
from faces.people.evaluation.left_out import LeftOut
from faces.people.evaluation.rates import AskedAbout, Level, Reliability, asked, by_itself, levels, reliability
from faces.people.evaluation.stranger_threshold import FEWEST_PEOPLE, StrangerThreshold, stranger_threshold
from faces.people.judging.doubtful import DOUBTED

Alarm = Literal["alike", "alike_in_photos", "falls_apart"]
"""What is to be looked at, whatever the figures say."""

#: Below it the people of a library look more alike than the cohort knows.
LEAST_SHIFT = -0.03

#: Photos on which two faces look like one person that raise an alarm: so many, and this share of those with two faces.
#: Of any two people it is none in 1,500, of two of a kind that the cohort lacks one in 500.
ALIKE_PHOTOS, ALIKE_SHARE = 3, 0.001


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured."""

    people: int
    """Who are enrolled."""
    measured: int
    """Of them those with a confirmed face that was asked about."""
    learned: Learned
    asked: AskedAbout
    levels: tuple[Level, ...]
    by_itself: Level
    reliability: tuple[Reliability, ...]
    threshold: StrangerThreshold | None
    """None: too few people."""
    suspicions: tuple[Suspicion, ...]
    """The worst first."""
    holds: tuple[PersonHolds, ...]
    """People who are probably two, or fall apart; the worst first."""
    photos: AlikeInPhotos

    @property
    def alarms(self) -> list[Alarm]:
        """What is wrong with the library as a whole, or with some of its people."""
        found: list[Alarm] = []
        if self.learned.shift < LEAST_SHIFT:
            found.append("alike")
        if self.photos.alike >= ALIKE_PHOTOS and self.photos.share >= ALIKE_SHARE:
            found.append("alike_in_photos")
        if any(one.falls_apart for one in self.holds):
            found.append("falls_apart")
        return found

    @classmethod
    def of(
        cls,
        people: int,
        learned: Learned,
        left_out: LeftOut,
        suspicions: Sequence[Suspicion],
        holds: Sequence[PersonHolds],
        photos: AlikeInPhotos,
    ) -> Evaluation:
        """Count all that came of the faces.

        Args:
            people: how many are enrolled.
            learned: what they were asked about with.
            left_out: what came of all faces.
            suspicions: in any order.
            holds: of all people or fewer, in any order.
            photos: on which two faces look like one person.
        """
        # A wrong name is found as who it is: no stranger.
        believed = ~left_out.known | (left_out.fit >= DOUBTED)
        strangers, persons = left_out.stranger[believed], left_out.persons[believed]
        threshold = None if people < FEWEST_PEOPLE else stranger_threshold(strangers, persons)
        worst = [one for one in holds if one.is_probably_two or one.falls_apart]
        return cls(
            people=people,
            measured=len(set(left_out.persons.tolist())),
            learned=learned,
            asked=asked(left_out),
            levels=tuple(levels(left_out)),
            by_itself=by_itself(left_out),
            reliability=tuple(reliability(left_out, learned.strangers)),
            threshold=threshold,
            suspicions=tuple(sorted(suspicions, key=lambda one: (one.standing.probability, one.face_id))),
            holds=tuple(sorted(worst, key=lambda one: (not one.is_probably_two, one.share, one.person_id))),
            photos=photos,
        )
