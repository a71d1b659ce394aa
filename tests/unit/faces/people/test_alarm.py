from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faces.people.groups.alarm import USUAL, Alarm
from faces.people.neighbourhood import Neighbourhood
from tests.unit.faces.people.made_people import made_cohort, made_people

#: Neighbourhoods of faces, as they are.
VALUES = st.lists(st.floats(0.25, 1.0, width=32), max_size=30)


def alarm_of(values: list[float]) -> Alarm:
    return Alarm.of(np.array(values, np.float32))


@given(VALUES, VALUES, st.randoms(use_true_random=False))
def test_neither_order_nor_what_came_and_left_changes_it(values: list[float], more: list[float], dice: object) -> None:
    together = alarm_of(values + more)
    dice.shuffle(more)  # type: ignore[attr-defined]
    assert alarm_of(more) + alarm_of(values) == together
    assert together - alarm_of(more) == alarm_of(values)


@pytest.mark.parametrize(
    ("excess", "strength"), [(-0.05, 0.0), (0.0, 0.0), (0.015, 0.0), (0.025, 0.5), (0.035, 1.0), (0.2, 1.0)]
)
def test_it_is_silent_up_to_a_limit_and_full_from_another(excess: float, strength: float) -> None:
    assert alarm_of([USUAL + excess] * 50).strength == pytest.approx(strength, abs=1e-5)


def test_without_faces_it_is_silent() -> None:
    assert Alarm().strength == 0.0


def test_people_whom_the_cohort_lacks_raise_it_from_the_first_faces_on() -> None:
    neighbourhood = Neighbourhood(made_cohort(level=-0.044))
    usual, unlike = made_people(25), made_people(25) + 0.03
    assert Alarm.of(neighbourhood.shipped_alone(usual)).strength == 0.0
    assert Alarm.of(neighbourhood.shipped_alone(unlike)).strength == 1.0
