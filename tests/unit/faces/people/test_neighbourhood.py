from __future__ import annotations

import numpy as np
import pytest

from faces.people.cohort import Cohort
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import as_matrix
from tests.unit.faces.people.made_people import CALIBRATION, made_cohort, made_people


def by_the_book(encoding: np.ndarray, averages: np.ndarray, own: np.ndarray | None = None) -> float:
    """The definition, in float64 and one face at a time."""
    apart = np.linalg.norm(averages.astype(float) - encoding, axis=1)
    if own is not None:
        apart = np.concatenate([apart, np.linalg.norm(own.astype(np.float32).astype(float) - encoding, axis=1) - 0.03])
    return float(np.sort(apart)[2 if own is not None else 0 :][:7].mean())


def test_it_is_the_mean_distance_to_the_seven_nearest() -> None:
    cohort, faces = made_cohort(), made_people(30).astype(np.float32)
    wanted = [by_the_book(face.astype(float), cohort.averages) for face in faces]
    assert Neighbourhood(cohort).around(faces) == pytest.approx(wanted, abs=1e-7)


def test_the_level_is_added() -> None:
    plain = made_cohort()
    raised = Cohort(plain.averages, type(CALIBRATION)(0.03, CALIBRATION.weights, -4.56, CALIBRATION.stranger))
    faces = made_people(5)
    apart = Neighbourhood(raised).around(faces) - Neighbourhood(plain).around(faces)
    assert apart == pytest.approx([0.03] * 5, abs=1e-6)


def test_own_groups_are_taken_nearer_and_the_two_nearest_of_all_are_skipped() -> None:
    cohort, own, faces = made_cohort(), made_people(40, seed=5), made_people(30).astype(np.float32)
    wanted = [by_the_book(face.astype(float), cohort.averages, own) for face in faces]
    assert Neighbourhood(cohort, own).around(faces) == pytest.approx(wanted, abs=1e-7)


def test_a_persons_own_group_does_not_crowd_the_person() -> None:
    face = made_people(1)
    others = made_people(40, seed=5)
    without = Neighbourhood(made_cohort(), others).around(face)
    crowded = Neighbourhood(made_cohort(), np.concatenate([face, others])).around(face)
    assert abs(crowded[0] - without[0]) < 0.01


def test_of_the_own_groups_the_first_2000_count() -> None:
    many = made_people(2100, seed=5)
    faces = many[2050:2060]
    assert (
        Neighbourhood(made_cohort(), many).around(faces) == Neighbourhood(made_cohort(), many[:2000]).around(faces)
    ).all()


def test_a_value_does_not_depend_on_the_rows_beside_it() -> None:
    neighbourhood = Neighbourhood(made_cohort(200), made_people(300, seed=5))
    faces = made_people(1500)
    together = neighbourhood.around(faces)
    apart = np.concatenate([neighbourhood.around(faces[start : start + 7]) for start in range(0, 1500, 7)])
    assert (together == apart).all()
    assert (together[::-1] == neighbourhood.around(faces[::-1])).all()


def test_no_faces_have_no_neighbourhoods() -> None:
    assert Neighbourhood(made_cohort()).around(np.empty((0, 128))).shape == (0,)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros(128), np.zeros((2, 127)), np.full((1, 128), np.nan), np.full((1, 128), np.inf), np.full((1, 128), 1e200)],
)
def test_what_is_no_encoding_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="found "):
        as_matrix(wrong)
