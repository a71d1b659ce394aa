"""What is no photo, or one that we will not decode: always one of our errors, never a surprise."""

from __future__ import annotations

import random
import resource
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces.errors import DamagedPhoto, EmptyFile, PhotoError, PhotoTooLarge, UnsupportedFormat
from faces.photo.decoding import PhotoLimits, decode
from faces.photo.phash import phash
from tests.pictures import drawn, tiffs

LIMITS = PhotoLimits(max_pixels=120_000_000, max_bytes=64_000_000)
ROOT = Path(__file__).resolve().parents[4]
HEIC = ROOT / "tests/pictures/turned.heic"

#: A photo file of each kind, for breaking.
FILES = {kind: drawn.file_of(drawn.corners(64, 48), kind) for kind in drawn.WRITABLE} | {
    "HEIC": HEIC.read_bytes(),
    "CMYK": drawn.file_of(drawn.corners().convert("CMYK"), "JPEG", icc_profile=drawn.cyan_means_red()),
    "EXIF": drawn.file_of(
        drawn.corners(), "JPEG", exif=drawn.exif_orientation(6), icc_profile=drawn.red_and_green_swapped()
    ),
    "PALETTE": drawn.file_of(drawn.corners().convert("P"), "PNG", transparency=0),
    "LZW": drawn.file_of(drawn.corners(), "TIFF", compression="tiff_lzw"),
    "FLOAT": drawn.file_of(drawn.corners().convert("F"), "TIFF"),
    "PLANES": tiffs.tiff(
        np.asarray(drawn.corners(), dtype=np.uint16) * 257,
        *(2, 16),
        layout=tiffs.Layout(in_planes=True, rows=5, compression=tiffs.DEFLATE),
    ),
    "BIGTIFF": tiffs.tiff(
        np.asarray(drawn.corners(), dtype=np.float32) / 255,
        *(2, 32, tiffs.REAL),
        layout=tiffs.Layout(">", is_big=True, tags_first=True, tile=(16, 16)),
    ),
    "WITHOUT END": drawn.file_of(drawn.corners(), "JPEG", progressive=True)[:-2],
    "ANIMATED": drawn.file_of(drawn.corners(), "WEBP", save_all=True, append_images=[Image.new("RGB", (40, 24))]),
}


def test_an_empty_file_is_told_from_a_bad_one() -> None:
    with pytest.raises(EmptyFile, match="empty"):
        decode(b"", LIMITS)


@pytest.mark.parametrize(
    "data", [b"x", b"not a photo " * 40, b"<html><body>404</body></html>", b"BMW is a car maker", bytes(500)]
)
def test_what_is_no_picture_is_an_unsupported_format_that_names_the_supported_ones(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat, match=f"found {len(data)} bytes .* need JPEG, PNG, .* or HEIC"):
        decode(data, LIMITS)


@pytest.mark.parametrize("kind", ["PPM", "ICO", "PDF", "TGA", "EPS", "JPEG2000"])
def test_formats_that_pillow_knows_and_we_do_not_read_are_never_opened(kind: str) -> None:
    with pytest.raises(UnsupportedFormat):
        decode(drawn.file_of(drawn.corners(), kind), LIMITS)


