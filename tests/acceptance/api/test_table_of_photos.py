"""docs/photos.md, its table of photos, against the API: what each row names is sent, and gets what the row says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.pictures import drawn, tiffs

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/photos.md").read_text(encoding="utf-8")
HEIC = (ROOT / "tests/pictures/turned.heic").read_bytes()

#: Rows that other tests show, because they need a face or a process that ends.
ELSEWHERE = {
    "60 faces": "test_odd_photos.py",
    "a photo that ended two engine processes within a day": "tests/acceptance/crashes",
}


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def spoiled(chunk: bytes, data: bytes) -> bytes:
    """The PNG with another checksum of a chunk."""
    at = data.index(chunk)
    end = at + 4 + int.from_bytes(data[at - 4 : at], "big")
    return data[:end] + bytes([data[end] ^ 1]) + data[end + 1 :]


def gray(bits: int, kind: int = tiffs.UNSIGNED, photometric: int = 1, extra: tuple[int, ...] = ()) -> bytes:
    samples = np.zeros((20, 30, 1 + len(extra)))
    return tiffs.tiff(samples, photometric, bits, kind, extra)


def png_with_profile() -> bytes:
    return drawn.file_of(drawn.corners(), "PNG", icc_profile=drawn.red_and_green_swapped())


def jpeg_with_xmp() -> bytes:
    return drawn.file_of(drawn.corners(), "JPEG", xmp=b'<x tiff:Orientation="6"/>')


def png_with_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "hello")
    return drawn.file_of(drawn.corners(), "PNG", pnginfo=text)


def logo() -> bytes:
    picture = Image.new("RGBA", (60, 60))
    picture.paste((0, 0, 0, 255), (10, 10, 30, 50))
    return drawn.file_of(picture, "PNG")


def wide(width: int, height: int) -> bytes:
    return drawn.file_of(Image.new("1", (width, height)), "PNG")


#: What a row of the table names.
SENT: dict[str, list[Callable[[], bytes]]] = {
    "empty file": [bytes],
    "text, HTML or a program named .jpg": [
        lambda: b"text" * 9,
        lambda: b"<html></html>" * 9,
        lambda: b"\x7fELF" + bytes(99),
    ],
    "half a JPEG, half a PNG": [
        lambda: half(drawn.file_of(drawn.noise(), "JPEG")),
        lambda: half(drawn.file_of(drawn.noise(), "PNG")),
    ],
    "JPEG without its end marker, or with zeros in its place, all its pixels there": [
        lambda: drawn.file_of(drawn.noise(), "JPEG")[:-2],
        lambda: drawn.file_of(drawn.noise(), "JPEG")[:-2] + bytes(99),
    ],
    "half a JPEG with an end marker behind it, as all programs show it": [
        lambda: half(drawn.file_of(drawn.noise(), "JPEG")) + b"\xff\xd9"
    ],
    "PNG with a wrong checksum of iCCP, tEXt or another ancillary chunk": [
        lambda: spoiled(b"iCCP", png_with_profile()),
        lambda: spoiled(b"tEXt", png_with_text()),
    ],
    "PNG with a wrong checksum of IDAT or another critical chunk": [
        lambda: spoiled(b"IDAT", png_with_profile()),
        lambda: spoiled(b"IHDR", png_with_profile()),
    ],
    "TIFF of 16, 32 or 64 bits, signed, floating-point, white is zero, in separate planes": [
        *(lambda bits=bits, kind=kind: gray(bits, kind) for bits in (16, 32, 64) for kind in (1, 2)),
        *(lambda bits=bits: gray(bits, tiffs.REAL) for bits in (32, 64)),
        *(lambda bits=bits: gray(bits, photometric=0) for bits in (8, 16, 32)),
        lambda: tiffs.tiff(np.zeros((20, 30, 3)), 2, 16, layout=tiffs.Layout(in_planes=True)),
    ],
    "TIFF of 12 bits, half floats, 16-bit gray with alpha, … ([which are read](#which-tiffs-are-read))": [
        lambda: gray(12),
        lambda: gray(16, tiffs.REAL),
        lambda: gray(16, extra=(2,)),
        lambda: gray(6),
        lambda: gray(8, tiffs.SIGNED),
    ],
    "HEIC or AVIF that only EXIF wants turned": [lambda: HEIC.replace(b"irot", b"free")],
    "a photo whose XMP says that it is to be turned": [jpeg_with_xmp],
    "a picture of one colour, a logo on transparent, as a file of `/hash`": [
        logo,
        lambda: drawn.file_of(Image.new("RGB", (30, 20), "red"), "JPEG"),
    ],
    "PNG of 50 000 × 50 000, any photo over 120 megapixels": [
        lambda: drawn.png(50_000, 50_000, 8, 2, b""),
        lambda: wide(11_000, 11_000),
    ],
    "100 megapixels, 1 × 1, 3000 × 1": [lambda: wide(10_000, 10_000), lambda: wide(1, 1), lambda: wide(3000, 1)],
    "16-bit PNG, CMYK, animated GIF (first frame), HEIC": [
        lambda: drawn.png(16, 16, 16, 0, bytes(512)),
        lambda: drawn.file_of(drawn.corners().convert("CMYK"), "JPEG"),
        lambda: drawn.file_of(drawn.corners(), "GIF", save_all=True, append_images=[Image.new("RGB", (40, 24))]),
        lambda: HEIC,
    ],
}


def rows() -> dict[str, str]:
    """The table of photos: what comes in -> what it gets."""
    table = PAGE.split("## Photos", 1)[1].split("\n## ", 1)[0]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines() if "|" in line]
    return {cells[0]: cells[1] for cells in cells[2:]}


def test_every_row_is_sent_or_shown_elsewhere() -> None:
    assert set(rows()) == {*SENT, *ELSEWHERE}


@pytest.mark.parametrize("row", SENT)
def test_a_photo_gets_what_its_row_says(row: str, api: Any) -> None:
    answer = rows()[row]
    status, code = re.match(r"(\d{3})(?: `(\w+)`)?", answer).groups()
    path, field = ("/hash", "file") if "/hash" in row else ("/encode", "image")
    for make in SENT[row]:
        reply = api.client.post(path, files={field: ("photo.jpg", make())})
        assert reply.status_code == int(status), reply.text
        assert reply.json().get("code") == code
        if "warning" in answer:
            assert len(reply.json()["warnings"]) == 1
        elif status == "200" and "CMYK" not in row:
            assert reply.json()["warnings"] == []


def test_a_photo_that_only_xmp_wants_turned_is_not_turned(api: Any) -> None:
    reply = api.client.post("/encode", files={"image": ("photo.jpg", jpeg_with_xmp())})
    assert reply.json()["image"]["orientation"] == 1


def test_two_hashes_name_the_file_that_says_nothing(api: Any) -> None:
    files = {"file1": ("a", drawn.file_of(drawn.noise(), "PNG")), "file2": ("b", logo())}
    reply = api.client.post("/compare-images", files=files)
    assert len(reply.json()["warnings"]) == 1
    assert reply.json()["warnings"][0].startswith("file2: the hash says nothing")
