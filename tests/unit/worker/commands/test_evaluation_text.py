"""An evaluation in words: what is only told where there is something to tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from faces.library.evaluating.own_library import Run
from faces.people.calibration import Learned
from faces.people.evaluation.alike_in_photo import AlikeInPhotos
from faces.people.evaluation.evaluation import Evaluation
from faces.people.evaluation.figures import figures_of
from faces.people.evaluation.holding_together import PersonHolds
from faces.people.evaluation.left_out import LeftOut
from faces.people.evaluation.rates import Reliability
from faces.people.evaluation.stranger_threshold import StrangerThreshold
from faces.store.sidecar.evaluations import KeptEvaluation
from worker.commands.evaluation_text import told


def left_out(people: int = 30) -> LeftOut:
    """One known face of each, all of them found."""
    yes, no, one = np.ones(people, np.bool_), np.zeros(people, np.bool_), np.ones(people)
    return LeftOut(np.arange(people), yes, yes, one * 0.97, no, one, one * 0.01, no)


def evaluation(
    holds: tuple[PersonHolds, ...] = (), shift: float = 0.0, photos: AlikeInPhotos | None = None
) -> Evaluation:
    return Evaluation.of(30, Learned(shift), left_out(), [], holds, photos or AlikeInPhotos())


def kept(of: Evaluation, number: int, **values: str) -> KeptEvaluation:
    as_ever = KeptEvaluation(number, datetime(2026, 11, 30, 20), "me", "1.0", "cohort", figures_of(of))
    return replace(as_ever, **values)  # type: ignore[arg-type]


def lines(of: Evaluation, before: KeptEvaluation | None = None) -> list[str]:
    return [line for part in told(Run(of, kept(of, 2), before), {7: "Ann"}, calibrated=True) for line in part.lines]


def test_of_many_faces_of_a_second_person_some_are_named() -> None:
    two = PersonHolds(7, 40, 40, 20, second=tuple(range(1, 20)), probability=0.01)
    (line,) = [line for line in lines(evaluation((two,))) if line.startswith("Probably two people")]
    assert "Ann (p7). 19 of 40 faces look like somebody else: f1, f2, " in line
    assert "f12 and 7 more. If they are, `split p7` with these faces parts them, and `evaluate --json` has all." in line


def test_of_many_people_some_are_named() -> None:
    holds = tuple(PersonHolds(person, 10, 10, 5) for person in range(25))
    found = lines(evaluation(holds))
    assert sum(line.startswith("Does not hold together: ") for line in found) == 20
    assert "And 5 more people who do not hold together: `evaluate --json` has them." in found


def test_a_library_of_people_who_look_alike_is_warned() -> None:
    found = lines(evaluation(shift=-0.04, photos=AlikeInPhotos(1000, 5)))
    assert any(line.startswith("Careful: the people here look more alike") and "shift -0.040" in line for line in found)
    assert any(line.startswith("Careful: on 5 of 1,000 photos with several faces") for line in found)
    assert not any(line.startswith("No confirmed face looks wrong") for line in found)
    assert any(line.startswith("No confirmed face looks wrong") for line in lines(evaluation()))


@pytest.mark.parametrize(("p", "ends"), [(0.97, "so more strangers than that get one."), (0.5, "so fewer get one.")])
def test_the_threshold_is_held_against_what_links_by_itself(p: float, ends: str) -> None:
    found = replace(evaluation(), threshold=StrangerThreshold(p, p - 0.1, p + 0.02, 30))
    (line,) = [line for line in lines(found) if line.startswith("If faces were linked from ")]
    assert line.endswith(ends)


@pytest.mark.parametrize(
    ("true", "sentence"),
    [
        (0.6, "Between 80 % and 90 % it is too sure: it said 85 %, and 60 % was true."),
        (0.95, "Between 80 % and 90 % it is too careful: it said 85 %, and 95 % was true."),
        (0.86, None),
    ],
)
def test_a_percentage_that_is_not_worth_what_it_says_is_told(true: float, sentence: str | None) -> None:
    found = replace(evaluation(), reliability=(Reliability(0.8, 0.9, 0.85, true, 30, 5, 5),))
    assert [line for line in lines(found) if line.startswith("Between ")] == ([sentence] if sentence else [])


def test_of_few_faces_no_percentage_is_judged() -> None:
    found = replace(evaluation(), reliability=(Reliability(0.8, 0.9, 0.85, 0.2, 3, 5, 5),))
    assert "There are too few faces to say what the percentages are worth." in lines(found)


def test_another_cohort_or_version_is_told() -> None:
    before = evaluation()
    assert "Since run 1, 2026-11-30 20:00:00 UTC the program was updated, from 0.9 to 1.0." in lines(
        before, kept(before, 1, version="0.9")
    )
    assert any("another cohort is in force" in line for line in lines(before, kept(before, 1, cohort="other")))
    more = evaluation((PersonHolds(7, 10, 10, 5),))
    assert lines(more, kept(before, 1))[-1].endswith(": people who do not hold together: 1 new, 0 gone.")
