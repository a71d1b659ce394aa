"""Perceptual hashes: imagehash's values for every kind of picture."""

from __future__ import annotations

import io

import imagehash
import pytest
from PIL import Image

from faces.errors import DamagedPhoto, EmptyFile, PhotoTooLarge, UnsupportedFormat
from faces.photo.decoding import PhotoLimits
from faces.photo.phash import PHash, phash
from tests.pictures import drawn

LIMITS = PhotoLimits(max_pixels=1_000_000, max_bytes=10_000_000)


def files() -> dict[str, bytes]:
    picture = drawn.corners(64, 48)
    return {kind: drawn.file_of(picture, kind) for kind in drawn.WRITABLE} | {
        "turned": drawn.file_of(picture, "JPEG", exif=drawn.exif_orientation(6)),
        "gray": drawn.file_of(picture.convert("L"), "PNG"),
        "transparent": drawn.file_of(drawn.noise().convert("RGBA"), "PNG"),
        "CMYK": drawn.file_of(picture.convert("CMYK"), "JPEG", icc_profile=drawn.cyan_means_red()),
        "16 bits": drawn.file_of(picture.convert("I;16"), "PNG"),
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
