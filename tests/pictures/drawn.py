"""Pictures that tests draw themselves, as files in memory, and colour profiles made for one purpose."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms

#: How Pillow names the formats that it can write, and that we read.
WRITABLE = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")


def corners(width: int = 40, height: int = 24) -> Image.Image:
    """A picture whose four quarters differ: red, green, blue and white, clockwise from the upper left."""
    picture = Image.new("RGB", (width, height), (255, 255, 255))
    half = width // 2, height // 2
    picture.paste((255, 0, 0), (0, 0, half[0], half[1]))
    picture.paste((0, 255, 0), (half[0], 0, width, half[1]))
    picture.paste((0, 0, 255), (half[0], half[1], width, height))
    return picture


def noise(width: int = 96, height: int = 64) -> Image.Image:
    """A picture in which every byte of a file counts."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))


def corners_of(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    """The colours of the quarters clockwise from the upper left: "RGBW" for an upright `corners`."""
    height, width = pixels.shape[:2]
    places = ((1, 1), (1, 3), (3, 3), (3, 1))
    return "".join(_letter(pixels[height * down // 4, width * right // 4]) for down, right in places)


def file_of(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def exif_orientation(value: int) -> bytes:
    """An EXIF block that says nothing but the orientation."""
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def avif_that_exif_alone_turns(picture: Image.Image, orientation: int) -> bytes:
    """An AVIF whose container says nothing of a turn, while its EXIF block does."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    whole = file_of(picture, "AVIF", exif=exif.tobytes())
    # Pillow puts an orientation into the container and nowhere else: the maker's entry becomes one.
    maker = b"\x01\x0f" + struct.pack(">HII", 2, 6, 26)
    assert whole.count(maker) == 1
    return whole.replace(maker, b"\x01\x12" + struct.pack(">HIHH", 3, 1, orientation, 0))


def png(width: int, height: int, bits: int, colour_type: int, rows: bytes, profile: bytes | None = None) -> bytes:
    """A PNG file of our own making: Pillow writes neither 48-bit pixels nor headers that lie.

    `rows` are the raw pixels, each row without its filter byte.
    """
    row = len(rows) // height if rows else 0
    filtered = b"".join(b"\0" + rows[at : at + row] for at in range(0, len(rows), row)) if row else b""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))]
    if profile is not None:
        chunks.append((b"iCCP", b"p\0\0" + zlib.compress(profile)))
    chunks += [(b"IDAT", zlib.compress(filtered)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def red_and_green_swapped() -> bytes:
    """An RGB profile whose first number means green light and whose second means red."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = (profile.index(tag, 128) for tag in (b"rXYZ", b"gXYZ"))
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def cyan_means_red() -> bytes:
    """A CMYK profile of two steps a colour in which cyan ink prints red; all other inks print black."""
    black, white, red = (0, 128, 128), (255, 128, 128), (136, 208, 195)
    inks = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    table = [white if not any(ink) else red if ink == (1, 0, 0, 0) else black for ink in inks]
    line = bytes(range(256))
    identity = struct.pack(">9i", *(65536 if at in (0, 4, 8) else 0 for at in range(9)))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + line * 4 + bytes(sum(table, ())) + line * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut})


def linear_gray() -> bytes:
    """A gray profile whose numbers are amounts of light: its middle is much brighter than sRGB's."""
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve, b"wtpt": white})


def _profile(kind: bytes, space: bytes, between: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A colour profile by the book (ICC.1:2001-04, 6.1): header of 128 bytes, table of tags, tags."""
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        padded = content + b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", at + len(body), len(content))
        body += padded
    header = struct.pack(">I4sI", at + len(body), b"lcms", 0x02400000) + kind + space + between + b"\0" * 12 + b"acsp"
    header += b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + body


def _letter(pixel: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    red, green, blue = (bool(part > 127) for part in pixel)
    return {
        (True, False, False): "R",
        (False, True, False): "G",
        (False, False, True): "B",
        (True, True, True): "W",
    }.get((red, green, blue), "?")
