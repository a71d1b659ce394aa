"""Which way up: EXIF, a TIFF's tag, the container of HEIC and AVIF; never XMP."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from faces.photo import turns
from faces.photo.decoding import PhotoLimits, decode
from faces.photo.files import heif
from tests.pictures import drawn

LIMITS = PhotoLimits(max_pixels=1_000_000, max_bytes=10_000_000)

#: 224 × 280 pixels upright; container and EXIF both say 6.
HEIC = (Path(__file__).parents[4] / "pictures/turned.heic").read_bytes()

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def with_xmp(kind: str, exif: bytes | None = None) -> bytes:
    """An upright picture whose XMP says that it is to be turned."""
    others = {"exif": exif} if exif else {}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        return drawn.file_of(drawn.corners(), "PNG", pnginfo=text, **others)
    return drawn.file_of(drawn.corners(), kind, xmp=XMP, **others)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_xmp_turns_nothing(kind: str) -> None:
    data = with_xmp(kind)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.getexif().get(0x0112) == 6, "without this the test shows nothing"
    photo = decode(data, LIMITS)
    assert photo.orientation == 1
    assert drawn.corners_of(photo.scaled(1200)) == "RGBW"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_says_it_whatever_xmp_says(kind: str) -> None:
    photo = decode(with_xmp(kind, drawn.exif_orientation(3)), LIMITS)
    assert photo.orientation == 3


def test_xmp_is_not_read_where_exif_names_the_resolution_either() -> None:
    exif = Image.Exif()
    exif[0x011A], exif[0x011B], exif[0x0128] = 72.0, 72.0, 2
    data = drawn.file_of(drawn.corners(), "JPEG", xmp=XMP, exif=exif.tobytes())
    # Without the resolution of JFIF Pillow looks into EXIF, and then into XMP, as soon as it opens the file.
    jfif = data.index(b"JFIF\0")
    assert decode(data[: jfif + 7] + b"\0" + data[jfif + 8 :], LIMITS).orientation == 1


def test_exif_of_a_png_may_stand_behind_its_pixels_and_as_text() -> None:
    block = drawn.exif_orientation(8)
    whole = drawn.file_of(drawn.corners(), "PNG")
    end = whole.index(b"IEND") - 4
    content = b"eXIf" + block[6:]
    late = (
        whole[:end]
        + (len(content) - 4).to_bytes(4, "big")
        + content
        + zlib.crc32(content).to_bytes(4, "big")
        + whole[end:]
    )
    assert decode(late, LIMITS).orientation == 8
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    assert decode(drawn.file_of(drawn.corners(), "PNG", pnginfo=text), LIMITS).orientation == 8


def renamed(name: bytes, to: bytes, data: bytes = HEIC) -> bytes:
    assert data.count(name) == 1
    return data.replace(name, to)


def with_exif(orientation: int, data: bytes = HEIC) -> bytes:
    """The HEIC with another orientation in its EXIF block."""
    tag = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00"
    at = data.index(tag) + len(tag)
    return data[:at] + bytes([orientation]) + data[at + 1 :]


def with_turn(value: int, kind: bytes = b"irot") -> bytes:
    """The HEIC with another turn in its container."""
    at = HEIC.index(b"irot")
    return HEIC[:at] + kind + bytes([value]) + HEIC[at + 5 :]


@pytest.mark.parametrize(("value", "orientation"), [(0, 1), (1, 8), (2, 3), (3, 6)])
def test_the_containers_turn_counts_and_exif_does_not(value: int, orientation: int) -> None:
    photo = decode(with_exif(8 if orientation != 8 else 3, with_turn(value)), LIMITS)
    assert photo.orientation == orientation
    assert (photo.width, photo.height) == turns.size_turned(280, 224, orientation)
    assert photo.warnings == ()
    assert photo.other_way is None


@pytest.mark.parametrize(("value", "orientation"), [(0, 4), (1, 2)])
def test_the_containers_mirroring_counts(value: int, orientation: int) -> None:
    assert decode(with_turn(value, b"imir"), LIMITS).orientation == orientation


@pytest.mark.parametrize("orientation", range(2, 9))
def test_without_a_turn_of_the_container_exif_counts_with_a_warning(orientation: int) -> None:
    photo = decode(with_exif(orientation, renamed(b"irot", b"free")), LIMITS)
    assert photo.orientation == orientation
    assert (photo.width, photo.height) == turns.size_turned(280, 224, orientation)
    assert len(photo.warnings) == 1
    assert photo.warnings[0].startswith("the HEIC file says by EXIF alone")
    assert photo.other_way == turns.inverse(orientation)


def test_a_heic_that_exif_leaves_alone_has_no_other_way() -> None:
    photo = decode(with_exif(1, renamed(b"irot", b"free")), LIMITS)
    assert photo.orientation == 1
    assert photo.warnings == ()
    assert photo.other_way is None


def test_an_avif_is_turned_by_exif_where_its_container_says_nothing() -> None:
    photo = decode(drawn.avif_that_exif_alone_turns(drawn.corners(), 6), LIMITS)
    assert photo.orientation == 6
    assert photo.warnings[0].startswith("the AVIF file says by EXIF alone")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_containers_turn_is_the_one_that_pillow_finds(orientation: int) -> None:
    data = drawn.file_of(drawn.corners(), "AVIF", exif=drawn.exif_orientation(orientation))
    assert (heif.ways_up(data).turn or 1) == orientation


def test_a_turn_of_another_item_is_not_the_pictures() -> None:
    at = HEIC.index(b"ipma")
    item = at + 4 + 4 + 4
    other = HEIC[: item + 1] + b"\x09" + HEIC[item + 2 :]
    assert heif.ways_up(HEIC).turn == 6
    assert heif.ways_up(other).turn is None


def test_what_cannot_be_read_is_as_if_it_were_not_there() -> None:
    for size in (0, 8, 40, 120, 160, 190, 200, 240, 3000):
        assert heif.ways_up(HEIC[:size]).exif is None
    assert heif.ways_up(renamed(b"ipco", b"free")).turn is None
    assert heif.ways_up(renamed(b"ipco", b"free")).exif is not None
    assert heif.ways_up(renamed(b"iloc", b"free")).exif is None
    assert heif.ways_up(renamed(b"iloc", b"free")).turn == 6


@pytest.mark.parametrize("item", [1, 2])
def test_an_item_whose_pieces_are_all_the_whole_file_takes_no_memory(item: int) -> None:
    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(content), kind) + content

    size, extents = 100_000, 3000
    names = box(b"infe", b"\2\0\0\0" + struct.pack(">HH", item, 0) + b"Exif\0")
    whole_file = struct.pack(">HHH", 1, 0, extents) + struct.pack(">II", 8, size - 8) * extents
    one_byte = struct.pack(">HHHII", 2, 0, 1, 8, 1)
    places = box(b"iloc", bytes(4) + b"\x44\0" + struct.pack(">H", 2) + whole_file + one_byte)
    meta = box(b"meta", bytes(4) + box(b"iinf", bytes(4) + struct.pack(">H", 1) + names) + places)
    data = meta + box(b"free", bytes(size - len(meta) - 8))
    tracemalloc.start()
    assert heif.ways_up(data).exif is None
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10 * size
