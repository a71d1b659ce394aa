from __future__ import annotations

import numpy as np
import pytest

from faces.people.cohort import Cohort
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import as_matrix
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of

#: Here made people are as far from the cohort as real ones.
USUAL_HERE = -0.044

#: Groups between the cohort and the faces, so that they crowd the faces.
OWN = np.concatenate([photos_of(face, 3, 40 + seed) for seed, face in enumerate(made_people(20))])


def by_the_book(
    encoding: np.ndarray, cohort: Cohort, own: np.ndarray | None = None, alarm: float = 0.0
) -> tuple[float, float]:
    """The definition, in float64 and one face at a time: by the shipped averages alone, and with own groups."""
    apart = np.linalg.norm(cohort.averages.astype(float) - encoding, axis=1)
    alone = float(np.sort(apart)[:7].mean()) + cohort.calibration.level
    highest = min(alone, 0.58)
    if own is None:
        return alone, highest
    apart = np.concatenate([apart, np.linalg.norm(own.astype(np.float32).astype(float) - encoding, axis=1) - 0.03])
    both = float(np.sort(apart)[2:9].mean()) + cohort.calibration.level
    lowest = highest - 0.04
    if alarm:
        lowest = min(max(lowest - 0.25 * alarm, 0.44), lowest)
    return alone, min(max(both, lowest), highest)


def test_by_the_shipped_averages_alone_it_is_the_mean_distance_to_the_seven_nearest() -> None:
    cohort, faces = made_cohort(), made_people(30).astype(np.float32)
    wanted = [by_the_book(face.astype(float), cohort)[0] for face in faces]
    assert Neighbourhood(cohort).shipped_alone(faces) == pytest.approx(wanted, abs=1e-7)
    assert (Neighbourhood(cohort, OWN).shipped_alone(faces) == Neighbourhood(cohort).shipped_alone(faces)).all()


def test_the_level_is_added() -> None:
    faces = made_people(5)
    apart = Neighbourhood(made_cohort(level=0.03)).shipped_alone(faces) - Neighbourhood(made_cohort()).shipped_alone(
        faces
    )
    assert apart == pytest.approx([0.03] * 5, abs=1e-6)


def test_farther_off_than_58_hundredths_the_shipped_averages_say_nothing() -> None:
    faces = made_people(30)
    assert Neighbourhood(made_cohort()).shipped_alone(faces).max() > 0.58
    assert Neighbourhood(made_cohort()).around(faces).max() == np.float32(0.58)


@pytest.mark.parametrize("alarm", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("spread", [0.6, 1.0])
def test_own_groups_tighten_it_within_bounds(alarm: float, spread: float) -> None:
    cohort = made_cohort(level=USUAL_HERE)
    faces = (0.05 + spread * (made_people(30) - 0.05)).astype(np.float32)
    own = 0.05 + spread * (OWN - 0.05)
    wanted = [by_the_book(face.astype(float), cohort, own, alarm)[1] for face in faces]
    assert Neighbourhood(cohort, own, alarm).around(faces) == pytest.approx(wanted, abs=1e-7)


def test_own_groups_never_tighten_it_by_more_than_4_hundredths_and_never_widen_it() -> None:
    cohort, faces = made_cohort(level=USUAL_HERE), made_people(30)
    plain = Neighbourhood(cohort).around(faces)
    crowded = Neighbourhood(cohort, np.repeat(faces, 10, axis=0)).around(faces)
    assert crowded == pytest.approx(plain - 0.04, abs=1e-6)
    far = np.full((9, 128), 0.8)
    assert (Neighbourhood(cohort, far).around(faces) == plain).all()


def test_with_the_alarm_full_own_groups_tighten_it_down_to_44_hundredths() -> None:
    cohort, faces = made_cohort(level=USUAL_HERE), made_people(30)
    crowded = Neighbourhood(cohort, np.repeat(faces, 10, axis=0), alarm=1.0).around(faces)
    assert crowded == pytest.approx(np.minimum(0.44, Neighbourhood(cohort).around(faces) - 0.04), abs=1e-6)


def test_a_value_that_is_known_already_is_not_measured_again() -> None:
    neighbourhood, faces = Neighbourhood(made_cohort(level=USUAL_HERE), OWN), made_people(30)
    assert (neighbourhood.around(faces, neighbourhood.shipped_alone(faces)) == neighbourhood.around(faces)).all()


def test_a_persons_own_group_does_not_crowd_the_person() -> None:
    face = made_people(1)
    others = made_people(40, seed=5)
    without = Neighbourhood(made_cohort(level=USUAL_HERE), others).around(face)
    crowded = Neighbourhood(made_cohort(level=USUAL_HERE), np.concatenate([face, others])).around(face)
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
