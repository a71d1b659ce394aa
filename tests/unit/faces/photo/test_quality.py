"""The quality of a found face: the formula, part by part."""

from __future__ import annotations

import numpy as np
import pytest

from faces.photo.face import Box, Pixels, Quality
from faces.photo.quality import quality_of


def gray(value: int, height: int = 200, width: int = 200) -> Pixels:
    return np.full((height, width, 3), value, dtype=np.uint8)


def box(top: int, right: int, bottom: int, left: int) -> Box:
    return Box(top=top, right=right, bottom=bottom, left=left)


def test_an_even_middle_gray_has_full_size_and_brightness_and_nothing_else() -> None:
    assert quality_of(gray(127), box(0, 100, 100, 0)) == Quality(45.0, 25.0, 0.0, 20.0, 0.0)


@pytest.mark.parametrize(("side", "points"), [(100, 25.0), (200, 25.0), (50, 6.2), (10, 0.2)])
def test_size_grows_with_the_area_up_to_100_by_100(side: int, points: float) -> None:
    assert quality_of(gray(127), box(0, side, side, 0)).size == points


@pytest.mark.parametrize(("value", "points"), [(127, 20.0), (0, 0.0), (254, 0.0), (190, 10.1), (64, 10.1)])
def test_brightness_falls_on_both_sides_of_the_middle(value: int, points: float) -> None:
    assert quality_of(gray(value), box(0, 100, 100, 0)).brightness == points


def test_sharpness_and_contrast_are_full_for_black_and_white_squares() -> None:
    pixels = gray(0)
    pixels[::2, ::2] = 255
    found = quality_of(pixels, box(0, 100, 100, 0))
    assert found.sharpness == 35.0
    assert found.contrast == 20.0


def test_the_formula_is_the_one_written_in_numpy() -> None:
    pixels = np.random.default_rng(3).integers(90, 140, (80, 60, 3), dtype=np.uint8)
    face = pixels[10:50, 5:55].astype(np.float64)
    seen = np.rint(face @ (0.299, 0.587, 0.114))
    frame = np.pad(seen, 1, mode="reflect")
    laplacian = frame[:-2, 1:-1] + frame[2:, 1:-1] + frame[1:-1, :-2] + frame[1:-1, 2:] - 4 * seen
    found = quality_of(pixels, box(10, 55, 50, 5))
    assert found.size == round(40 * 50 / 10_000 * 25, 1)
    assert found.sharpness == pytest.approx(min(laplacian.var() / 500, 1) * 35, abs=0.3)
    assert found.brightness == pytest.approx((1 - abs(seen.mean() - 127) / 127) * 20, abs=0.06)
    assert found.contrast == pytest.approx(min(seen.std() / 50, 1) * 20, abs=0.1)


def test_the_total_is_made_of_the_unrounded_parts() -> None:
    chance = np.random.default_rng(5)
    differ = 0
    for _ in range(200):
        pixels = chance.integers(60, 160, (120, 120, 3), dtype=np.uint8)
        found = quality_of(
            pixels // 8 * 4 + 60, box(0, int(chance.integers(20, 120)), int(chance.integers(20, 120)), 0)
        )
        parts = found.size + found.sharpness + found.brightness + found.contrast
        assert abs(found.total - parts) <= 0.2501
        differ += round(parts, 1) != found.total
    assert differ


def test_a_box_is_clipped_to_the_picture() -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (80, 60, 3), dtype=np.uint8)
    assert quality_of(pixels, box(-20, 90, 200, -5)) == quality_of(pixels, box(0, 60, 80, 0))


@pytest.mark.parametrize(
    "empty", [box(10, 20, 10, 10), box(10, 5, 20, 10), box(-9, 9, -1, 0), box(0, 300, 10, 200), box(0, 0, 0, 0)]
)
def test_an_empty_box_scores_nothing(empty: Box) -> None:
    assert quality_of(gray(127), empty) == Quality(0.0, 0.0, 0.0, 0.0, 0.0)


def test_the_numbers_are_plain_floats_which_json_can_write() -> None:
    found = quality_of(gray(100), box(0, 30, 30, 0))
    assert {type(part) for part in (found.total, found.size, found.sharpness, found.brightness, found.contrast)} == {
        float
    }
