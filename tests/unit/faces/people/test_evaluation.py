"""What came of all faces is counted, and a library is told what to look at."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from faces.people.calibration import Learned
from faces.people.evaluation.alike_in_photo import AlikeInPhotos, alike_in_photos
from faces.people.evaluation.evaluation import Evaluation
from faces.people.evaluation.figures import FORMAT, Headline, figures_of
from faces.people.evaluation.holding_together import PersonHolds, holds_of, suspicions_of
from faces.people.evaluation.left_out import LeftOut, leave_out
from faces.people.evaluation.rates import EDGES, LEVELS, by_itself, levels, reliability
from faces.people.evaluation.shots import EvaluatedFaces
from faces.people.evaluation.stranger_threshold import FEWEST_PEOPLE, stranger_threshold
from faces.people.neighbourhood import Neighbourhood
from tests.unit.faces.people.made_confirmed import confirmed, people_of, photos_of_each
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of

ANN, BOB, CEM, EVE = made_people(4, seed=3)


def evaluated(some: EvaluatedFaces, learned: Learned | None = None) -> Evaluation:
    """As the library does it."""
    people, learned = people_of(some), learned or Learned()
    left_out = leave_out(some, people, learned)
    doubts = suspicions_of(some, people, learned.shift)
    holds = list(holds_of(some, left_out, doubts, people, learned.shift))
    return Evaluation.of(len(people), learned, left_out, doubts, holds, AlikeInPhotos())


def left_out(found: list[float], right: list[bool], strangers: list[float]) -> LeftOut:
    """Faces of which all but the last ones are known."""
    count, known = len(strangers), len(found)
    none = [0.0] * (count - known)
    no = [False] * count
    return LeftOut(
        persons=np.arange(count),
        known=np.arange(count) < known,
        right=np.array([*right, *[False] * (count - known)]),
        found=np.array([*found, *none]),
        found_two_near=np.array([True, *no[1:]]),
        fit=np.zeros(count),
        stranger=np.array(strangers),
        stranger_two_near=np.array(no),
    )


OF = left_out([0.99, 0.97, 0.6, 0.96], [True, True, True, False], [0.1, 0.96, 0.0, 0.55, 0.3])


def test_found_wrong_and_strangers_are_counted_from_each_probability_on() -> None:
    counted = [(one.p, one.found, one.wrong, one.strangers) for one in levels(OF)]
    assert counted == [(0.5, 3, 1, 2), (0.8, 2, 1, 1), (0.9, 2, 1, 1), (0.95, 2, 1, 1), (0.99, 1, 0, 0)]
    assert [one.p for one in levels(OF)] == list(LEVELS)


def test_where_a_second_person_is_near_nothing_is_linked_by_itself() -> None:
    one = by_itself(OF)
    assert (one.found, one.wrong, one.strangers) == (1, 1, 1)


def test_what_was_said_is_compared_with_what_was_true_as_strangers_come() -> None:
    half = reliability(OF, 0.5)
    assert [(one.low, one.high) for one in half] == list(pairwise(EDGES))
    high = half[6]
    assert (high.right, high.wrong, high.strangers) == (1, 1, 1)
    known, stranger = 0.5 / 4, 0.5 / 5
    assert high.true == pytest.approx(known / (2 * known + stranger))
    assert high.said == pytest.approx((known * (0.97 + 0.96) + stranger * 0.96) / (2 * known + stranger))
    assert half[7].true == 1
    many = reliability(OF, 0.9)[6].true
    assert many is not None
    assert high.true is not None
    assert many < high.true
    assert sum(one.right + one.wrong + one.strangers for one in half) == 9
    assert reliability(LeftOut.nothing(), 0.5)[0].said is None


# --- the threshold ---


def drawn(people: int, faces: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Strangers whose logits scatter around -6 by 2, and whose they are."""
    logits = np.random.default_rng(seed).normal(-6, 2, people * faces)
    return 1 / (1 + np.exp(-logits)), np.repeat(np.arange(people), faces)


