from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faces.people.calibration import Learned
from faces.people.cohort import Cohort, arrays_of, read_cohort
from faces.people.groups.alarm import USUAL
from faces.people.identify import decide, identify
from faces.people.neighbourhood import Neighbourhood
from script.cohorts.averages import averages_of, look_alikes
from script.cohorts.fitting import make_cohort
from script.cohorts.growth import GrownLibrary
from script.cohorts.libraries import Tried, draw_library
from script.cohorts.people_file import Faces, read_people
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of

ROOT = Path(__file__).resolve().parents[3]


def made_faces(people: int, photos: int, seed: int = 0) -> Faces:
    """Everybody with so many photos."""
    encodings = [photos_of(one, photos, 100 + place) for place, one in enumerate(made_people(people, seed))]
    return Faces(np.concatenate(encodings).astype(np.float32), np.repeat(np.arange(people), photos))


# --- averages ---


@given(st.integers(5, 100), st.integers(0, 5))
@settings(max_examples=25)
def test_everybody_is_in_exactly_one_average_of_5_to_9(count: int, seed: int) -> None:
    parts = look_alikes(made_people(count, seed))
    assert sorted(itertools.chain(*parts)) == list(range(count))
    assert {len(part) for part in parts} <= {5, 6, 7, 8, 9}


def test_equal_people_are_divided_too() -> None:
    parts = look_alikes(np.zeros((100, 128)))
    assert {len(part) for part in parts} <= {5, 6, 7, 8, 9}


def test_look_alikes_are_together() -> None:
    families = np.concatenate([photos_of(one, 7, seed) for seed, one in enumerate(made_people(8))])
    largest = [np.bincount(part // 7).max() / len(part) for part in look_alikes(families)]
    assert np.mean(largest) > 0.8


def test_averages_survive_being_kept_as_float16() -> None:
    averages = averages_of(made_people(50))
    assert averages.dtype == np.float32
    assert (averages == averages.astype(np.float16)).all()


# --- groups ---


def test_photos_of_one_person_grow_together_and_strangers_apart() -> None:
    faces = made_faces(30, 4)
    order = np.random.default_rng(1).permutation(len(faces.person))
    found = GrownLibrary(made_cohort(level=-0.044), faces.encodings[order]).group_of
    pairs = set(zip(found.tolist(), faces.person[order].tolist(), strict=True))
    assert len(pairs) == 30
    assert len(np.unique(found)) == 30


def test_two_faces_of_one_photo_are_never_one_group() -> None:
    faces = made_faces(30, 4)
    photos = np.arange(len(faces.person)) // 2
    found = GrownLibrary(made_cohort(level=-0.044), faces.encodings, photos).group_of
    assert len(set(zip(found.tolist(), photos.tolist(), strict=True))) == len(photos)


# --- libraries ---


def test_what_is_asked_about_is_never_a_confirmed_face() -> None:
    library = draw_library(made_faces(40, 6), 15, 2, 2, np.random.default_rng(1))
    confirmed, asked = np.concatenate(list(library.enrolled.values())), np.concatenate(library.asked)
    assert len(library.enrolled) == 15
    assert not set(confirmed.tolist()) & set(asked.tolist())
    assert len(np.unique(asked)) == len(asked)
    assert all(
        (library.faces.person[rows] == person).all() for rows, person in zip(library.asked, library.truth, strict=True)
    )


# --- a whole cohort ---


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return make_cohort(made_faces(150, 3), seed=1)


def test_the_same_faces_and_seed_make_the_same_cohort(cohort: Cohort) -> None:
    assert make_cohort(made_faces(150, 3), seed=1).version == cohort.version


def test_another_seed_draws_other_faces() -> None:
    faces = made_faces(150, 3)
    one, other = (averages_of(faces.one_of_each(np.random.default_rng(seed))) for seed in (1, 2))
    assert one.shape != other.shape or (one != other).any()


def test_a_made_cohort_can_be_read(cohort: Cohort, tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", **arrays_of(cohort))
    assert read_cohort(tmp_path / "own.npz").version == cohort.version


def test_its_level_brings_strangers_to_the_scale(cohort: Cohort) -> None:
    strangers = made_faces(200, 1, seed=77).encodings
    assert Neighbourhood(cohort).shipped_alone(strangers).mean() == pytest.approx(USUAL, abs=0.01)


def test_it_tells_people_apart_that_it_has_not_seen(cohort: Cohort) -> None:
    faces = made_faces(100, 2, seed=77)
    library = draw_library(faces, 50, 1, 1, np.random.default_rng(1))
    tried = Tried.of(library, Neighbourhood(cohort))
    found = identify(library.middles(), tried.people, Learned(tried.shift(cohort.calibration)))
    linked = np.array([one.person_id if one and decide(one) == "link" else -1 for one in found])
    assert (linked[library.known] == library.truth[library.known]).mean() > 0.9
    assert (linked[~library.known] >= 0).mean() < 0.02


# --- files of people ---


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"E": np.zeros((3, 128))}, "person"),
        ({"person": np.zeros(3, int)}, "E"),
        ({"E": np.zeros((3, 64)), "person": np.zeros(3, int)}, r"found encodings of shape \(3, 64\)"),
        ({"E": np.zeros((3, 128)), "person": np.zeros(2, int)}, r"found person of shape \(2,\)"),
        ({"E": np.zeros((3, 128)), "person": np.zeros(3)}, "found person of shape .* float64; needed 3 integers"),
        ({"E": np.full((3, 128), np.nan), "person": np.zeros(3, int)}, "not finite"),
    ],
)
def test_a_file_that_holds_no_people_is_refused(arrays: dict[str, np.ndarray], sentence: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "people.npz", **arrays)
    with pytest.raises(SystemExit, match=sentence):
        read_people(tmp_path / "people.npz")


def test_a_cohort_of_few_people_is_refused(tmp_path: Path) -> None:
    faces = made_faces(30, 2)
    for name in ("one.npz", "two.npz"):
        np.savez(tmp_path / name, E=faces.encodings, person=faces.person)
    ended = subprocess.run(
        [ROOT / "script/cohort", "one.npz", "two.npz", "out.npz"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "found 60 people, 60 with two faces and more; needed 2000 people, 500 with two" in ended.stderr
    assert not (tmp_path / "out.npz").exists()
