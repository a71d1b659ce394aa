"""The bench of `evaluate` on made people: what it says is held against what is so."""

from __future__ import annotations

import numpy as np
import pytest

from script.benches.own_library import SUSPECTED, SUSPICIONS_RIGHT, THRESHOLD, Truth, judge
from script.benches.people import Split
from script.cohorts.people_file import Faces
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of


def made_split(people: int, photos: int) -> Split:
    points = made_people(people, seed=12)
    encodings = np.concatenate([photos_of(point, photos, seed) for seed, point in enumerate(points)])
    faces = Faces(encodings.astype(np.float32), np.repeat(np.arange(people), photos))
    return Split(faces, faces, made_cohort(), np.random.default_rng(2))


@pytest.fixture(scope="module")
def truth() -> Truth:
    found = Truth()
    judge(made_split(90, 6), 40, 3, found)
    return found


def test_wrong_names_of_made_people_are_the_first_suspicions(truth: Truth) -> None:
    assert truth.mean_of(SUSPECTED) >= SUSPICIONS_RIGHT
    assert truth.mean_of("wrong names that are suspected at all") >= SUSPICIONS_RIGHT
    assert truth.mean_of("two people joined that are told") >= 80


def test_what_is_said_of_made_people_is_so(truth: Truth) -> None:
    said, true = (truth.mean_of(f"40 people, up to 3 photos: known found, {which}") for which in ("said", "true"))
    assert said == pytest.approx(true, abs=10)
    assert truth.mean_of(THRESHOLD) < 5


def test_the_bars_are_those_of_the_page() -> None:
    for suspected, linked, is_as_promised in (
        (70.0, 0.5, True),
        (69.9, 0.5, False),
        (90.0, 1.1, False),
        (90, 0.3, False),
    ):
        found = Truth()
        found.shares[SUSPECTED].append(suspected)
        found.shares[THRESHOLD].append(linked)
        assert found.is_as_promised is is_as_promised
