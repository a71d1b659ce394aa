"""TIFF, of every kind there is: its pixels are right, or it is refused by the name of its kind; never wrong pixels."""

from __future__ import annotations

import dataclasses
import itertools
import struct
import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from faces.errors import DamagedPhoto, PhotoTooLarge, UnsupportedFormat
from faces.photo import turns
from faces.photo.decoding import PhotoLimits, decode
from faces.photo.phash import phash
from tests.pictures import drawn, tiffs
from tests.pictures.tiffs import DEFLATE, LZW, NONE, PACKBITS, REAL, SIGNED, UNSIGNED, Layout

LIMITS = PhotoLimits(max_pixels=1_000_000, max_bytes=10_000_000)

WHITE_IS_ZERO, GRAY, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
COLOURINGS = (WHITE_IS_ZERO, GRAY, RGB, PALETTE, CMYK, YCBCR, LAB)

WIDTH, HEIGHT = 26, 20
_ACROSS = np.tile(np.linspace(0, 255, WIDTH), (HEIGHT, 1))
_DOWN = np.tile(np.linspace(0, 255, HEIGHT)[:, None], (1, WIDTH))

#: A picture in which colours, rows and columns that are exchanged or left out show.
PICTURE = np.stack([_ACROSS, _DOWN, 255 - _ACROSS], axis=2)
SHADES = PICTURE[:, :, :2].mean(axis=2, keepdims=True)

#: All that bits and SampleFormat can be in a picture's file.
NUMBERS = (
    *((bits, UNSIGNED) for bits in (1, 2, 4, 6, 8, 10, 12, 14, 16, 32, 64)),
    *((bits, SIGNED) for bits in (8, 16, 32, 64)),
    *((bits, REAL) for bits in (16, 32, 64)),
)

#: Every way in which they can lie there.
LAYOUTS = [
    Layout(order=order, in_planes=in_planes, **others)
    for order in "<>"
    for in_planes in (False, True)
    for others in (
        {},
        {"rows": 7},
        {"tile": (16, 16)},
        {"is_big": True, "rows": 7},
        {"compression": DEFLATE, "rows": 7},
        {"compression": DEFLATE, "tile": (16, 16), "predictor": 2},
        {"compression": LZW},
        {"compression": PACKBITS},
        {"fill_order": 2},
    )
]


def stored(colouring: int, bits: int, kind: int, extra: Sequence[int]) -> npt.NDArray[Any]:
    """The picture's samples, opaque, as a file of that kind has them."""
    if colouring == PALETTE:
        values = np.floor(SHADES / 256 * 2**bits)
        return np.concatenate([values, *(np.full_like(values, 2**bits - 1) for _ in extra)], axis=2).astype(np.uint64)
    values = {
        WHITE_IS_ZERO: 255 - SHADES,
        GRAY: SHADES,
        RGB: PICTURE,
        CMYK: np.concatenate([255 - PICTURE, np.zeros_like(SHADES)], axis=2),
        YCBCR: np.asarray(Image.fromarray(PICTURE.astype(np.uint8)).convert("YCbCr"), dtype=np.float64),
        LAB: np.concatenate([SHADES, np.zeros_like(SHADES), np.zeros_like(SHADES)], axis=2),
    }[colouring]
    values = np.concatenate([values, *(np.full_like(SHADES, 255) for _ in extra)], axis=2) / 255
    if kind == REAL:
        return values
    whole = 2 ** (bits - 1 if kind == SIGNED else bits) - 1
    exact = np.rint(values * min(whole, 2**52 - 1)).astype(np.uint64) << np.uint64(max(whole.bit_length() - 52, 0))
    return exact.astype(np.int64 if kind == SIGNED else np.uint64)


