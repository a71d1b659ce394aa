"""Bytes -> a photo: formats by content, upright, 8 bit."""

from __future__ import annotations

import io
import mmap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces.photo.decoding import PhotoLimits, decode
from faces.photo.photo import Photo
from faces.settings import Settings
from tests.pictures import drawn

LIMITS = PhotoLimits(max_pixels=120_000_000, max_bytes=64_000_000)
HEIC = Path(__file__).parents[3] / "pictures/turned.heic"

#: What a camera held in each way has to do to the upright picture so that the orientation puts it right again.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def decoded(data: bytes) -> Photo:
    return decode(data, LIMITS)


@pytest.mark.parametrize("kind", drawn.WRITABLE)
def test_every_format_is_read_by_its_content(kind: str) -> None:
    photo = decoded(drawn.file_of(drawn.corners(), kind))
    assert photo.format.upper() == kind
    assert photo.width == 40
    assert photo.height == 24
    assert drawn.corners_of(photo.scaled(1200)) == "RGBW"
    assert photo.warnings == ()


def test_a_heic_is_turned_once_though_exif_and_container_both_say_so() -> None:
    photo = decoded(HEIC.read_bytes())
    assert photo.format == "HEIC"
    assert photo.width == 224
    assert photo.height == 280
    assert photo.orientation == 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_comes_out_upright(kind: str, orientation: int) -> None:
    turn = STORED[orientation]
    stored = drawn.corners() if turn is None else drawn.corners().transpose(turn)
    photo = decoded(drawn.file_of(stored, kind, exif=drawn.exif_orientation(orientation)))
    assert photo.width == 40
    assert photo.height == 24
    assert photo.orientation == orientation
    assert drawn.corners_of(photo.scaled(1200)) == "RGBW"


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_means_nothing_is_ignored(value: int) -> None:
    photo = decoded(drawn.file_of(drawn.corners(), "JPEG", exif=drawn.exif_orientation(value)))
    assert photo.orientation == 1
    assert drawn.corners_of(photo.scaled(1200)) == "RGBW"


def test_exif_that_cannot_be_read_is_ignored() -> None:
    whole = drawn.exif_orientation(6)
    for broken in (whole[:10], whole[:6] + b"garbage", whole.replace(b"\x00\x00\x00\x08", b"\xff\xff\xff\xf0")):
        photo = decoded(drawn.file_of(drawn.corners(), "JPEG", exif=broken))
        assert photo.orientation == 1
        assert drawn.corners_of(photo.scaled(1200)) == "RGBW"


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "AVIF"), ("RGBA", "TIFF")]
)
def test_a_transparent_picture_lies_on_white(mode: str, kind: str) -> None:
    assert decoded(drawn.file_of(Image.new(mode, (8, 8)), kind, lossless=True)).scaled(1200).min() == 255


def test_a_transparent_palette_and_a_transparent_colour_lie_on_white() -> None:
    palette = Image.new("P", (8, 8), 3)
    palette.putpalette([0, 0, 0] * 4)
    keyed = Image.new("RGB", (8, 8), (10, 20, 30))
    for picture, kind, key in ((palette, "PNG", 3), (palette, "GIF", 3), (keyed, "PNG", (10, 20, 30))):
        assert decoded(drawn.file_of(picture, kind, transparency=key)).scaled(1200).min() == 255


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "AVIF", "PNG", "TIFF"])
def test_of_several_frames_the_first_is_taken(kind: str) -> None:
    frames = [drawn.corners(), drawn.corners().transpose(Image.Transpose.ROTATE_180)]
    photo = decoded(drawn.file_of(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert drawn.corners_of(photo.scaled(1200)) == "RGBW"


def test_a_jpeg_with_further_pictures_behind_it_is_a_jpeg() -> None:
    photo = decoded(drawn.file_of(drawn.corners(), "MPO", save_all=True, append_images=[Image.new("RGB", (40, 24))]))
    assert photo.format == "JPEG"
    assert drawn.corners_of(photo.scaled(1200)) == "RGBW"


@pytest.mark.parametrize("options", [{"progressive": True}, {"quality": 95, "subsampling": 0}])
def test_the_pixels_are_those_that_pillow_decodes(options: dict[str, object]) -> None:
    data = drawn.file_of(drawn.corners(), "JPEG", **options)
    with Image.open(io.BytesIO(data)) as expected:
        assert np.array_equal(decoded(data).scaled(1200), np.asarray(expected))


def test_gray_comes_out_as_three_equal_colours() -> None:
    gray = drawn.corners().convert("L")
    pixels = decoded(drawn.file_of(gray, "PNG")).scaled(1200)
    assert pixels.shape == (24, 40, 3)
    assert all(np.array_equal(pixels[:, :, channel], np.asarray(gray)) for channel in range(3))


def test_black_and_white_dots_are_read() -> None:
    assert set(decoded(drawn.file_of(drawn.corners().convert("1"), "PNG")).scaled(1200).ravel()) == {0, 255}


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((4032, 3024), 1200, (1200, 900)),
        ((3000, 1), 1200, (1200, 1)),
        ((1, 3000), 2000, (1, 2000)),
        ((1000, 900), 1200, (1000, 900)),
        ((1201, 700), 1200, (1200, int(700 * (1200 / 1201)))),
        ((1, 1), 1200, (1, 1)),
    ],
)
def test_a_photo_is_scaled_down_and_never_up(size: tuple[int, int], longest: int, expected: tuple[int, int]) -> None:
    photo = decoded(drawn.file_of(Image.new("L", size), "PNG"))
    assert photo.size_at(longest) == expected
    assert photo.scaled(longest).shape == (expected[1], expected[0], 3)


def test_scaling_is_pillows_lanczos_bit_for_bit() -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (1500, 1300, 3), dtype=np.uint8))
    expected = noise.resize((int(1300 * (1200 / 1500)), 1200), Image.Resampling.LANCZOS)
    assert np.array_equal(decoded(drawn.file_of(noise, "PNG", compress_level=0)).scaled(1200), np.asarray(expected))


def test_a_released_photo_keeps_its_facts_and_no_pixels() -> None:
    photo = decoded(drawn.file_of(drawn.corners(), "PNG"))
    photo.release()
    photo.release()
    assert photo.width == 40
    assert photo.format == "PNG"
    with pytest.raises(RuntimeError, match="released"):
        photo.scaled(1200)


def test_a_mapped_file_is_read_like_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(drawn.file_of(drawn.corners(), "PNG"))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        assert drawn.corners_of(decode(data, LIMITS).scaled(1200)) == "RGBW"


def test_the_limits_are_settings_in_millions() -> None:
    assert PhotoLimits.of(Settings(max_megapixels=0.5, max_megabytes=2)) == PhotoLimits(500_000, 2_000_000)