def test_one_stranger_in_a_hundred_is_beyond_the_threshold_or_fewer() -> None:
    beyond = []
    for seed in range(20):
        found = stranger_threshold(*drawn(60, 3, seed))
        assert found is not None
        assert found.low < found.p < found.high
        beyond.append((drawn(100_000, 1, seed=99)[0] >= found.p).mean())
    assert 0.0033 < np.mean(beyond) < 0.01


def test_of_more_people_it_is_known_more_surely() -> None:
    few, many = stranger_threshold(*drawn(40, 2)), stranger_threshold(*drawn(2000, 2))
    assert few is not None
    assert many is not None
    assert many.high - many.low < (few.high - few.low) / 2
    assert (few.people, many.people) == (40, 2000)


def test_a_person_with_many_faces_counts_once() -> None:
    probabilities, persons = drawn(100, 1)
    heavy = np.append(probabilities, np.full(5000, 0.5)), np.append(persons, np.full(5000, 100))
    once = np.append(probabilities, 0.5), np.append(persons, 100)
    one, other = stranger_threshold(*heavy), stranger_threshold(*once)
    assert one is not None
    assert other is not None
    assert one.p == pytest.approx(other.p, abs=0.05)


def test_of_too_few_people_nothing_is_said() -> None:
    assert stranger_threshold(*drawn(FEWEST_PEOPLE - 1, 9)) is None
    assert stranger_threshold(*drawn(FEWEST_PEOPLE, 1)) is not None
    assert stranger_threshold(np.empty(0), np.empty(0, np.int64)) is None


# --- what to look at ---


def test_a_wrong_name_is_the_first_suspicion() -> None:
    ann, bob = photos_of(ANN, 5), photos_of(BOB, 5)
    found = evaluated(confirmed(np.concatenate([ann, bob[:1]]), bob[1:], photos_of(CEM, 4)))
    assert [(one.face_id, one.person_id) for one in found.suspicions] == [(6, 1)]
    assert found.suspicions[0].standing.likelier == 2
    assert found.holds == ()
    assert found.alarms == []


def test_a_wrong_name_is_no_stranger() -> None:
    people = photos_of_each(made_people(30, seed=4), 5)
    right = evaluated(confirmed(*people)).threshold
    swapped = [*people[:20], *(np.concatenate([one[:4], people[number][:1]]) for number, one in enumerate(people[20:]))]
    wrong = evaluated(confirmed(*swapped))
    assert len(wrong.suspicions) == 10
    assert right is not None
    assert wrong.threshold is not None
    assert wrong.threshold.p == pytest.approx(right.p, abs=0.2)
    assert wrong.levels[0].strangers >= 10


def test_a_face_of_a_photo_that_is_gone_is_no_suspicion() -> None:
    some = confirmed(np.concatenate([photos_of(ANN, 5), photos_of(EVE, 1)]), photos_of(BOB, 3))
    assert len(evaluated(some).suspicions) == 1
    assert evaluated(replace(some, listed=some.ids != 6)).suspicions == ()


@pytest.mark.parametrize(("first", "second"), [(9, 4), (6, 6), (3, 2)])
def test_two_people_under_one_name_are_told_apart(first: int, second: int) -> None:
    faces = np.concatenate([photos_of(ANN, first), photos_of(EVE, second)])
    found = evaluated(confirmed(faces, *photos_of_each(made_people(20, seed=4), 4)))
    (one,) = found.holds
    assert (one.person_id, one.is_probably_two, one.faces) == (1, True, first + second)
    half = tuple(range(1, first + 1)), tuple(range(first + 1, first + second + 1))
    assert one.second in half
    assert len(one.second) <= len(faces) / 2


def test_odds_and_ends_among_a_persons_faces_are_no_second_person() -> None:
    faces = np.concatenate([photos_of(ANN, 12), made_people(4, seed=70)])
    found = evaluated(confirmed(faces, *photos_of_each(made_people(20, seed=4), 4)))
    assert not any(one.is_probably_two for one in found.holds)
    assert {one.face_id for one in found.suspicions} == {13, 14, 15, 16}