def file_of(colouring: int, bits: int, kind: int, extra: Sequence[int], layout: Layout) -> bytes:
    tags = dict(layout.tags)
    if colouring == PALETTE:
        shades = [at * 65535 // (2**bits - 1) for at in range(2**bits)]
        tags[320] = (3, shades * 3)
    if colouring == YCBCR:
        tags.setdefault(530, (3, (1, 1)))
    samples = stored(colouring, bits, kind, extra)
    return tiffs.tiff(samples, colouring, bits, kind, extra, dataclasses.replace(layout, tags=tags))


def is_right(data: bytes, colouring: int, bits: int) -> bool:
    pixels = decode(data, LIMITS).scaled(1200).astype(np.float64)
    right = PICTURE if colouring in (RGB, CMYK, YCBCR) else np.repeat(SHADES, 3, axis=2)
    if colouring == LAB:
        # Lightness is no linear gray: only its order and its ends are compared.
        return bool(np.all(np.diff(pixels[:, :, 0], axis=0) >= -1)) and np.ptp(pixels) > 200
    return bool(np.abs(pixels - right).max() <= 6 + 256 / 2**bits)


def outcome(colouring: int, bits: int, kind: int, extra: Sequence[int], layout: Layout) -> str:
    data = file_of(colouring, bits, kind, extra, layout)
    try:
        return "right" if is_right(data, colouring, bits) else "wrong"
    except UnsupportedFormat:
        return "refused"


@pytest.mark.parametrize("extra", [(), (0,), (1,), (2,), (0, 0), (2, 0)])
@pytest.mark.parametrize("colouring", COLOURINGS)
def test_each_kind_is_read_right_or_refused_however_it_lies_in_the_file(colouring: int, extra: Sequence[int]) -> None:
    kinds = itertools.product(NUMBERS, LAYOUTS)
    found = {
        (bits, kind, layout): outcome(colouring, bits, kind, extra, layout)
        for (bits, kind), layout in kinds
        if (colouring != PALETTE or (bits <= 8 and kind == UNSIGNED))
        and (layout.predictor == 1 or (bits in (8, 16, 32, 64) and kind != REAL))
    }
    assert {kind for kind, result in found.items() if result == "wrong"} == set()


#: What must be read, in every layout but that of bits in reverse order.
USUAL = [
    *(((WHITE_IS_ZERO, GRAY), bits, UNSIGNED, ()) for bits in (1, 2, 4, 8, 16, 32, 64)),
    *(((WHITE_IS_ZERO, GRAY, RGB), bits, SIGNED, ()) for bits in (16, 32, 64)),
    *(((WHITE_IS_ZERO, GRAY, RGB), bits, REAL, ()) for bits in (32, 64)),
    *(((RGB,), bits, UNSIGNED, ()) for bits in (8, 16, 32, 64)),
    ((RGB,), 8, UNSIGNED, (2,)),
    ((RGB,), 16, UNSIGNED, (2,)),
    ((RGB,), 32, REAL, (2,)),
    ((CMYK, LAB), 8, UNSIGNED, ()),
    *(((PALETTE,), bits, UNSIGNED, ()) for bits in (1, 2, 4, 8)),
]


@pytest.mark.parametrize(("colourings", "bits", "kind", "extra"), USUAL)
def test_the_usual_kinds_are_read(colourings: Sequence[int], bits: int, kind: int, extra: Sequence[int]) -> None:
    layouts = [layout for layout in LAYOUTS if layout.fill_order == 1 and (layout.predictor == 1 or bits >= 8)]
    layouts = [layout for layout in layouts if layout.predictor == 1 or kind != REAL]
    for colouring in colourings:
        assert {outcome(colouring, bits, kind, extra, layout) for layout in layouts} == {"right"}


@pytest.mark.parametrize("layout", [Layout(), Layout(in_planes=True, rows=7), Layout(tile=(16, 16), order=">")])
@pytest.mark.parametrize("bits", [32, 64])
def test_real_numbers_behind_their_predictor_are_read(bits: int, layout: Layout) -> None:
    predicted = dataclasses.replace(layout, compression=DEFLATE, predictor=3)
    assert outcome(RGB, bits, REAL, (), predicted) == "right"


@pytest.mark.parametrize(
    ("colouring", "bits", "kind", "extra", "layout", "named"),
    [
        (GRAY, 12, UNSIGNED, (), Layout(), "12-bit gray"),
        (WHITE_IS_ZERO, 12, UNSIGNED, (), Layout(), r"12-bit gray \(white is zero\)"),
        (RGB, 10, UNSIGNED, (), Layout(), "10-bit RGB"),
        (GRAY, 16, REAL, (), Layout(), "16-bit floating-point gray"),
        (RGB, 16, REAL, (), Layout(), "16-bit floating-point RGB"),
        (GRAY, 16, UNSIGNED, (2,), Layout(), "16-bit gray with alpha"),
        (GRAY, 16, UNSIGNED, (1,), Layout(), "16-bit gray with alpha"),
        (GRAY, 8, SIGNED, (), Layout(), "8-bit signed gray"),
        (CMYK, 16, UNSIGNED, (), Layout(in_planes=True), "16-bit CMYK, in separate planes"),
        (GRAY, 8, UNSIGNED, (), Layout(fill_order=2), "8-bit gray, bits in reverse order"),
        (GRAY, 8, UNSIGNED, (), Layout(tags={259: (3, [34712])}), "compressed by JPEG 2000"),
        (GRAY, 8, UNSIGNED, (), Layout(tags={259: (3, [4242])}), "compressed by method 4242"),
        (GRAY, 16, UNSIGNED, (), Layout(tags={262: (3, [32803])}), "a camera's raw picture"),
        (GRAY, 8, UNSIGNED, (), Layout(tags={262: (3, [4])}), "a transparency mask"),
        (GRAY, 8, UNSIGNED, (), Layout(tags={262: (3, [77])}), "colours of kind 77"),
        (GRAY, 8, UNSIGNED, (), Layout(tags={254: (4, [1])}), "no picture but the preview of another"),
        (CMYK, 8, UNSIGNED, (), Layout(tags={332: (3, [2])}), "inks that are not CMYK"),
        (YCBCR, 8, UNSIGNED, (), Layout(tags={277: (3, [2])}), "8-bit YCbCr of 2 samples"),
        (RGB, 8, UNSIGNED, (0,), Layout(tags={258: (3, [8, 8, 8, 1])}), "8/1-bit RGB with 1 more samples"),
    ],
)
def test_what_is_not_read_is_refused_by_its_name(
    colouring: int, bits: int, kind: int, extra: Sequence[int], layout: Layout, named: str
) -> None:
    with pytest.raises(UnsupportedFormat, match=f"found a TIFF of a kind that is not read: .*{named}"):
        decode(file_of(colouring, bits, kind, extra, layout), LIMITS)


@pytest.mark.parametrize("bits", [16, 32])
def test_transparent_numbers_lie_on_white_plane_by_plane_too(bits: int) -> None:
    clear = np.zeros((HEIGHT, WIDTH, 4))
    for layout in (Layout(), Layout(in_planes=True), Layout(compression=DEFLATE, in_planes=True)):
        assert decode(tiffs.tiff(clear, RGB, bits, UNSIGNED, (2,), layout), LIMITS).scaled(1200).min() == 255


@pytest.mark.parametrize(
    ("colouring", "bits", "kind", "extra"),
    [
        (WHITE_IS_ZERO, 16, UNSIGNED, ()),
        (GRAY, 32, REAL, ()),
        (RGB, 16, UNSIGNED, ()),
        (LAB, 8, UNSIGNED, ()),
        (GRAY, 8, UNSIGNED, (1,)),
        (PALETTE, 8, UNSIGNED, (2,)),
        (CMYK, 8, UNSIGNED, ()),
    ],
)
def test_each_kind_that_is_read_has_the_hash_of_its_8_bits(
    colouring: int, bits: int, kind: int, extra: Sequence[int]
) -> None:
    shown = Image.fromarray(decode(file_of(colouring, bits, kind, extra, Layout()), LIMITS).scaled(1200))
    expected = phash(drawn.file_of(shown, "PNG"), LIMITS)
    assert phash(file_of(colouring, bits, kind, extra, Layout(in_planes=False, rows=7)), LIMITS).distance(expected) <= 2


@pytest.mark.parametrize(("bits", "extra"), [(8, 1), (8, 2)])
def test_gray_with_alpha_lies_on_white(bits: int, extra: int) -> None:
    clear = np.zeros((HEIGHT, WIDTH, 2))
    assert decode(tiffs.tiff(clear, GRAY, bits, UNSIGNED, (extra,)), LIMITS).scaled(1200).min() == 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("bits", "kind"), [(8, UNSIGNED), (32, REAL)])
