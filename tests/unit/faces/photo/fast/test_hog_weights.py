"""What a saved detector becomes: filters that add up to its weights, strongest first; or a reason why not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from faces.photo.fast import hog_weights
from faces.photo.fast.hog_weights import PLANES, WINDOW, HogWeights

Weights = npt.NDArray[np.float64]

DIMENSIONS = PLANES * WINDOW * WINDOW

#: What dlib's frontal detector has before its weights, by name.
HEAD = {
    "detector version": 2,
    "scanner version": 1,
    "room for feature images": 0,
    "feature images": 0,
    "cell size": 8,
    "padding": 0,
    "window width": 80,
    "window height": 80,
    "most levels": 1000,
    "least level width": 64,
    "least level height": 64,
}


def integer(value: int) -> bytes:
    size = max((abs(value).bit_length() + 7) // 8, 1)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def number(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integer(int(mantissa * 2**53)) + integer(exponent - 53)


def column(values: npt.ArrayLike) -> bytes:
    """A `dlib::matrix` of one column."""
    numbers = np.ravel(values)
    return integer(-len(numbers)) + integer(-1) + b"".join(map(number, numbers.tolist()))


def head(**changed: int) -> bytes:
    values = HEAD | {name.replace("_", " "): value for name, value in changed.items()}
    return b"".join(map(integer, values.values())) + number(9.0)


def saved(*detectors: bytes, start: bytes | None = None, dimensions: int = DIMENSIONS) -> bytes:
    """A file of sub-detectors, given as matrices."""
    limits = number(0.25) + number(0.75)
    return (start or head()) + integer(dimensions) + limits + integer(len(detectors)) + b"".join(detectors)


def planes(rank: int, seed: int = 0) -> Weights:
    """Filters of some parts each, whose strengths are 4, 2, 1 …"""
    random = np.random.default_rng(seed)
    left, right = (np.linalg.qr(random.normal(size=(PLANES, WINDOW, WINDOW)))[0] for _ in range(2))
    strengths = 4.0 * 0.5 ** np.arange(rank)
    return np.asarray((left[:, :, :rank] * strengths) @ right[:, :rank])


def detector(weights: Weights, threshold: float = 3.5) -> bytes:
    return column([*weights.ravel().tolist(), threshold])


def summed(weights: HogWeights, index: int) -> Weights:
    """What the filters of a sub-detector add up to, plane by plane."""
    total = np.zeros((PLANES, WINDOW, WINDOW))
    for i in np.flatnonzero(weights.detectors == index):
        total[weights.planes[i]] += np.outer(weights.columns[i], weights.rows[i])
    return total


def test_the_filters_add_up_to_the_weights() -> None:
    first, second = planes(rank=2, seed=1), planes(rank=3, seed=2)
    weights = hog_weights.read(saved(detector(first, 3.5), detector(second, -1.25)))
    assert weights.thresholds.tolist() == [3.5, -1.25]
    assert weights.rows.shape == (155, WINDOW)
    assert weights.columns.shape == (155, WINDOW)
    np.testing.assert_allclose(summed(weights, 0), first, atol=1e-6)
    np.testing.assert_allclose(summed(weights, 1), second, atol=1e-6)


def test_a_row_runs_across_and_a_column_down() -> None:
    one = np.zeros((PLANES, WINDOW, WINDOW))
    one[4, 2, 7] = 9.0
    weights = hog_weights.read(saved(detector(one)))
    assert weights.detectors.tolist() == [0]
    assert weights.planes.tolist() == [4]
    assert np.abs(weights.columns[0]).tolist() == [0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
    assert np.abs(weights.rows[0]).tolist() == [0, 0, 0, 0, 0, 0, 0, 3, 0, 0]


def test_the_limits_are_those_of_the_file() -> None:
    start = head(most_levels=7, least_level_width=40, least_level_height=50)
    weights = hog_weights.read(saved(detector(planes(1)), start=start))
    assert weights.most_overlap == 0.25
    assert weights.most_covered == 0.75
    assert weights.most_levels == 7
    assert weights.least_level_width == 40
    assert weights.least_level_height == 50


def test_filters_come_by_sub_detector_and_plane_the_strongest_first() -> None:
    weights = hog_weights.read(saved(detector(planes(2, seed=1)), detector(planes(3, seed=2))))
    assert weights.detectors.tolist() == [0] * 62 + [1] * 93
    assert weights.planes.tolist() == np.repeat(range(PLANES), 2).tolist() + np.repeat(range(PLANES), 3).tolist()
    strengths = np.linalg.norm(weights.rows, axis=1) * np.linalg.norm(weights.columns, axis=1)
    np.testing.assert_allclose(strengths[:62].reshape(-1, 2), [[4, 2]] * PLANES, rtol=1e-6)
    np.testing.assert_allclose(strengths[62:].reshape(-1, 3), [[4, 2, 1]] * PLANES, rtol=1e-6)


@pytest.mark.parametrize(
    ("strengths", "kept"),
    [([2.0, 0.0021], 2), ([2.0, 0.0019], 1), ([0.05, 0.00011], 2), ([0.05, 0.00009], 1), ([0.00009], 0)],
)
def test_parts_below_a_thousandth_of_the_strongest_or_a_ten_thousandth_are_left_out(
    strengths: list[float], kept: int
) -> None:
    weights = np.zeros((PLANES, WINDOW, WINDOW))
    weights[0] = np.eye(WINDOW) * 0.5
    weights[3] = np.diag(strengths + [0.0] * (WINDOW - len(strengths)))
    read = hog_weights.read(saved(detector(weights)))
    assert read.planes.tolist() == [0] * WINDOW + [3] * kept


@pytest.mark.parametrize("name", [name for name in HEAD if "level" not in name])
def test_another_geometry_is_refused_by_name(name: str) -> None:
    wrong = HEAD[name] + 1
    with pytest.raises(ValueError, match=f"found a detector with {name} {wrong}, need {HEAD[name]}"):
        hog_weights.read(saved(detector(planes(1)), start=head(**{name: wrong})))


@pytest.mark.parametrize("name", [name for name in HEAD if "level" in name])
def test_a_limit_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"found a detector with {name} 0, need at least 1"):
        hog_weights.read(saved(detector(planes(1)), start=head(**{name: 0})))


GOOD = saved(detector(planes(1)))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "found 0 bytes to the end"),
        (b"\x89PNG\r\n\x1a\n", "found 0x89, need an integer's length"),
        (GOOD[:-1], "bytes"),
        (GOOD + b"\x01", "found 1 bytes more, need the end"),
        (saved(detector(planes(1)), dimensions=3101), "found a detector with dimensions 3101, need 3100"),
        (saved(), "found 0 sub-detectors, need 1 to 100"),
        (saved(column(range(3100))), r"found weights of shape \(3100, 1\), need \(3101, 1\)"),
        (saved(detector(planes(4))), "found sub-detector 0 with 124 separable filters, need 1 to 103"),
        (saved(detector(np.zeros(DIMENSIONS))), "found sub-detector 0 with 0 separable filters, need 1 to 103"),
        (saved(column([1e308] * 3101)), r"found weights up to 1e\+308, need at most 1e\+06"),
    ],
)
def test_something_else_is_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        hog_weights.read(content)


def test_damaged_files_are_refused_or_read_but_never_worse() -> None:
    random = np.random.default_rng(4)
    for at in random.integers(0, len(GOOD), 40).tolist():
        damaged = bytearray(GOOD)
        damaged[at] ^= int(random.integers(1, 256))
        assert outcome(lambda damaged=damaged: hog_weights.read(bytes(damaged))) in (HogWeights, ValueError)


def outcome(read: Callable[[], HogWeights]) -> type:
    try:
        return type(read())
    except ValueError:
        return ValueError
