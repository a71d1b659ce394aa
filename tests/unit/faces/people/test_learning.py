from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faces.people.calibration import Learned
from faces.people.identify import identify
from faces.people.judging.old_links import believed, judge
from faces.people.learning import half_way, learn, learn_shift, share_of_strangers
from tests.unit.faces.people.made_people import enrolled, made_people, photos_of


def alike(count: int, closeness: float) -> np.ndarray:
    """People nearer to one another than usual."""
    people = made_people(count)
    return people[0] + (people - people[0]) * closeness


def test_people_as_far_apart_as_usual_shift_nothing() -> None:
    people = made_people(50)
    assert learn_shift(enrolled(people), people) == 0


def test_people_who_look_alike_lower_the_score_that_is_needed() -> None:
    people = alike(50, 0.6)
    assert learn_shift(enrolled(people), people) < -0.03


def test_with_fewer_than_ten_people_there_is_no_shift() -> None:
    people = alike(9, 0.3)
    assert learn_shift(enrolled(people), people) == 0


def test_the_shift_is_half_of_what_is_missing_and_never_above_0() -> None:
    assert half_way(-0.05, 0.03) == pytest.approx(-0.04)
    assert half_way(0.08, 0.03) == 0


def test_of_very_many_people_some_are_asked() -> None:
    people = alike(4500, 0.6)
    known = enrolled(people)
    some = learn_shift(known, people)
    asked = np.full_like(people, np.nan)
    asked[::3] = people[::3]
    assert learn_shift(known, asked) == some


@pytest.mark.parametrize("share", [0.5, 0.6, 0.7, 0.8, 0.9])
def test_the_share_of_strangers_is_learned_from_probabilities(share: float) -> None:
    dice = np.random.default_rng(1)
    strangers = dice.random(20_000) < share
    # Two kinds of scores, and the probability that follows from them where both kinds are equally many.
    scores = dice.normal(np.where(strangers, -1.5, 1.5), 1)
    assert share_of_strangers(1 / (1 + np.exp(-3 * scores))) == pytest.approx(share, abs=0.02)


def test_the_share_of_strangers_is_never_below_a_half() -> None:
    assert share_of_strangers(np.full(200, 0.99)) == 0.5


def test_fewer_than_100_faces_teach_no_share() -> None:
    assert share_of_strangers(np.full(99, 0.01)) == 0.5
    assert share_of_strangers(np.full(100, 0.01)) > 0.9


@given(arrays(float, st.integers(0, 300), elements=st.floats(0, 1)))
def test_any_probabilities_teach_a_share_between_a_half_and_all_but_nobody(probabilities: np.ndarray) -> None:
    assert 0.5 <= share_of_strangers(probabilities) <= 0.98


def test_shift_and_share_are_learned_together() -> None:
    people = alike(300, 0.8)
    known, unnamed = enrolled(people[:20]), np.concatenate([photos_of(person, 1) for person in people])
    learned = learn(known, people[:20], unnamed)
    even = [found.probability for found in identify(unnamed, known, Learned(learned.shift)) if found]
    assert learned.people == 20
    assert learned.shift == learn_shift(known, people[:20])
    assert learned.strangers == share_of_strangers(even)


@pytest.mark.parametrize(("people", "due"), [(100, False), (109, False), (110, True), (90, True), (91, False)])
def test_it_is_learned_again_when_a_tenth_has_changed(people: int, due: bool) -> None:
    assert Learned(people=100).is_due(people) is due


def test_the_first_person_is_reason_to_learn() -> None:
    assert not Learned().is_due(0)
    assert Learned().is_due(1)


def test_of_an_old_librarys_children_those_are_believed_that_are_their_parents() -> None:
    people = made_people(40)
    masters = enrolled(people[:20], ids=list(range(1, 21)))
    right, stranger, anothers = photos_of(people[3], 1), photos_of(people[30], 1), photos_of(people[5], 1)
    found = believed(np.concatenate([right, stranger, anothers]), [4, 4, 4], masters, Learned())
    assert found.tolist() == [True, False, False]


def test_of_an_old_link_it_is_told_how_far_it_is_and_who_is_likelier() -> None:
    people = made_people(40)
    masters = enrolled(people[:20], ids=list(range(1, 21)))
    face = photos_of(people[5], 1)
    right, wrong = judge(np.concatenate([face, face]), [6, 4], masters, Learned())
    assert right.likelier is None
    assert right.probability == identify(face, masters, Learned())[0].probability  # type: ignore[union-attr]
    assert wrong.likelier == 6
    assert wrong.distance == pytest.approx(np.linalg.norm(face[0] - people[3]), abs=1e-5)
    assert wrong.probability < 0.01