@pytest.mark.parametrize("kind", [*drawn.WRITABLE, "HEIC"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_a_photo_that_is_cut_off_is_damaged(kind: str, part: float) -> None:
    data = FILES["HEIC"] if kind == "HEIC" else drawn.file_of(drawn.noise(), kind)
    with pytest.raises(DamagedPhoto, match="cut off"):
        decode(data[: int(len(data) * part)], LIMITS)


def test_a_heading_without_a_photo_is_damaged() -> None:
    with pytest.raises(DamagedPhoto, match="the JPEG file is damaged or cut off: its header cannot be read"):
        decode(b"\xff\xd8\xff\xe0", LIMITS)


def test_a_heic_whose_items_have_no_names_is_refused_before_its_decoder_crashes() -> None:
    with pytest.raises(DamagedPhoto, match="no text"):
        decode(HEIC.read_bytes().replace(b"Exif", b"\xff\xff\xff\xff", 1), LIMITS)


def test_garbage_behind_a_photo_does_no_harm() -> None:
    for kind in ("JPEG", "PNG", "HEIC"):
        decode(FILES[kind] + b"garbage behind the photo" * 100, LIMITS)


def test_more_bytes_than_the_limit_are_refused_with_both_numbers() -> None:
    with pytest.raises(PhotoTooLarge, match="the file has 1,001 bytes, at most 1,000 are accepted"):
        decode(b"\xff\xd8\xff" + bytes(998), PhotoLimits(120_000_000, 1000))


def test_the_limit_itself_is_accepted_and_one_pixel_more_is_refused_with_both_numbers() -> None:
    exactly = PhotoLimits(40 * 24, 1_000_000)
    assert decode(drawn.file_of(drawn.corners(40, 24), "PNG"), exactly).width == 40
    with pytest.raises(PhotoTooLarge, match=r"has 984 pixels \(41 × 24\), at most 960 are accepted"):
        decode(drawn.file_of(drawn.corners(41, 24), "PNG"), exactly)


def test_100_megapixels_are_accepted_and_121_refused() -> None:
    photo = decode(drawn.file_of(Image.new("1", (10_000, 10_000)), "PNG"), LIMITS)
    assert photo.width * photo.height == 100_000_000
    with pytest.raises(PhotoTooLarge, match="121,000,000 pixels"):
        decode(drawn.file_of(Image.new("1", (11_000, 11_000)), "PNG"), LIMITS)


def bomb(kind: str) -> bytes:
    """A small file whose header promises 50 000 × 50 000 pixels (WebP and JPEG: what they can say at most)."""
    if kind == "PNG":
        return drawn.png(50_000, 50_000, 8, 2, b"")
    if kind == "GIF":
        descriptor = b"," + struct.pack("<4H", 0, 0, 50_000, 50_000) + b"\0\x02\x02\x44\x01\0;"
        return b"GIF89a" + struct.pack("<2H", 50_000, 50_000) + b"\x80\0\0\0\0\0\xff\xff\xff" + descriptor
    if kind == "BMP":
        header = struct.pack("<IiiHHIIiiII", 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0)
        return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header
    if kind == "TIFF":
        tags = ((256, 50_000), (257, 50_000), (258, 8), (259, 1), (262, 1), (273, 8), (278, 50_000), (279, 1))
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    if kind == "WEBP":
        frame = drawn.file_of(Image.new("RGB", (8, 8)), "WEBP")[12:]
        canvas = b"\x02\0\0\0" + (16_382).to_bytes(3, "little") * 2
        part = bytes(6) + (7).to_bytes(3, "little") * 2 + bytes(4) + frame
        chunks = ((b"VP8X", canvas), (b"ANIM", bytes(6)), (b"ANMF", part))
        body = b"WEBP" + b"".join(name + struct.pack("<I", len(content)) + content for name, content in chunks)
        return b"RIFF" + struct.pack("<I", len(body)) + body
    whole = bytearray(drawn.file_of(drawn.corners(), "JPEG"))
    start = whole.index(b"\xff\xc0")
    whole[start + 5 : start + 9] = struct.pack(">2H", 50_000, 50_000)
    return bytes(whole)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG"])
def test_a_bomb_is_refused_by_its_header_with_both_numbers_and_without_memory(kind: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PhotoTooLarge, match=r"[\d,]{11,} pixels \(\d+ × \d+\), at most 120,000,000 are accepted"):
        decode(bomb(kind), LIMITS)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_a_bomb_in_the_metadata_is_refused() -> None:
    text = drawn.png(4, 4, 8, 0, bytes(16), profile=bytes(200_000_000))
    decode_or_refuse(text)


def decode_or_refuse(data: bytes) -> None:
    try:
        photo = decode(data, PhotoLimits(2_000_000, 64_000_000))
        photo.for_people(photo.scaled(50))
    except PhotoError as error:
        assert str(error)


@pytest.mark.parametrize("times", [150, pytest.param(5000, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", FILES)
def test_whatever_happens_to_a_file_it_is_a_photo_or_an_error_of_ours(kind: str, times: int) -> None:
    chance = random.Random(kind)  # noqa: S311  the same files in every run
    for _ in range(times):
        broken = mutated(FILES[kind], chance)
        decode_or_refuse(broken)
        try:
            phash(broken, PhotoLimits(2_000_000, 64_000_000))
        except PhotoError as error:
            assert str(error)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The file with some bytes changed, lost or added, most of them near its beginning."""
    broken = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(min(len(broken), chance.choice((300, len(broken)))))
        broken[at : at + chance.choice((0, 1, 1, 4))] = chance.choice(
            (b"", b"\xff", b"\0", b"\xff\xff\xff\xff", bytes(4), chance.randbytes(4))
        )
    return bytes(broken)


def test_pillows_own_limit_and_warnings_stay_out_of_it_where_warnings_are_errors() -> None:
    code = (
        "import io; from PIL import Image; from faces.photo.decoding import PhotoLimits, decode; file = io.BytesIO();"
        "Image.new('1', (10_000, 10_000)).save(file, 'PNG'); del Image;"
        "print(decode(file.getvalue(), PhotoLimits(10**8, 10**8)).width)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "10000\n"
    assert done.stderr == ""
