"""A JPEG without its end marker is whole or it is not: pixels that are missing are never made up."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from faces.errors import DamagedPhoto
from faces.photo.decoding import PhotoLimits, decode
from faces.photo.fast import jpeg
from faces.photo.files import jpeg_end
from faces.photo.phash import phash
from tests.pictures import drawn

LIMITS = PhotoLimits(max_pixels=1_000_000, max_bytes=10_000_000)
MANY = 10**9

PICTURE = drawn.noise(83, 61)

KINDS = {
    "baseline": drawn.file_of(PICTURE, "JPEG"),
    "progressive": drawn.file_of(PICTURE, "JPEG", progressive=True),
    "restarts": drawn.file_of(PICTURE, "JPEG", restart_marker_blocks=2),
    "without subsampling": drawn.file_of(PICTURE, "JPEG", subsampling=0, quality=100),
    "gray": drawn.file_of(PICTURE.convert("L"), "JPEG"),
    "progressive gray": drawn.file_of(PICTURE.convert("L"), "JPEG", progressive=True),
    "CMYK": drawn.file_of(PICTURE.convert("CMYK"), "JPEG", icc_profile=drawn.cyan_means_red()),
    "with EXIF": drawn.file_of(PICTURE, "JPEG", exif=drawn.exif_orientation(6)),
}


@pytest.mark.parametrize("cut", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_without_its_last_bytes_it_has_the_same_pixels_and_a_warning(kind: str, cut: int) -> None:
    whole = decode(KINDS[kind], LIMITS)
    photo = decode(KINDS[kind][:-cut], LIMITS)
    assert np.array_equal(photo.scaled(1200), whole.scaled(1200))
    assert photo.orientation == whole.orientation
    assert photo.warnings == ("the JPEG file lacks its end marker, but none of its pixels", *whole.warnings)


@pytest.mark.parametrize("padding", [1, 2, 512, 5000])
@pytest.mark.parametrize("kind", KINDS)
def test_zeros_in_place_of_its_end_are_none_of_its_pixels(kind: str, padding: int) -> None:
    whole = decode(KINDS[kind], LIMITS)
    photo = decode(KINDS[kind][:-2] + bytes(padding), LIMITS)
    assert np.array_equal(photo.scaled(1200), whole.scaled(1200))
    assert photo.warnings == ("the JPEG file lacks its end marker, but none of its pixels", *whole.warnings)


def test_a_zero_that_belongs_to_the_last_byte_of_the_pixels_stays() -> None:
    files = (
        drawn.file_of(drawn.noise(8, 8).crop((0, 0, 8, rows)), "JPEG", quality=q) for rows in (8, 7) for q in range(100)
    )
    whole = next(file for file in files if file.endswith(b"\xff\0\xff\xd9"))
    assert jpeg_end.with_end(whole[:-2] + bytes(40), MANY) == whole


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_in_place_of_its_second_half_are_not_taken_for_padding(kind: str) -> None:
    whole = KINDS[kind]
    assert jpeg_end.with_end(whole[: len(whole) // 2] + bytes(len(whole) // 2), MANY) is None


@pytest.mark.parametrize("kind", ["baseline", "progressive", "with EXIF"])
def test_the_quick_way_gives_the_same(kind: str) -> None:
    slow, quick = (decode(KINDS[kind][:-2], LIMITS, read) for read in (None, jpeg.read))
    assert np.array_equal(slow.scaled(1200), quick.scaled(1200))
    assert quick.warnings == slow.warnings
    assert quick.orientation == slow.orientation


@pytest.mark.parametrize("kind", KINDS)
def test_with_more_missing_it_is_damaged_as_before(kind: str) -> None:
    whole = KINDS[kind]
    for missing in (3, 4, 5, 8, 16, 40, 100, len(whole) // 4, len(whole) // 2):
        # Bits of filling at the end may make a whole byte: then nothing was missing.
        if jpeg_end.with_end(whole[:-missing], MANY) is None:
            with pytest.raises(DamagedPhoto, match="truncated"):
                decode(whole[:-missing], LIMITS)
        else:
            assert missing <= 3
            assert np.array_equal(decode(whole[:-missing], LIMITS).scaled(1200), decode(whole, LIMITS).scaled(1200))


@pytest.mark.parametrize("kind", ["progressive", "progressive gray"])
def test_a_progressive_picture_that_lacks_whole_scans_is_damaged(kind: str) -> None:
    whole = KINDS[kind]
    scans = [at for at in range(len(whole) - 1) if whole[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 3
    for start in scans[1:]:
        tables = whole.rfind(b"\xff\xc4", 0, start)
        end = tables if whole[tables + 2 + int.from_bytes(whole[tables + 2 : tables + 4], "big")] == 0xFF else start
        assert jpeg_end.with_end(whole[:end], MANY) is None


def test_a_file_with_its_end_is_left_alone() -> None:
    for whole in KINDS.values():
        assert jpeg_end.with_end(whole, MANY) is None
        assert jpeg_end.with_end(whole + b"garbage behind the end" * 9, MANY) is None
        assert decode(whole + b"garbage" * 99, LIMITS).warnings == decode(whole, LIMITS).warnings


def test_the_end_of_a_thumbnail_is_not_that_of_the_picture() -> None:
    thumbnail = drawn.file_of(Image.new("RGB", (8, 8)), "JPEG")
    block = b"Exif\0\0" + thumbnail
    whole = KINDS["baseline"]
    data = whole[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + whole[2:]
    assert jpeg_end.with_end(data[:-2], MANY) == data


def test_a_picture_over_the_limit_is_not_decoded() -> None:
    assert jpeg_end.with_end(KINDS["baseline"][:-2], 83 * 61) is not None
    assert jpeg_end.with_end(KINDS["baseline"][:-2], 83 * 61 - 1) is None


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xd8\xff", b"\xff\xd8\xff\xda", b"\xff\xd8\xff\xc0\0\x08", b"x" * 99]
)
def test_what_is_hardly_a_jpeg_is_left_alone(data: bytes) -> None:
    assert jpeg_end.with_end(data, MANY) is None


def test_its_hash_comes_with_the_warning() -> None:
    whole = KINDS["baseline"]
    assert phash(whole[:-2], LIMITS) == phash(whole, LIMITS)
    assert phash(whole[:-2], LIMITS).warnings == ("the JPEG file lacks its end marker, but none of its pixels",)
    assert phash(whole, LIMITS).warnings == ()


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_picture_with_an_end_behind_it_says_that_pixels_are_missing(kind: str) -> None:
    half = KINDS[kind][: len(KINDS[kind]) // 2] + b"\xff\xd9"
    missing = "the JPEG file is damaged: some of its pixels are missing, and gray in their place"
    assert missing in decode(half, LIMITS).warnings
    assert missing in decode(half, LIMITS, jpeg.read).warnings
    assert missing not in decode(KINDS[kind], LIMITS).warnings
