"""Perceptual hashes: imagehash's values for every kind of picture."""

from __future__ import annotations

import io
from typing import Any

import imagehash
import numpy as np
import pytest
from PIL import Image

from faces.errors import DamagedPhoto, EmptyFile, PhotoTooLarge, UnsupportedFormat
from faces.photo.decoding import PhotoLimits
from faces.photo.phash import PHash, phash
from tests.pictures import drawn, tiffs

LIMITS = PhotoLimits(max_pixels=1_000_000, max_bytes=10_000_000)


def files() -> dict[str, bytes]:
    picture = drawn.corners(64, 48)
    return {kind: drawn.file_of(picture, kind) for kind in drawn.WRITABLE} | {
        "turned": drawn.file_of(picture, "JPEG", exif=drawn.exif_orientation(6)),
        "gray": drawn.file_of(picture.convert("L"), "PNG"),
        "transparent": drawn.file_of(drawn.noise().convert("RGBA"), "PNG"),
        "CMYK": drawn.file_of(picture.convert("CMYK"), "JPEG", icc_profile=drawn.cyan_means_red()),
        "48 bits": drawn.png(16, 16, 16, 2, bytes(range(256)) * 6),
        "tiny": drawn.file_of(Image.new("RGB", (1, 1)), "PNG"),
    }


@pytest.mark.parametrize("size", [4, 8, 13, 16, 32])
@pytest.mark.parametrize("kind", files())
def test_the_value_is_imagehashs_own(kind: str, size: int) -> None:
    data = files()[kind]
    with Image.open(io.BytesIO(data)) as picture:
        expected = imagehash.phash(picture, size)
    assert phash(data, LIMITS, size) == PHash(str(expected), size * size)


def test_8_is_the_usual_size() -> None:
    found = phash(drawn.file_of(drawn.noise(), "PNG"), LIMITS)
    assert len(found.hex) == 16
    assert found.bits == 64


@pytest.mark.parametrize("size", [3, 33, 0, -1])
def test_a_size_outside_4_to_32_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"found hash_size {size}, need 4 to 32"):
        phash(drawn.file_of(drawn.noise(), "PNG"), LIMITS, size)


def test_the_distance_is_imagehashs_own() -> None:
    pictures = [drawn.noise(), drawn.noise(50, 50), drawn.corners()]
    for a in pictures:
        for b in pictures:
            found = [phash(drawn.file_of(picture, "PNG"), LIMITS) for picture in (a, b)]
            assert found[0].distance(found[1]) == imagehash.phash(a) - imagehash.phash(b)


def test_hashes_of_different_sizes_have_no_distance() -> None:
    with pytest.raises(ValueError, match="16 and 64 bits"):
        PHash("0000", 16).distance(PHash("0" * 16, 64))


def test_what_is_no_photo_has_no_hash() -> None:
    whole = drawn.file_of(drawn.noise(), "PNG")
    for data, error in (
        (b"", EmptyFile),
        (b"text" * 9, UnsupportedFormat),
        (whole[: len(whole) // 2], DamagedPhoto),
        (drawn.png(50_000, 50_000, 8, 2, b""), PhotoTooLarge),
    ):
        with pytest.raises(error):
            phash(data, LIMITS)


def deep(shades: np.ndarray[Any, Any], kind: str) -> bytes:
    """A picture of 0–1 as a file of more than 8 bits."""
    if kind == "16-bit PNG":
        return drawn.file_of(Image.fromarray(np.rint(shades * 65535).astype(np.uint16)), "PNG")
    bits, number, white = {
        "16-bit TIFF": (16, tiffs.UNSIGNED, 65535),
        "32-bit TIFF": (32, tiffs.UNSIGNED, 2**32 - 1),
        "float TIFF": (32, tiffs.REAL, 1),
    }[kind]
    return tiffs.tiff(shades[:, :, None] * white, 1, bits, number)


DEEP = ("16-bit PNG", "16-bit TIFF", "32-bit TIFF", "float TIFF")


def shades(seed: int) -> np.ndarray[Any, Any]:
    rough = np.random.default_rng(seed).random((7, 9)).astype(np.float32)
    picture = Image.fromarray(rough).resize((90, 70), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(picture, dtype=np.float64), 0, 1)


@pytest.mark.parametrize("kind", DEEP)
def test_one_picture_has_one_hash_in_8_and_in_more_bits(kind: str) -> None:
    eight = drawn.file_of(Image.fromarray(np.rint(shades(1) * 255).astype(np.uint8)), "PNG")
    assert phash(deep(shades(1), kind), LIMITS).distance(phash(eight, LIMITS)) <= 2


@pytest.mark.parametrize("kind", DEEP)
def test_two_pictures_of_more_than_8_bits_have_two_hashes(kind: str) -> None:
    assert phash(deep(shades(1), kind), LIMITS).distance(phash(deep(shades(2), kind), LIMITS)) > 16


def logo(mode: str, box: tuple[int, int, int, int], seen: object, hidden: object) -> bytes:
    picture = Image.new(mode, (200, 200), hidden)
    picture.paste(seen, box)
    return drawn.file_of(picture, "PNG")


FLAT = "is of one gray all over"


@pytest.mark.parametrize(
    "data",
    [
        drawn.file_of(Image.new("RGB", (50, 40), "red"), "PNG"),
        drawn.file_of(Image.new("RGB", (50, 40), "gray"), "JPEG"),
        drawn.file_of(Image.new("1", (50, 40)), "PNG"),
        drawn.file_of(Image.new("RGB", (1, 1)), "PNG"),
        logo("RGBA", (20, 20, 90, 180), (0, 0, 0, 255), (0, 0, 0, 0)),
        logo("LA", (20, 20, 90, 180), (0, 255), (0, 0)),
    ],
)
def test_a_flat_picture_has_imagehashs_value_and_a_warning_that_it_says_nothing(data: bytes) -> None:
    found = phash(data, LIMITS)
    with Image.open(io.BytesIO(data)) as picture:
        assert found.hex == str(imagehash.phash(picture))
    assert len(found.warnings) == 1
    assert FLAT in found.warnings[0]


def test_a_hash_of_what_transparency_hides_says_so() -> None:
    layer = drawn.noise(90, 70).convert("RGBA")
    layer.putalpha(Image.linear_gradient("L").resize((90, 70)).point(lambda level: 255 if level > 127 else 0))
    found = phash(drawn.file_of(layer, "PNG"), LIMITS)
    assert found.hex == str(imagehash.phash(layer))
    assert found.warnings == (
        "the hash says nothing of what is seen: it is of the colours that transparent parts of the picture hide",
    )


def test_a_picture_that_says_something_has_no_warning() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        assert phash(drawn.file_of(drawn.corners(64, 48), kind), LIMITS).warnings == ()
    assert phash(drawn.file_of(drawn.noise().convert("RGBA"), "PNG"), LIMITS).warnings == ()


@pytest.mark.parametrize(
    ("kind", "turned"), [("JPEG", False), ("PNG", False), ("WEBP", False), ("TIFF", True), ("AVIF", False)]
)
def test_a_tiff_is_hashed_upright_and_others_as_they_are_stored(kind: str, turned: bool) -> None:
    picture = Image.fromarray(np.rint(shades(3) * 255).astype(np.uint8)).convert("RGB")
    plain = phash(drawn.file_of(picture, kind), LIMITS)
    marked = phash(drawn.file_of(picture, kind, exif=drawn.exif_orientation(6)), LIMITS)
    assert (plain.distance(marked) > 8) is turned