def test_every_orientation_comes_out_upright(bits: int, kind: int, orientation: int) -> None:
    plain = decode(file_of(RGB, bits, kind, (), Layout()), LIMITS).scaled(1200)
    turned = decode(file_of(RGB, bits, kind, (), Layout(tags={274: (3, [orientation])})), LIMITS)
    expected = turns.picture_turned(Image.fromarray(plain), orientation)
    assert turned.orientation == orientation
    assert (turned.width, turned.height) == expected.size
    assert np.array_equal(turned.scaled(1200), np.asarray(expected))


@pytest.mark.parametrize(("bits", "kind"), [(8, UNSIGNED), (16, UNSIGNED), (32, REAL)])
def test_xmp_turns_nothing(bits: int, kind: int) -> None:
    xmp = b'<rdf:Description tiff:Orientation="6"/>'
    data = file_of(RGB, bits, kind, (), Layout(tags={700: (7, xmp)}))
    assert decode(data, LIMITS).orientation == 1
    assert is_right(data, RGB, bits)


@pytest.mark.parametrize(("bits", "kind"), [(8, UNSIGNED), (16, UNSIGNED), (32, UNSIGNED), (32, REAL)])
@pytest.mark.parametrize("compression", [NONE, DEFLATE, LZW])
@pytest.mark.parametrize("in_planes", [False, True])
def test_a_file_that_is_cut_off_is_damaged(bits: int, kind: int, compression: int, in_planes: bool) -> None:
    layout = Layout(compression=compression, in_planes=in_planes, rows=7, tags_first=True)
    whole = file_of(RGB, bits, kind, (), layout)
    assert is_right(whole, RGB, bits)
    for part in (0.5, 0.9):
        with pytest.raises(DamagedPhoto):
            decode(whole[: int(len(whole) * part)], LIMITS)


