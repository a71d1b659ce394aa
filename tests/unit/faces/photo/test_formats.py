"""Formats by the first bytes, and what the boxes of a HEIC say."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.photo import formats
from faces.photo.files import heif
from tests.pictures import drawn

HEIC = (Path(__file__).parents[3] / "pictures/turned.heic").read_bytes()


def box(kind: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


@pytest.mark.parametrize("kind", drawn.WRITABLE)
def test_what_pillow_writes_is_known(kind: str) -> None:
    found = formats.format_of(drawn.file_of(drawn.corners(), kind)[: formats.HEAD_BYTES])
    assert found is not None
    assert found.upper() == kind


@pytest.mark.parametrize(
    ("brands", "name"),
    [
        (b"heic\0\0\0\0mif1heic", "HEIC"),
        (b"mif1\0\0\0\0mif1heic", "HEIC"),
        (b"avif\0\0\0\0mif1miaf", "AVIF"),
        (b"mif1\0\0\0\0mif1avif", "AVIF"),
        (b"isom\0\0\0\0isommp42", None),
        (b"qt  \0\0\0\0qt  ", None),
    ],
)
def test_heic_avif_and_films_are_told_apart_by_their_brands(brands: bytes, name: str | None) -> None:
    assert formats.format_of(box(b"ftyp", brands) + b"avif" * 8) == name


@pytest.mark.parametrize(
    "head", [b"", b"B", b"BM", b"RIFF", b"RIFF\0\0\0\0WAVE", b"\xff\xd8", b"%PDF-1.7", b"\0\0\0\x0cjP  "]
)
def test_everything_else_is_unknown(head: bytes) -> None:
    assert formats.format_of(head) is None


def test_the_readable_formats_are_the_ones_that_can_be_named() -> None:
    files = [drawn.file_of(drawn.corners(), kind) for kind in drawn.WRITABLE] + [HEIC]
    assert {formats.format_of(data[: formats.HEAD_BYTES]) for data in files} == set(formats.READABLE)


def test_a_whole_file_misses_nothing_and_a_cut_one_says_how_much() -> None:
    assert heif.bytes_missing(HEIC) == 0
    assert heif.bytes_missing(HEIC[:-100]) == 100
    assert heif.bytes_missing(HEIC[: -len(HEIC) // 2]) == -(-len(HEIC) // 2)


def test_sizes_of_8_bytes_and_boxes_to_the_end_are_understood() -> None:
    long = b"\0\0\0\1mdat" + (32).to_bytes(8, "big") + bytes(16)
    assert heif.bytes_missing(box(b"ftyp") + long) == 0
    assert heif.bytes_missing(box(b"ftyp") + long[:-3]) == 3
    assert heif.bytes_missing(box(b"ftyp") + b"\0\0\0\0mdat" + bytes(9)) == 0


def test_what_follows_the_picture_is_nobodys_loss() -> None:
    assert heif.bytes_missing(HEIC + b"\x7f\xff\xff\xffmpvd" + bytes(10)) == 0


@pytest.mark.parametrize(("version", "number"), [(2, 2), (3, 4)])
def test_names_of_items_must_be_text(version: int, number: int) -> None:
    # An item's number may be any bytes.
    start = bytes((version, 0, 0, 0)) + b"\xff" * number + b"\0\0"
    for name, garbled in (
        (b"Exif\0", False),
        (b"mimename\0type\0", False),
        (b"\xfff\xff\xff\0", True),
        (b"Exif\xe9\0", True),
    ):
        assert heif.has_garbled_names(bytes(8) + box(b"infe", start + name) + b"\xff\xff") is garbled
    assert not heif.has_garbled_names(HEIC)
    assert not heif.has_garbled_names(b"infe")
