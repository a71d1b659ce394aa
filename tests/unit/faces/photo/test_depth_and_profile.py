"""Profiles where the plain conversion would be false; and all kinds of numbers as 8 bits."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from faces.photo.decoding import PhotoLimits, decode
from faces.photo.photo import Photo
from tests.pictures import drawn

LIMITS = PhotoLimits(max_pixels=1_000_000, max_bytes=10_000_000)
GREEN = (0, 255, 0)


def photo_of(picture: Image.Image, kind: str = "PNG", **options: object) -> Photo:
    return decode(drawn.file_of(picture, kind, **options), LIMITS)


def middle(photo: Photo, *, for_people: bool = False) -> tuple[int, ...]:
    pixels = photo.scaled(1200)
    if for_people:
        pixels = photo.for_people(pixels)
    return tuple(int(part) for part in pixels[photo.height // 2, photo.width // 2])


def near(found: tuple[int, ...], wanted: tuple[int, int, int], by: int = 6) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "JPEG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("RGB", "WEBP")])
def test_8_bit_pixels_go_to_the_engine_as_they_are_and_to_people_in_true_colours(mode: str, kind: str) -> None:
    photo = photo_of(Image.new(mode, (16, 16), "red"), kind, icc_profile=drawn.red_and_green_swapped(), quality=100)
    assert near(middle(photo), (255, 0, 0))
    photo.release()
    shown = photo.for_people(np.full((2, 2, 3), (255, 0, 0), dtype=np.uint8))
    assert near(tuple(int(part) for part in shown[0, 0]), GREEN)


def test_gray_pixels_go_to_the_engine_as_they_are_and_to_people_in_true_colours() -> None:
    photo = photo_of(Image.new("L", (16, 16), 128), icc_profile=drawn.linear_gray())
    assert middle(photo) == (128, 128, 128)
    assert near(middle(photo, for_people=True), (188, 188, 188))


def test_a_profile_that_does_not_fit_or_is_damaged_changes_nothing() -> None:
    for profile in (drawn.cyan_means_red(), b"not a profile", drawn.red_and_green_swapped()[:200]):
        photo = photo_of(Image.new("RGB", (16, 16), "red"), icc_profile=profile)
        assert middle(photo, for_people=True) == (255, 0, 0)


def test_without_a_profile_people_see_the_very_pixels() -> None:
    photo = photo_of(drawn.corners())
    pixels = photo.scaled(1200)
    assert photo.for_people(pixels) is pixels


def test_cmyk_is_seen_through_its_profile() -> None:
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    photo = photo_of(cyan, "JPEG", icc_profile=drawn.cyan_means_red(), quality=100)
    red, green, blue = middle(photo)
    assert red > 200
    assert green < 60
    assert blue < 60
    assert middle(photo, for_people=True) == (red, green, blue)
    assert photo.warnings == ()


@pytest.mark.parametrize("profile", [None, b"damaged", drawn.linear_gray()])
def test_cmyk_without_a_profile_that_fits_is_converted_simply_and_says_so(profile: bytes | None) -> None:
    photo = photo_of(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "JPEG", icc_profile=profile, quality=100)
    assert near(middle(photo), (0, 255, 255))
    assert len(photo.warnings) == 1
    assert photo.warnings[0].startswith("CMYK with ")
    assert photo.warnings[0].endswith("its colours are approximate")


def test_lab_becomes_what_it_means() -> None:
    # L 53.2, a 80.1, b 67.2 is sRGB's red; 100 is written as 255, and 0 as 128 in the other two.
    photo = photo_of(Image.new("LAB", (16, 16), (136, 208, 195)), "TIFF")
    assert near(middle(photo), (255, 0, 0), by=12)


@pytest.mark.parametrize(("value", "gray"), [(0, 0), (255, 0), (256, 1), (32_768, 128), (65_535, 255)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_gray_keeps_its_upper_8_bits(value: int, gray: int, kind: str) -> None:
    picture = Image.fromarray(np.full((300, 16), value, dtype=np.uint16))
    assert middle(photo_of(picture, kind)) == (gray, gray, gray)


def test_16_bit_gray_is_seen_through_its_profile() -> None:
    photo = photo_of(Image.fromarray(np.full((16, 16), 32_768, dtype=np.uint16)), icc_profile=drawn.linear_gray())
    assert near(middle(photo), (188, 188, 188))
    assert middle(photo, for_people=True) == middle(photo)


def test_48_bit_colours_are_seen_through_their_profile() -> None:
    red = struct.pack(">3H", 65_535, 0, 0) * 16 * 16
    plain = decode(drawn.png(16, 16, 16, 2, red), LIMITS)
    seen = decode(drawn.png(16, 16, 16, 2, red, drawn.red_and_green_swapped()), LIMITS)
    assert middle(plain) == (255, 0, 0)
    assert near(middle(seen), GREEN)
    assert middle(seen, for_people=True) == middle(seen)


@pytest.mark.parametrize("full", [1.0, 255.0, 65_535.0, 1_000_000.0])
def test_real_numbers_are_brought_to_8_bits_by_their_range(full: float) -> None:
    ramp = np.linspace(0, full, 300 * 16, dtype=np.float32).reshape(300, 16)
    pixels = photo_of(Image.fromarray(ramp), "TIFF").scaled(1200)
    assert int(pixels.min()) == 0
    assert int(pixels.max()) == 255
    assert abs(int(pixels[150, 8, 0]) - 128) <= 3


def test_a_few_highlights_and_gaps_do_not_darken_a_picture_of_real_numbers() -> None:
    numbers = np.full((40, 40), 0.5, dtype=np.float32)
    numbers[0, :4] = 7.5, np.nan, np.inf, -np.inf
    pixels = photo_of(Image.fromarray(numbers), "TIFF").scaled(1200)[:, :, 0]
    assert int(pixels[20, 20]) == 128
    assert pixels[0, :4].tolist() == [255, 0, 255, 0]


def test_whole_numbers_of_32_bits_are_brought_to_8_bits_by_their_range() -> None:
    ramp = np.linspace(0, 65_535, 1600, dtype=np.int32).reshape(40, 40)
    pixels = photo_of(Image.fromarray(ramp), "TIFF").scaled(1200)
    assert int(pixels.min()) == 0
    assert int(pixels.max()) == 255


def test_a_black_picture_of_real_numbers_is_black() -> None:
    assert photo_of(Image.new("F", (4, 4)), "TIFF").scaled(1200).max() == 0
