"""What is like a find that a person has said is no face, and when that keeps a machine from linking it."""

from __future__ import annotations

import numpy as np
import pytest

from faces.people.groups.not_faces import LIMIT, LikeNotFace, NotFaces, holds_back, is_asked
from faces.people.kept_face import FaceState, Said, SaidOfFace
from tests.unit.faces.people.made_people import made_people

PATTERN, OTHER = made_people(2, seed=8)


def at(point: np.ndarray, distance: float, seed: int = 0) -> np.ndarray:
    """A point so far from another, as float32 has it."""
    way = np.random.default_rng(seed).normal(size=128)
    found: np.ndarray = (point + way / np.linalg.norm(way) * distance).astype(np.float32).astype(np.float64)
    return found


def test_the_nearest_below_the_limit_is_found_and_nothing_at_it() -> None:
    known = NotFaces({7: at(PATTERN, 0.1), 3: at(PATTERN, 0.2, seed=1), 5: OTHER})
    (near, far) = known.nearest([PATTERN, at(OTHER, LIMIT + 1e-6)])
    assert near is not None
    assert near.face_id == 7
    assert near.distance == pytest.approx(0.1, abs=1e-6)
    assert far is None


def test_of_equally_near_ones_it_is_the_one_with_the_smallest_id() -> None:
    assert NotFaces({9: PATTERN, 4: PATTERN}).nearest([PATTERN]) == [LikeNotFace(4, 0.0)]


def test_the_faces_beside_one_change_nothing_of_its_answer() -> None:
    dice = np.random.default_rng(3)
    known = NotFaces({number: at(PATTERN, 0.3, seed=number) for number in range(40)})
    faces = [at(PATTERN, float(far), seed=100 + number) for number, far in enumerate(dice.uniform(0, 0.6, 1500))]
    together = known.nearest(faces)
    assert together == [known.nearest([face])[0] for face in faces]
    assert {one is None for one in together} == {True, False}


def test_without_any_nothing_is_like_one() -> None:
    assert NotFaces().nearest([PATTERN, OTHER]) == [None, None]
    assert NotFaces({1: PATTERN}).nearest_of_each({}) == {}


def test_faces_are_told_by_their_ids() -> None:
    assert NotFaces({1: PATTERN}).nearest_of_each({20: OTHER, 21: PATTERN}) == {21: 1}


@pytest.mark.parametrize(
    ("state", "asked"),
    [
        (FaceState.UNKNOWN, True),
        (FaceState.SUGGESTED, True),
        (FaceState.LINKED, True),
        (FaceState.CONFIRMED, False),
        (FaceState.STRANGER, False),
        (FaceState.NOT_FACE, False),
    ],
)
def test_what_a_person_has_said_is_never_asked(state: FaceState, asked: bool) -> None:
    assert is_asked(state, None) is asked
    assert not is_asked(state, SaidOfFace(Said.NO, 1))


def test_a_nearer_person_wins() -> None:
    assert holds_back(LikeNotFace(1, 0.2), 0.3)
    assert holds_back(LikeNotFace(1, 0.2), 0.2)
    assert not holds_back(LikeNotFace(1, 0.2), 0.19)
    assert not holds_back(None, 0.5)


def test_one_that_is_a_face_again_counts_no_more() -> None:
    known = NotFaces({4: PATTERN, 9: at(PATTERN, 0.1)}, change=5)
    (near,) = known.without({4}).nearest([PATTERN])
    assert near is not None
    assert near.face_id == 9
    assert known.without({4}).change == 5
    assert known.without({1}) is known
