"""Confirmed faces are measured against the person's other faces, each without itself."""

from __future__ import annotations

import numpy as np
import pytest

from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.judging.doubtful import DOUBTED, FEWEST_FACES, doubted, judge_confirmed
from faces.people.neighbourhood import Neighbourhood
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of

ANN, BOB, CEM, EVE = made_people(4, seed=3)


def people_of(*faces: np.ndarray) -> EnrolledPeople:
    """The first with id 1 and so on, each by these confirmed faces."""
    sums = {number: EncodingSum.of(of) for number, of in enumerate(faces, 1)}
    return EnrolledPeople(Neighbourhood(made_cohort()), sums)


def test_a_face_is_measured_against_the_middle_of_the_others() -> None:
    faces = photos_of(ANN, 5)
    people = people_of(faces, photos_of(BOB, 2))
    (standing,) = judge_confirmed(faces[:1], [1], people, 0.0)
    assert standing is not None
    assert standing.others == 4
    assert standing.distance == pytest.approx(np.linalg.norm(faces[0] - faces[1:].mean(axis=0)), abs=1e-5)
    without = people_of(faces[1:], photos_of(BOB, 2))
    assert standing.score == pytest.approx(without.rank(faces[:1], 1).scores[0, 0], abs=0.01)


def test_a_strangers_face_is_doubted_and_the_persons_own_are_not() -> None:
    faces = np.concatenate([photos_of(ANN, 4), photos_of(EVE, 1)])
    found = judge_confirmed(faces, [1] * 5, people_of(faces, photos_of(BOB, 3), photos_of(CEM, 3)), 0.0)
    assert [one is not None and one.probability < DOUBTED for one in found] == [False] * 4 + [True]
    assert [one.likelier for one in found[:4] if one] == [None] * 4


def test_who_is_likelier_is_told() -> None:
    faces = np.concatenate([photos_of(ANN, 4), photos_of(BOB, 4, seed=1)[3:]])
    (standing,) = judge_confirmed(faces[4:], [1], people_of(faces, photos_of(BOB, 3)), 0.0)
    assert standing is not None
    assert standing.likelier == 2
    assert standing.probability < DOUBTED


def test_of_an_only_face_and_of_who_is_not_enrolled_nothing_is_said() -> None:
    faces = photos_of(ANN, 1)
    assert judge_confirmed(np.concatenate([faces, faces]), [1, 9], people_of(faces), 0.0) == [None, None]
    assert judge_confirmed(np.empty((0, 128)), [], people_of(faces), 0.0) == []


def test_a_face_alone_and_among_others_is_judged_the_same() -> None:
    faces = [photos_of(person, 4, seed) for seed, person in enumerate((ANN, BOB, CEM))]
    people, all_faces, persons = people_of(*faces), np.concatenate(faces), [1] * 4 + [2] * 4 + [3] * 4
    together = judge_confirmed(all_faces, persons, people, -0.01)
    alone = [
        judge_confirmed(face[None], [person], people, -0.01)[0] for face, person in zip(all_faces, persons, strict=True)
    ]
    assert together == alone


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("own", "alarm"), [(0, 0.0), (200, 0.0), (200, 0.7)])
def test_what_is_doubted_quickly_is_what_the_rule_doubts(seed: int, own: int, alarm: float) -> None:
    dice = np.random.default_rng(seed)
    points = made_people(60, seed)
    faces = [photos_of(point, 1 + number % 7, seed) for number, point in enumerate(points)]
    rows = np.concatenate(faces)
    persons = np.repeat(np.arange(1, 61), [len(of) for of in faces])
    wrong = dice.random(len(rows)) < 0.2
    persons[wrong] = dice.integers(1, 61, wrong.sum())
    groups = made_people(own, 50 + seed) if own else None
    sums = {int(person): EncodingSum.of(rows[persons == person]) for person in set(persons.tolist())}
    people = EnrolledPeople(Neighbourhood(made_cohort(), groups, alarm), sums)
    judged = judge_confirmed(rows, persons, people, -0.01)
    expected = {
        row: one
        for row, one in enumerate(judged)
        if one and one.others + 1 >= FEWEST_FACES and one.probability < DOUBTED
    }
    assert doubted(rows, persons, people, -0.01) == expected
    assert expected


def test_one_person_alone_is_judged_too() -> None:
    faces = np.concatenate([photos_of(ANN, 4), EVE[None]])
    assert list(doubted(faces, [1] * 5, people_of(faces), 0.0)) == [4]
    assert doubted(faces[:0], [], people_of(faces), 0.0) == {}
