"""What a file's EXIF block says of the moment, in each format that has one, and in files that are broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from faces.photo.files.capture import Capture, capture_of, read_capture
from tests.pictures.drawn import file_of

TAKEN = "2020:05:17 14:03:21"


def exif(taken: str | None = TAKEN, turn: int | None = 6) -> bytes:
    block = Image.Exif()
    if turn is not None:
        block[0x0112] = turn
    if taken is not None:
        block.get_ifd(0x8769)[0x9003] = taken
    return block.tobytes()


def photo(kind: str, block: bytes) -> bytes:
    return file_of(Image.new("RGB", (40, 30), "gray"), kind, exif=block)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "TIFF"])
def test_the_moment_and_the_turn_are_read_in_each_format(kind: str) -> None:
    assert capture_of(photo(kind, exif())) == Capture(TAKEN, 6)


def test_an_avif_is_turned_by_its_container_and_taken_by_its_exif_block() -> None:
    found = capture_of(photo("AVIF", exif(turn=None)))
    assert found.taken == TAKEN


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "TIFF"])
def test_a_photo_that_says_nothing_has_neither(kind: str) -> None:
    assert capture_of(file_of(Image.new("RGB", (40, 30), "gray"), kind)).taken is None


def test_a_turn_that_exif_does_not_know_is_none() -> None:
    assert capture_of(photo("JPEG", exif(turn=9))) == Capture(TAKEN, None)


def test_what_is_no_photo_or_no_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    assert read_capture(tmp_path / "empty.jpg") == Capture()
    assert read_capture(tmp_path / "none.jpg") == Capture()
    assert capture_of(b"GIF89a") == Capture()


@given(cut=st.integers(0, 400), at=st.integers(0, 300), byte=st.integers(0, 255))
def test_a_broken_block_never_raises(cut: int, at: int, byte: int) -> None:
    data = bytearray(photo("JPEG", exif()))
    data[at % len(data)] = byte
    capture_of(bytes(data[: len(data) - cut]))
