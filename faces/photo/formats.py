"""Which picture format some bytes are in, by their first bytes and never by a name."""

from __future__ import annotations

import mmap

FileBytes = bytes | bytearray | memoryview | mmap.mmap
"""A whole photo file: read, received, or mapped."""

#: What we read, in the order in which it is named to a person.
READABLE = ("JPEG", "PNG", "WebP", "GIF", "TIFF", "BMP", "AVIF", "HEIC")

#: Bytes that `format_of` needs to see; an ISO media file lists its brands within them.
HEAD_BYTES = 64

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)

#: Sizes of a bitmap header; "BM" alone would take a text that begins with "BMW" for a picture.
_BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)

_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))


def format_of(head: bytes) -> str | None:
    """Name the format of a file from its first `HEAD_BYTES` bytes: one of `READABLE`, or None."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS:
        return "BMP"
    return _iso_format(head) if head[4:8] == b"ftyp" else None


def _iso_format(head: bytes) -> str | None:
    """Tell AVIF from HEIC, which share a container: the brands say which decoder the file wants."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIC" if brands & _HEIC_BRANDS else None
