from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faces.errors import SettingsError
from faces.people import cohort as cohort_module
from faces.people.cohort import Cohort, arrays_of, read_cohort
from tests.unit.faces.people.made_people import made_cohort


def written(cohort: Cohort, file: Path, **changed: object) -> Path:
    arrays = {**arrays_of(cohort), **changed}
    np.savez(file, **{name: value for name, value in arrays.items() if value is not None})
    return file


def test_the_shipped_cohort_is_421_averages_with_their_calibration() -> None:
    shipped = read_cohort()
    assert shipped.averages.shape == (421, 128)
    assert shipped.averages.dtype == np.float32
    assert shipped.calibration.level == 0.0334
    assert shipped.calibration.weights == (-37.17, -0.43, 2.69, -19.66, 2.83, -23.86)
    assert shipped.calibration.intercept == -4.56
    assert shipped.calibration.stranger == (-0.018, 0.0108, 0.1198)


def test_no_face_of_a_person_is_shipped() -> None:
    folder = Path(cohort_module.__file__).with_name("data")
    assert sorted(file.name for file in folder.iterdir()) == ["calibration.npz", "cohort.npz"]
    assert (folder / "cohort.npz").stat().st_size < 110_000
    assert (folder / "calibration.npz").stat().st_size < 10_000


def test_one_file_of_ones_own_holds_averages_and_calibration(tmp_path: Path) -> None:
    made = made_cohort()
    read = read_cohort(written(made, tmp_path / "own.npz"))
    assert (read.averages == made.averages.astype(np.float16)).all()
    assert read.calibration == made.calibration


def test_a_version_is_the_same_for_the_same_numbers_and_another_for_others(tmp_path: Path) -> None:
    one, other = read_cohort(), read_cohort(written(made_cohort(), tmp_path / "own.npz"))
    assert one.version == read_cohort().version
    assert len(one.version) == 12
    assert one.version != other.version


def test_averages_are_never_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        read_cohort().averages[0, 0] = 1


Change = Callable[[dict[str, np.ndarray]], dict[str, object]]

WRONG: dict[str, tuple[Change, str]] = {
    "no averages": (lambda _: {"vectors": None}, "found no vectors, needed a file with the averages and one with"),
    "no calibration": (lambda _: {"coef": None}, "found no coef, needed"),
    "no level": (lambda _: {"level": None}, "found no level"),
    "another shape": (lambda old: {"vectors": old["vectors"][:, :64]}, r"found vectors of shape \(100, 64\), needed"),
    "too few": (lambda old: {"vectors": old["vectors"][:3]}, r"found vectors of shape \(3, 128\)"),
    "words": (lambda old: {"vectors": old["vectors"].astype("U")}, "found vectors of type <U"),
    "not finite": (lambda old: {"vectors": old["vectors"] * np.float16("nan")}, "found vectors that are no averages"),
    "beyond float32": (
        lambda old: {"vectors": old["vectors"].astype(float) * 1e300},
        "found vectors that are no averages",
    ),
    "absurd": (lambda old: {"vectors": old["vectors"] * np.float16(1000)}, "found vectors that are no averages"),
    "other averages": (lambda old: {"vectors": old["vectors"][::-1]}, "found a calibration of other vectors"),
    "five weights": (lambda old: {"coef": old["coef"][:5]}, "found coef .*, needed 6 finite numbers"),
    "an infinite level": (lambda _: {"level": np.array(np.inf)}, r"found level \[inf\], needed 1 finite"),
    "far is likely": (
        lambda old: {"coef": -old["coef"]},
        "found coef 37.17 for the score, needed one below 0: nearer is likelier",
    ),
    "another rule": (lambda _: {"nearest": np.array(10)}, "found nearest 10, needed 7: its calibration is of another"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_and_named(name: str, tmp_path: Path) -> None:
    change, sentence = WRONG[name]
    made = made_cohort()
    file = written(made, tmp_path / "own.npz", **change(arrays_of(made)))
    with pytest.raises(SettingsError, match=f"{file}: {sentence}"):
        read_cohort(file)


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04 broken", b"\x93NUMPY\x01\x00v\x00"])
def test_a_file_that_is_no_archive_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "own.npz"
    file.write_bytes(data)
    with pytest.raises(SettingsError, match=r"own\.npz: .*; script/cohort makes such a file"):
        read_cohort(file)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    file = written(made_cohort(), tmp_path / "own.npz")
    data = bytearray(file.read_bytes())
    data[2000:2100] = bytes(100)
    file.write_bytes(data)
    with pytest.raises(SettingsError, match=r"own\.npz: "):
        read_cohort(file)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_with_any_damage_is_refused_or_whole(tmp_path: Path, data: st.DataObject) -> None:
    arrays = arrays_of(made_cohort(20))
    file = tmp_path / "own.npz"
    np.savez_compressed(file, **arrays)
    whole = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        # The directory at the end has what zipfile trips over; most of the rest is packed numbers.
        place = data.draw(st.integers(1, len(whole))) if data.draw(st.booleans()) else data.draw(st.integers(1, 1500))
        whole[-min(place, len(whole))] = data.draw(st.integers(0, 255))
    file.write_bytes(whole[: data.draw(st.sampled_from([len(whole), len(whole) // 2]))])
    try:
        assert read_cohort(file).averages.shape == (20, 128)
    except SettingsError as error:
        assert str(error).startswith(f"{file}: ")


def test_one_array_alone_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "own.npy", np.zeros((100, 128)))
    with pytest.raises(SettingsError, match="found one array, needed an archive"):
        read_cohort(tmp_path / "own.npy")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_cohort(tmp_path / "gone.npz")


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    file = written(made_cohort(), tmp_path / "own.npz", level=np.array([object()], object))
    with pytest.raises(SettingsError, match="pickle"):
        read_cohort(file)
