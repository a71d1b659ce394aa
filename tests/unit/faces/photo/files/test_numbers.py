"""Numbers become 8 bits: what is black, and what is white."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from faces.photo.files import numbers
from faces.photo.files.numbers import Numbers


def ramp(low: float, high: float, kind: npt.DTypeLike) -> Numbers:
    return np.linspace(low, high, 40 * 40).reshape(40, 40).astype(kind)


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        *((0, 1, kind) for kind in (np.float32, np.float64)),
        *((0, 255, kind) for kind in (np.float32, np.int16, np.int32, np.uint32, np.uint64)),
        *((0, 65535, kind) for kind in (np.uint16, np.float32, np.int32, np.uint32, np.int64)),
        (0, 32767, np.int16),
        (0, 2**31 - 1, np.int32),
        (0, 2**32 - 1, np.uint32),
        (0, 1_000_000, np.float32),
        (-1, 1, np.float32),
        (-32768, 32767, np.int16),
        (-(2**31), 2**31 - 1, np.int32),
    ],
)
def test_a_ramp_over_a_usual_range_is_a_ramp_of_8_bits(low: float, high: float, kind: npt.DTypeLike) -> None:
    found = numbers.eight_bits(ramp(low, high, kind)).ravel().astype(int)
    assert found[0] == 0
    assert found[-1] >= 254
    assert np.abs(found - np.linspace(0, 255, 1600)).max() <= 4


def test_unsigned_16_bits_keep_their_upper_8_whatever_the_picture() -> None:
    dark = np.full((4, 4), 0x0180, dtype=np.uint16)
    assert numbers.eight_bits(dark).tolist() == [[1] * 4] * 4


def test_what_scaling_leaves_below_zero_does_not_turn_black_gray() -> None:
    shades = ramp(0, 1, np.float32)
    shades[0] = -0.02
    found = numbers.eight_bits(shades)
    assert found[0].max() == 0
    assert abs(int(found[20, 0]) - 128) <= 4


def test_a_few_highlights_and_gaps_do_not_darken_a_picture() -> None:
    shades = np.full((40, 40), 0.5, dtype=np.float32)
    shades[0, :4] = 7.5, np.nan, np.inf, -np.inf
    found = numbers.eight_bits(shades)
    assert int(found[20, 20]) == 128
    assert found[0, :4].tolist() == [255, 0, 255, 0]


def test_colours_share_one_white() -> None:
    colours = np.zeros((8, 8, 3), dtype=np.float32)
    colours[:, :, 0], colours[:, :, 1] = 200, 1
    assert numbers.eight_bits(colours)[4, 4].tolist() == [200, 1, 0]


def test_a_black_picture_is_black() -> None:
    for kind in (np.float32, np.int32, np.uint16):
        assert numbers.eight_bits(np.zeros((4, 4), dtype=kind)).max() == 0


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64])
def test_alpha_is_a_part_of_all_that_its_type_holds(kind: type[np.number]) -> None:
    full = 1 if np.issubdtype(kind, np.floating) else np.iinfo(kind).max
    found = numbers.alpha(np.array([[0, full // 2 if full > 1 else 0.5, full]]).astype(kind))
    assert found.tolist() in ([[0, 127, 255]], [[0, 128, 255]])


@pytest.mark.parametrize("full", [255, 65535])
@pytest.mark.parametrize("kind", [np.uint32, np.int32, np.int64, np.float32])
def test_alpha_in_the_numbers_of_8_or_16_bits_is_a_part_of_those(kind: type[np.number], full: int) -> None:
    assert numbers.alpha(np.array([[0, full // 5, full]]).astype(kind)).tolist() == [[0, 51, 255]]
    assert numbers.alpha(np.full((2, 2), full).astype(kind)).min() == 255


def test_what_is_transparent_all_over_stays_so() -> None:
    for kind in (np.uint16, np.int32, np.float32):
        assert numbers.alpha(np.zeros((2, 2), dtype=kind)).max() == 0
