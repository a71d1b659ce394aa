"""The library's LANCZOS: Pillow's bytes for every size, shape, content and layout; or a refusal."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from faces.photo.face import Pixels
from faces.photo.fast.native_library import NativeLibrary, load
from faces.photo.fast.resize import ORDERS, Size, equals_pillow, lanczos
from tests.fuzz import resizes

ROOT = Path(__file__).resolve().parents[5]


@pytest.fixture(scope="module")
def library() -> NativeLibrary:
    return load()


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def by_pillow(pixels: Pixels, size: Size) -> Pixels:
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.LANCZOS))


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ((4000, 3000), (1200, 900)),
        ((3024, 4032), (1500, 2000)),
        ((1201, 799), (1200, 798)),
        ((17, 33), (16, 32)),
        ((49, 16), (48, 15)),
        ((640, 480), (1, 1)),
        ((1, 1), (1, 1)),
        ((2, 2), (1, 1)),
        ((1, 900), (1, 3)),
        ((900, 1), (3, 1)),
        ((7, 7), (7, 7)),
        ((5000, 3), (4999, 2)),
        ((3, 5000), (2, 4999)),
        ((9000, 20), (1200, 2)),
        ((20, 9000), (2, 1200)),
        ((100, 9999), (50, 60)),
        ((1000, 800), (1000, 300)),
        ((1000, 800), (300, 800)),
        ((1080, 2400), (900, 2000)),
    ],
)
def test_a_picture_of_any_shape_equals_pillows(library: NativeLibrary, source: Size, size: Size) -> None:
    pixels = noise(*source)
    assert np.array_equal(lanczos(library, pixels, size), by_pillow(pixels, size))


@pytest.mark.parametrize("more_rows", range(-3, 4))
def test_the_pass_that_pillow_does_first_comes_first(library: NativeLibrary, more_rows: int) -> None:
    pixels = noise(100, 300)
    size = 60, 300 - 2 * 40 + more_rows
    assert np.array_equal(lanczos(library, pixels, size), by_pillow(pixels, size))


def layouts() -> dict[str, Pixels]:
    wide = noise(201, 150)
    return {
        "gaps between rows": wide[:, 10:120],
        "every second row": wide[::2],
        "upside down": wide[::-1],
        "mirrored": wide[:, ::-1],
        "every second pixel": wide[:, ::2],
        "other order of colours": wide[:, :, ::-1],
        "columns first": np.asfortranarray(wide),
        "one row repeated": np.broadcast_to(wide[:1], wide.shape),
    }


@pytest.mark.parametrize("layout", layouts())
def test_a_picture_of_any_layout_equals_pillows(library: NativeLibrary, layout: str) -> None:
    pixels = layouts()[layout]
    assert np.array_equal(lanczos(library, pixels, (70, 31)), by_pillow(pixels, (70, 31)))


def test_what_it_returns_is_a_picture_by_itself(library: NativeLibrary) -> None:
    scaled = lanczos(library, noise(90, 60), (30, 20))
    assert scaled.shape == (20, 30, 3)
    assert scaled.dtype == np.uint8
    assert scaled.flags.c_contiguous
    assert not scaled.flags.writeable


@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=pytest.mark.long)])
def test_random_pictures_equal_pillows(library: NativeLibrary, count: int) -> None:
    assert resizes.different(library, seed=1, count=count) == []


def test_several_threads_at_once_make_the_same(library: NativeLibrary) -> None:
    some = list(islice(resizes.resizes(seed=2), 60))
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(lambda resize: resizes.equal(library, resize), some))


@pytest.mark.parametrize("size", [(101, 50), (100, 51), (400, 200)])
def test_enlarging_is_left_to_pillow(library: NativeLibrary, size: Size) -> None:
    assert not equals_pillow((100, 50), size)
    with pytest.raises(ValueError, match="cannot scale 100 × 50"):
        lanczos(library, noise(100, 50), size)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_no_picture_has_a_side_of_0(library: NativeLibrary, size: Size) -> None:
    with pytest.raises(ValueError, match="does not take pictures of this size"):
        lanczos(library, noise(10, 10), size)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((9, 9, 4), dtype=np.uint8),
        np.zeros((9, 9), dtype=np.uint8),
        np.zeros((9, 9, 3), dtype=np.float32),
    ],
)
def test_other_pixels_are_refused(library: NativeLibrary, pixels: Pixels) -> None:
    with pytest.raises(ValueError, match=r"need \(height, width, 3\), uint8"):
        lanczos(library, pixels, (3, 3))


def test_a_picture_without_pixels_is_refused(library: NativeLibrary) -> None:
    with pytest.raises(ValueError, match="cannot scale 0 × 4 to 1 × 1"):
        lanczos(library, np.zeros((4, 0, 3), dtype=np.uint8), (1, 1))


def test_another_pillow_does_its_work_itself() -> None:
    assert equals_pillow((100, 50), (10, 5), PIL.__version__)
    assert not equals_pillow((100, 50), (10, 5), "14.0.0")


def test_the_pillows_of_the_lock_are_known() -> None:
    locked = re.findall(r"^pillow==(\d+\.\d+)\.", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert set(locked) == set(ORDERS)
