"""Confirmed faces are asked about without their shot, and as strangers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faces.people.calibration import Learned
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.evaluation.left_out import LeftOut, leave_out
from faces.people.evaluation.shots import BURST_SECONDS, EvaluatedFaces, shots_of
from faces.people.identify import identify
from tests.unit.faces.people.made_confirmed import confirmed, people_of, photos_of_each
from tests.unit.faces.people.made_people import made_people, photos_of

ANN, BOB, CEM, EVE = made_people(4, seed=3)

LEARNED = Learned(-0.01, 0.6, 4)


def without(people: EnrolledPeople, person: int, faces: np.ndarray) -> EnrolledPeople:
    """The same, one person by these faces only."""
    sums = {
        int(other): EncodingSum.of(people.middles[place][None].repeat(people.confirmed[place], axis=0))
        for place, other in enumerate(people.ids)
        if other != person
    }
    return EnrolledPeople(people.neighbourhood, sums | ({person: EncodingSum.of(faces)} if len(faces) else {}))


def test_a_known_face_is_asked_about_as_if_its_person_had_only_the_others() -> None:
    some = confirmed(photos_of(ANN, 4), photos_of(BOB, 3), photos_of(CEM, 1))
    found = leave_out(some, people := people_of(some), LEARNED)
    for row in range(7):
        person = int(some.persons[row])
        others = some.encodings[(some.persons == person) & (some.ids != some.ids[row])]
        (one,) = identify(some.encodings[row][None], without(people, person, others), LEARNED)
        assert one is not None
        assert found.right[row] == (one.person_id == person)
        assert found.found[row] == pytest.approx(one.probability, abs=1e-4)
        assert found.found_two_near[row] == one.two_are_near
    assert found.known.tolist() == [True] * 7 + [False]
    assert (found.found[7], found.fit[7]) == (0, 0)


def test_a_stranger_is_asked_about_as_if_its_person_was_not_enrolled() -> None:
    some = confirmed(*photos_of_each(made_people(6, seed=8), 2))
    found = leave_out(some, people := people_of(some), LEARNED)
    for row, person in enumerate(some.persons.tolist()):
        (one,) = identify(some.encodings[row][None], without(people, person, some.encodings[:0]), LEARNED)
        assert one is not None
        assert found.stranger[row] == pytest.approx(one.probability, abs=1e-4)


def test_who_is_confirmed_as_another_is_found_as_the_one_they_are() -> None:
    ann, bob = photos_of(ANN, 5), photos_of(BOB, 5)
    some = confirmed(np.concatenate([ann[:4], bob[:1]]), bob[1:], photos_of(CEM, 2))
    found = leave_out(some, people_of(some), LEARNED)
    assert not found.right[4]
    assert found.found[4] > 0.9
    assert found.fit[4] < 0.05
    assert found.right[:4].all()


def test_one_person_alone_has_nobody_to_be_taken_for() -> None:
    some = confirmed(photos_of(ANN, 3))
    found = leave_out(some, people_of(some), LEARNED)
    assert found.stranger.tolist() == [0, 0, 0]
    assert found.right.all()


def test_of_no_faces_nothing_comes() -> None:
    some = confirmed(photos_of(ANN, 3))
    nobody = leave_out(some.of(np.zeros(3, np.bool_)), people_of(some), LEARNED)
    assert len(nobody) == len(LeftOut.nothing()) == 0
    assert len(LeftOut.together([nobody, leave_out(some, people_of(some), LEARNED)])) == 3


def test_faces_in_batches_are_what_they_are_together() -> None:
    some = confirmed(*photos_of_each(made_people(8, seed=9), 3))
    people, first = people_of(some), some.persons <= 4
    apart = [leave_out(some.of(part), people, LEARNED) for part in (first, ~first)]
    assert LeftOut.together(apart).found.tolist() == leave_out(some, people, LEARNED).found.tolist()


# --- shots ---


def photos(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def shots(some: EvaluatedFaces) -> list[int]:
    return shots_of(some).tolist()


def test_faces_of_a_photo_and_of_its_copies_are_one_shot() -> None:
    some = confirmed(photos_of(ANN, 5), photos_of(BOB, 2), images=photos(1, 1, 2, 3, 4, 1, 1))
    some = replace(some, contents=photos(1, 2, 2, 3, 4, 1, 1))
    one, two, copy, *others, bob, again = shots(some)
    assert one == two == copy
    assert bob == again
    assert len({one, *others, bob}) == 4


def test_faces_taken_within_seconds_are_one_shot_where_they_look_the_same() -> None:
    same = ANN + np.random.default_rng(0).normal(0, 0.1 / 16, (3, 128))
    times = photos(100, 100 + BURST_SECONDS, 101 + 2 * BURST_SECONDS)
    assert shots(confirmed(same, times=times)) == [0, 0, 1]
    assert shots(confirmed(same)) == [0, 1, 2]
    assert shots(confirmed(np.stack([ANN, BOB, CEM]), times=photos(7, 7, 7))) == [0, 1, 2]
    assert shots(confirmed(same[:1], same[1:2], times=photos(7, 7))) == [0, 1]


def test_faces_of_one_shot_do_not_vouch_for_each_other() -> None:
    ann = photos_of(ANN, 2)
    some = confirmed(ann[[0, 0, 0, 1]], photos_of(BOB, 2), images=photos(1, 1, 1, 2, 3, 4))
    found = leave_out(some, people := people_of(some), LEARNED)
    (one,) = identify(ann[:1], without(people, 1, ann[1:]), LEARNED)
    assert one is not None
    assert found.found[0] == pytest.approx(one.probability, abs=1e-4)
    alone = confirmed(ann[[0, 0]], photos_of(BOB, 2), images=photos(1, 1, 3, 4))
    assert leave_out(alone, people_of(alone), LEARNED).known.tolist() == [False, False, True, True]