def test_people_who_hold_together_are_left_alone() -> None:
    found = evaluated(confirmed(*photos_of_each(made_people(30, seed=4), 5)))
    assert (found.suspicions, found.holds, found.alarms) == ((), (), [])
    assert (found.people, found.measured, found.asked.known) == (30, 30, 150)
    assert found.threshold is not None


def test_who_falls_apart_raises_an_alarm_and_a_few_faces_do_not() -> None:
    holds = [PersonHolds(7, 10, 10, 7), PersonHolds(8, 4, 4, 1), PersonHolds(9, 10, 10, 8)]
    found = Evaluation.of(3, Learned(), LeftOut.nothing(), [], holds, AlikeInPhotos())
    assert [one.person_id for one in found.holds] == [7]
    assert found.alarms == ["falls_apart"]


def test_people_who_look_alike_raise_an_alarm() -> None:
    def alarms(shift: float, photos: AlikeInPhotos) -> list[str]:
        return list(Evaluation.of(3, Learned(shift), LeftOut.nothing(), [], [], photos).alarms)

    assert alarms(-0.031, AlikeInPhotos()) == ["alike"]
    assert alarms(-0.03, AlikeInPhotos(100, 3)) == ["alike_in_photos"]
    assert alarms(0, AlikeInPhotos(100, 2)) == alarms(0, AlikeInPhotos(9999, 3)) == []


def test_photos_on_which_two_look_like_one_are_counted() -> None:
    around = Neighbourhood(made_cohort())
    faces = np.concatenate([photos_of(ANN, 2), photos_of(BOB, 1), photos_of(CEM, 1), photos_of(EVE, 1)])
    images = np.array([1, 1, 1, 2, 2])
    assert alike_in_photos(faces.astype(np.float32), images, around) == AlikeInPhotos(2, 1)
    assert alike_in_photos(faces[:1].astype(np.float32), images[:1], around) == AlikeInPhotos(0, 0)
    assert alike_in_photos(np.empty((0, 128), np.float32), images[:0], around) == AlikeInPhotos(0, 0)


# --- as it is kept ---


def test_what_is_kept_is_json_and_read_again() -> None:
    ann = np.concatenate([photos_of(ANN, 9), photos_of(EVE, 4)])
    bob = np.concatenate([photos_of(BOB, 5), photos_of(CEM, 1)])
    found = evaluated(confirmed(ann, bob, *photos_of_each(made_people(20, seed=4), 4)))
    kept = json.loads(json.dumps(figures_of(found)))
    assert kept["format"] == FORMAT
    assert [one["person"] for one in kept["two_people"]] == ["p1"]
    assert kept["two_people"][0]["second"] == ["f10", "f11", "f12", "f13"]
    assert "f19" in [one["face"] for one in kept["suspicious"]]
    assert kept["levels"][3]["p"] == 0.95
    assert 0 < kept["levels"][3]["found_share"] <= 1
    read = Headline.read(kept)
    assert read is not None
    assert (read.people, read.known) == (22, 99)
    assert read.two_people == {"p1"}
    assert read.threshold == kept["threshold"]["p"]


def test_machines_find_the_fields_that_the_page_of_the_command_line_lists() -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "command-line.md").read_text(encoding="utf-8")
    table = page.partition("`figures`, shares")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    fields = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert fields == list(figures_of(evaluated(confirmed(photos_of(ANN, 3), photos_of(BOB, 3)))))


def test_what_another_version_has_kept_is_not_read() -> None:
    assert Headline.read({"format": FORMAT + 1}) is None
    assert Headline.read({}) is None


def test_nobody_and_nothing_are_kept_too() -> None:
    nothing = Evaluation.of(0, Learned(), LeftOut.nothing(), [], [], AlikeInPhotos())
    kept = json.loads(json.dumps(figures_of(nothing)))
    assert kept["threshold"] is None
    assert kept["levels"][0]["found_share"] == 0
    assert Headline.read(kept) is not None
