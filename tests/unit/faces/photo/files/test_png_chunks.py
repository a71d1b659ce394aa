"""A PNG with a wrong checksum: shown without the part where it can do without it, refused where it cannot."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from faces.errors import DamagedPhoto
from faces.photo.decoding import PhotoLimits, decode
from faces.photo.files import png_chunks
from faces.photo.phash import phash
from tests.pictures import drawn

LIMITS = PhotoLimits(max_pixels=1_000_000, max_bytes=10_000_000)


def chunk(name: bytes, content: bytes, *, wrong: bool = False) -> bytes:
    checksum = zlib.crc32(name + content) ^ (1 if wrong else 0)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def with_before(name: bytes, added: bytes, whole: bytes | None = None) -> bytes:
    """A PNG with something put before its first chunk of that name."""
    whole = whole or drawn.file_of(drawn.corners(), "PNG")
    at = whole.index(name) - 4
    return whole[:at] + added + whole[at:]


def spoiled(name: bytes, whole: bytes) -> bytes:
    """The PNG with another checksum of its last chunk of that name."""
    broken = bytearray(whole)
    at = broken.rindex(name)
    end = at + 4 + int.from_bytes(broken[at - 4 : at], "big")
    broken[end] ^= 1
    return bytes(broken)


PROFILE = b"p\0\0" + zlib.compress(drawn.red_and_green_swapped())

ANCILLARY = {
    "iCCP": PROFILE,
    "gAMA": struct.pack(">I", 45455),
    "sRGB": b"\0",
    "pHYs": struct.pack(">IIB", 2835, 2835, 1),
    "tEXt": b"Comment\0hello",
    "zTXt": b"Comment\0\0" + zlib.compress(b"hello"),
    "eXIf": drawn.exif_orientation(6)[6:],
    "tIME": bytes(7),
    "prVt": b"anything",
}


@pytest.mark.parametrize("place", [b"IDAT", b"IEND"])
@pytest.mark.parametrize("name", ANCILLARY)
def test_an_ancillary_part_with_a_wrong_checksum_is_left_out_and_named(name: str, place: bytes) -> None:
    photo = decode(with_before(place, chunk(name.encode(), ANCILLARY[name], wrong=True)), LIMITS)
    assert photo.warnings == (f"the PNG file was read without its {name}, whose checksum is wrong",)
    assert photo.orientation == 1
    assert drawn.corners_of(photo.for_people(photo.scaled(1200))) == "RGBW"


def test_several_are_left_out_and_each_is_named_once() -> None:
    wrong = b"".join(chunk(name, b"a\0b", wrong=True) for name in (b"tEXt", b"gAMA", b"tEXt"))
    photo = decode(with_before(b"IEND", wrong, with_before(b"IDAT", wrong)), LIMITS)
    assert photo.warnings == ("the PNG file was read without its tEXt, gAMA, whose checksum is wrong",)
    assert drawn.corners_of(photo.scaled(1200)) == "RGBW"


@pytest.mark.parametrize("name", ["acTL", "fcTL", "fdAT"])
def test_an_animation_with_a_wrong_checksum_is_shown_as_the_picture_that_it_begins_with(name: str) -> None:
    frames = [drawn.corners().rotate(90 * turn) for turn in range(1, 4)]
    whole = drawn.file_of(drawn.corners(), "PNG", save_all=True, append_images=frames)
    photo = decode(spoiled(name.encode(), whole), LIMITS)
    assert photo.warnings == (f"the PNG file was read without its {name}, whose checksum is wrong",)
    assert drawn.corners_of(photo.scaled(1200)) == "RGBW"
    every = whole.replace(name.encode() + b"\0", name.encode() + b"\1")
    assert drawn.corners_of(decode(every, LIMITS).scaled(1200)) == "RGBW"


def test_what_stands_beside_them_still_counts() -> None:
    data = with_before(b"IDAT", chunk(b"eXIf", ANCILLARY["eXIf"]) + chunk(b"tEXt", b"a\0b", wrong=True))
    assert decode(data, LIMITS).orientation == 6


@pytest.mark.parametrize("name", ["IHDR", "IDAT", "PLTE"])
def test_a_critical_part_with_a_wrong_checksum_is_damaged(name: str) -> None:
    whole = drawn.file_of(drawn.corners().convert("P"), "PNG")
    for use in (decode, phash):
        with pytest.raises(DamagedPhoto, match=f"the checksum of its part {name} is wrong"):
            use(spoiled(name.encode(), whole), LIMITS)


def test_the_second_part_of_the_pixels_counts_too() -> None:
    whole = drawn.file_of(drawn.noise(300, 300), "PNG")
    assert whole.count(b"IDAT") > 1
    with pytest.raises(DamagedPhoto, match="IDAT"):
        decode(spoiled(b"IDAT", whole), LIMITS)


def test_pixels_that_cannot_be_unpacked_are_damaged_whatever_their_checksum() -> None:
    whole = bytearray(drawn.file_of(drawn.noise(), "PNG"))
    at = whole.index(b"IDAT")
    end = at + 4 + int.from_bytes(whole[at - 4 : at], "big")
    whole[(at + end) // 2] ^= 0x55
    whole[end : end + 4] = struct.pack(">I", zlib.crc32(whole[at:end]))
    with pytest.raises(DamagedPhoto):
        decode(bytes(whole), LIMITS)


def test_a_file_without_its_end_has_its_pixels_and_a_warning() -> None:
    whole = drawn.file_of(drawn.corners(), "PNG")
    for missing in (1, 5, 12):
        photo = decode(whole[:-missing], LIMITS)
        assert photo.warnings == ("the PNG file lacks its end, but none of its pixels",)
        assert drawn.corners_of(photo.scaled(1200)) == "RGBW"


@pytest.mark.parametrize("name", ["tEXt", "eXIf", "zTXt"])
def test_a_file_that_ends_within_a_part_behind_its_pixels_has_them_and_a_warning(name: str) -> None:
    added = chunk(name.encode(), ANCILLARY[name])
    whole = with_before(b"IEND", added)
    for left in range(1, len(added)):
        data = whole[: whole.rindex(b"IEND") - 4 - len(added) + left]
        photo = decode(data, LIMITS)
        assert photo.warnings == ("the PNG file lacks its end, but none of its pixels",)
        assert drawn.corners_of(photo.scaled(1200)) == "RGBW"


def test_a_file_that_ends_within_a_part_before_its_pixels_is_damaged() -> None:
    whole = with_before(b"IDAT", chunk(b"tEXt", ANCILLARY["tEXt"]))
    for end in (whole.index(b"tEXt") + 4, whole.index(b"tEXt") + 8):
        with pytest.raises(DamagedPhoto):
            decode(whole[:end], LIMITS)


def test_a_good_file_is_not_touched() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "hello")
    whole = drawn.file_of(drawn.corners(), "PNG", pnginfo=text, icc_profile=drawn.red_and_green_swapped())
    for data in (whole, whole + b"garbage behind the end"):
        assert png_chunks.readable(data) == (data, None)


def test_transparency_with_a_wrong_checksum_is_left_out() -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    photo = decode(spoiled(b"tRNS", drawn.file_of(picture, "PNG", transparency=1)), LIMITS)
    assert np.array_equal(photo.scaled(1200)[4, 4], (10, 20, 30))
    assert "tRNS" in photo.warnings[0]
