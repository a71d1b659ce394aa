from __future__ import annotations

import math

import numpy as np
import pytest

from faces.people.calibration import Learned
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.identify import Identification, Nearby, Rule, contenders, decide, decide_photo, identify
from faces.people.judging.doubtful import judge_confirmed
from faces.people.neighbourhood import Neighbourhood
from tests.unit.faces.people.made_people import CALIBRATION, enrolled, made_cohort, made_people, photos_of

RULE = Rule(people=20, confirmed=1, faces=1, shift=0.0, strangers=0.5, cohort="0123456789ab")


def answer(probability: float, person: int = 1, second: float = 0.1) -> Identification:
    return Identification(person, probability, -0.2, -0.2, 0.3, (Nearby(2, second, 0.6),), RULE)


def test_a_photo_of_an_enrolled_person_is_linked_and_a_strangers_is_not() -> None:
    people = made_people(40)
    known = enrolled(people[:20], ids=list(range(100, 120)))
    found = identify(np.concatenate([photos_of(people[3], 1), photos_of(people[30], 1)]), known, Learned())
    assert [decide(one) for one in found] == ["link", "silent"]
    assert found[0] is not None
    assert found[0].person_id == 103


def test_score_t_and_probability_are_by_the_book() -> None:
    people = made_people(20)
    known = enrolled(people)
    face = photos_of(people[3], 1)
    (found,) = identify(face, known, Learned(shift=-0.01, strangers=0.8))
    apart = np.linalg.norm(known.middles.astype(float) - face.astype(np.float32).astype(float), axis=1)
    around = known.neighbourhood.around(face).astype(float)
    scores = np.sort(apart - (around + known.around) / 2)
    t = scores[0] - scores[1] / 4 + 0.01
    logit = -37.17 * t - 0.43 * math.log(20) + 2.69 - 19.66 * t + 2.83 - 23.86 * t - 4.56 + math.log(0.2 / 0.8)
    assert found is not None
    assert found.distance == pytest.approx(apart.min(), abs=1e-12)
    assert found.score == pytest.approx(scores[0], abs=1e-12)
    assert found.t == pytest.approx(t, abs=1e-12)
    assert found.probability == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-12)
    assert str(found.rule).startswith("calibrated N=20 k=1 m=1 shift=-0.0100 strangers=0.800 cohort=")


@pytest.mark.parametrize(("confirmed", "learned", "counts"), [(4, 0.9, 0.9), (5, 0.9, 0.7), (5, 0.6, 0.6)])
def test_many_strangers_do_not_count_against_who_has_several_confirmed_faces(
    confirmed: int, learned: float, counts: float
) -> None:
    faces = photos_of(made_people(1)[0], confirmed + 1)
    people = EnrolledPeople(Neighbourhood(made_cohort()), {1: EncodingSum.of(faces[:confirmed])})
    (found,) = identify(faces[confirmed:], people, Learned(strangers=learned))
    (even,) = identify(faces[confirmed:], people, Learned())
    assert found is not None
    assert even is not None
    assert found.rule.strangers == counts
    assert found.probability < even.probability


def test_the_next_two_are_told_nearest_first() -> None:
    people = made_people(20)
    (found,) = identify(photos_of(people[3], 1), enrolled(people), Learned())
    assert found is not None
    assert len(found.others) == 2
    assert found.score < found.others[0].score <= found.others[1].score


def test_confirmed_faces_and_the_size_of_a_group_are_weighed() -> None:
    one = CALIBRATION.probability(np.array([-0.1]), 200, np.array([1]), np.array([1]), 0.5)
    more = CALIBRATION.probability(np.array([-0.1]), 200, np.array([5]), np.array([1]), 0.5)
    group = CALIBRATION.probability(np.array([-0.1]), 200, np.array([1]), np.array([3]), 0.5)
    assert one[0] != more[0]
    assert one[0] != group[0]


@pytest.mark.parametrize("t", [-1e6, 1e6])
def test_an_absurd_score_is_a_probability_without_a_warning(t: float) -> None:
    found = CALIBRATION.probability(np.array([t]), 200, np.array([1]), np.array([1]), 0.5)
    assert 0 <= found[0] <= 1


def test_one_person_is_compared_with_a_stranger() -> None:
    people = made_people(1)
    (found,) = identify(photos_of(people[0], 1), enrolled(people), Learned())
    assert found is not None
    assert found.t == pytest.approx(found.score - 0.025)
    assert found.others == ()
    assert decide(found) == "link"


def test_without_people_there_is_no_answer() -> None:
    assert identify(made_people(2), enrolled(made_people(0)), Learned()) == [None, None]
    assert decide(None) == "silent"


def test_no_faces_have_no_answers() -> None:
    assert identify(np.empty((0, 128)), enrolled(made_people(3)), Learned()) == []


def test_a_refused_person_is_not_chosen_and_still_counts_as_near() -> None:
    people = made_people(20)
    face = photos_of(people[3], 1)
    (found,) = identify(face, enrolled(people), Learned())
    (other,) = identify(face, enrolled(people), Learned(), refused=[{3}])
    assert found is not None
    assert other is not None
    assert other.person_id == found.others[0].person_id
    assert other.others[0].person_id == 3
    assert other.t == pytest.approx(other.score - found.score / 4)
    assert other.two_are_near