def test_a_fourth_number_beside_rgb_is_alpha_where_the_file_does_not_say() -> None:
    clear = np.zeros((HEIGHT, WIDTH, 4))
    for layout in (Layout(), Layout(compression=LZW), Layout(order=">", is_big=True)):
        assert decode(tiffs.tiff(clear, RGB, 8, layout=layout), LIMITS).scaled(1200).min() == 255
    for layout in (Layout(in_planes=True), Layout(fill_order=2)):
        with pytest.raises(UnsupportedFormat, match="8-bit RGB with 1 more samples"):
            decode(tiffs.tiff(clear, RGB, 8, layout=layout), LIMITS)


def test_a_palette_whose_colours_have_8_bits_is_not_black() -> None:
    shades = np.tile(np.arange(256, dtype=np.float64)[None, :, None], (8, 1, 1))
    colours = (3, list(range(256)) * 3)
    pixels = decode(tiffs.tiff(shades, PALETTE, 8, layout=Layout(tags={320: colours})), LIMITS).scaled(1200)
    assert np.array_equal(pixels[0, :, 0], np.arange(256))


def test_colours_of_ycbcr_at_fewer_places_than_pixels_are_refused_where_pillow_misreads_them() -> None:
    with pytest.raises(UnsupportedFormat, match="colours at fewer places than pixels"):
        decode(file_of(YCBCR, 8, UNSIGNED, (), Layout(tags={530: (3, (2, 2))})), LIMITS)


def test_jpeg_within_a_tiff_is_read() -> None:
    for mode in ("RGB", "L", "CMYK", "YCbCr"):
        picture = Image.fromarray(PICTURE.astype(np.uint8)).convert(mode)
        photo = decode(drawn.file_of(picture, "TIFF", compression="jpeg", quality=95), LIMITS)
        assert np.abs(photo.scaled(1200).astype(int) - np.asarray(picture.convert("RGB"))).mean() < 4


@pytest.mark.parametrize("compression", ["group3", "group4", "lzma", "zstd"])
def test_what_else_pillow_decompresses_is_read(compression: str) -> None:
    picture = drawn.corners().convert("1")
    photo = decode(drawn.file_of(picture, "TIFF", compression=compression), LIMITS)
    assert np.array_equal(photo.scaled(1200)[:, :, 0] == 255, np.asarray(picture))


def test_a_profile_is_applied_to_numbers() -> None:
    red = np.zeros((16, 16, 3))
    red[:, :, 0] = 1
    profile = (7, drawn.red_and_green_swapped())
    pixels = decode(tiffs.tiff(red, RGB, 32, REAL, layout=Layout(tags={34675: profile})), LIMITS).scaled(1200)
    assert pixels[8, 8, 1] > 240
    assert pixels[8, 8, 0] < 20


def test_numbers_that_take_much_more_memory_than_photos_are_too_large() -> None:
    data = tiffs.tiff(np.zeros((100, 100, 3)), RGB, 64, REAL, layout=Layout(compression=DEFLATE))
    with pytest.raises(PhotoTooLarge, match="take 240,000 bytes, at most 160,000 are accepted"):
        decode(data, PhotoLimits(max_pixels=20_000, max_bytes=1_000_000))


def test_tags_that_all_name_the_whole_file_as_their_content_take_no_memory() -> None:
    size, tags = 1_000_000, range(40_000, 44_000)
    entries = b"".join(struct.pack("<HHII", tag, 1, size - 8, 8) for tag in tags)
    data = (b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries).ljust(size, b"\0")
    tracemalloc.start()
    with pytest.raises(DamagedPhoto, match="more content than the file"):
        decode(data, LIMITS)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5 * size
