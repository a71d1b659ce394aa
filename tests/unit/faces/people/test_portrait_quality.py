from __future__ import annotations

import pytest

from faces.people.portrait_quality import LEAST_QUALITY, doubt_of


@pytest.mark.parametrize(("quality", "size_points"), [(LEAST_QUALITY, 7.0), (100.0, 25.0), (None, None), (80.0, None)])
def test_a_good_face_and_one_of_unknown_quality_raise_no_doubt(
    quality: float | None, size_points: float | None
) -> None:
    assert doubt_of(quality, size_points) is None


def test_a_poor_face_is_told_with_both_numbers() -> None:
    assert "found a face of quality 61.5, needed 66 or more" in str(doubt_of(61.5, 25.0))


@pytest.mark.parametrize(("size_points", "pixels"), [(3.2, 36), (4.6, 43), (6.5, 51)])
def test_a_small_face_is_told_however_sharp_it_is(size_points: float, pixels: int) -> None:
    assert f"found a face {pixels} pixels wide, needed 53 or more" in str(doubt_of(78.0, size_points))