def test_with_everybody_refused_there_is_no_answer() -> None:
    people = made_people(3)
    assert identify(people[:1], enrolled(people), Learned(), refused=[{0, 1, 2}]) == [None]


def test_refusals_of_people_who_are_not_enrolled_change_nothing() -> None:
    people = made_people(3)
    assert identify(people, enrolled(people), Learned(), refused=[{7}, {}, {8, 9}]) == identify(
        people, enrolled(people), Learned()
    )


@pytest.mark.parametrize("sizes", [[0, 1], [1], [[1, 2]]])
def test_sizes_that_do_not_fit_are_refused(sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="needed 2, 1 or more each"):
        identify(made_people(2), enrolled(made_people(3)), Learned(), sizes=sizes)


# --- what is done ---


@pytest.mark.parametrize(
    ("probability", "decision"),
    [(0.95, "link"), (0.9499, "offer"), (0.2, "offer"), (0.1999, "silent"), (1.0, "link"), (0.0, "silent")],
)
def test_it_is_linked_from_95_percent_and_offered_from_20(probability: float, decision: str) -> None:
    assert decide(answer(probability)) == decision


def test_a_person_who_is_in_the_photo_already_is_offered_at_most() -> None:
    assert decide(answer(0.99), in_photo=True) == "offer"
    assert decide(answer(0.1), in_photo=True) == "silent"


def test_where_two_people_are_near_a_person_decides() -> None:
    assert decide(answer(0.99, second=-0.0501)) == "offer"
    assert decide(answer(0.99, second=-0.05)) == "link"


def test_of_two_faces_of_one_photo_the_likelier_one_is_linked() -> None:
    assert decide_photo([answer(0.96), answer(0.99), None, answer(0.97, person=5)]) == [
        "offer",
        "link",
        "silent",
        "link",
    ]


def test_of_two_equally_likely_faces_of_one_photo_the_first_is_linked() -> None:
    assert decide_photo([answer(0.99), answer(0.99)]) == ["link", "offer"]


def test_who_is_in_the_photo_already_is_linked_to_no_other_face_of_it() -> None:
    assert decide_photo([answer(0.99), answer(0.99, person=5)], present=[1]) == ["offer", "link"]


def test_a_face_that_is_only_offered_keeps_no_other_from_its_person() -> None:
    assert decide_photo([answer(0.99, second=-0.2), answer(0.96)]) == ["offer", "link"]


def test_contenders_are_the_nearest_people_each_as_if_the_likelier_ones_were_refused() -> None:
    people = made_people(20)
    known, learned = enrolled(people), Learned(shift=-0.01, strangers=0.8)
    face = photos_of(people[3], 1)
    told = contenders(face[0], known, learned, 3, size=2)
    refused: set[int] = set()
    for one in told:
        (found,) = identify(face, known, learned, [2], [refused])
        assert found is not None
        assert (one.person_id, one.confirmed) == (found.person_id, 1)
        numbers = (one.probability, one.t, one.score, one.distance)
        assert numbers == pytest.approx((found.probability, found.t, found.score, found.distance), abs=1e-12)
        refused.add(one.person_id)
    assert len(told) == 3
    assert len(contenders(face[0], enrolled(people[:2]), learned, 3)) == 2
    assert contenders(face[0], enrolled(made_people(0)), learned, 3) == []


def test_who_a_face_was_said_to_be_is_a_contender_by_the_other_faces() -> None:
    ann, bob = made_people(2)
    faces = photos_of(ann, 3)
    sums = {1: EncodingSum.of(faces), 2: EncodingSum.of(bob[None])}
    known = EnrolledPeople(Neighbourhood(made_cohort()), sums)
    first, second = contenders(faces[0], known, Learned(), 3, own=1)
    (standing,) = judge_confirmed(faces[:1], [1], known, 0.0)
    assert standing is not None
    assert (first.person_id, first.confirmed, second.person_id) == (1, 2, 2)
    assert (first.probability, first.t) == pytest.approx((standing.probability, standing.t), abs=1e-12)
    assert first.distance == pytest.approx(np.linalg.norm(faces[0] - faces[1:].mean(axis=0)), abs=1e-5)
    alone = enrolled(np.stack([ann, bob]), ids=[1, 2])
    assert [one.person_id for one in contenders(ann, alone, Learned(), 3, own=1)] == [2]


@pytest.mark.parametrize("rule", [RULE, Rule(3, 2, 7, -0.0123, 0.9, "ab")])
def test_a_rule_is_read_back_as_the_ledger_keeps_it(rule: Rule) -> None:
    assert Rule.parse(str(rule)) == rule


@pytest.mark.parametrize("text", ["", "nearest", "groups 4 and 2 s=-0.1 cohort=ab", "calibrated N=x k=1"])
def test_another_rule_is_not_read(text: str) -> None:
    assert Rule.parse(text) is None
