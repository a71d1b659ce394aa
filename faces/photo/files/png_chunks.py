"""The chunks of a PNG and their checksums: what a picture can do without is left out where its checksum is wrong."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faces.photo.formats import FileBytes

_SIGNATURE = 8
_END = b"IEND"
#: What makes an animation of a picture that can be shown without it (ISO/IEC 15948:2024, 11.3.4).
_ANIMATION = frozenset((b"acTL", b"fcTL", b"fdAT"))
#: The bit of a chunk's first letter that says that the picture can do without it (ISO/IEC 15948, 5.4).
_ANCILLARY = 0x20


@dataclass(frozen=True, slots=True)
class _Chunk:
    start: int
    end: int
    name: bytes
    is_right: bool

    @property
    def is_ancillary(self) -> bool:
        """Whether the picture can be shown without it."""
        return bool(self.name[0] & _ANCILLARY)


def readable(data: FileBytes) -> tuple[FileBytes, str | None]:
    """The file without the ancillary chunks whose checksum is wrong, and what was wrong with it; None for nothing.

    Viewers show such a file. Pillow reads none of those, but pixels whose checksum is wrong, hence the check of all.
    A file that lacks its end is left to Pillow, which knows whether its pixels are whole.

    Raises:
        ValueError: the checksum of a critical chunk, like that of the pixels, is wrong.
    """
    chunks = list(_chunks(data))
    wrong = [chunk for chunk in chunks if not chunk.is_right and chunk.name != _END]
    for chunk in wrong:
        if not chunk.is_ancillary:
            raise ValueError(f"the checksum of its part {chunk.name.decode('ascii')} is wrong")
    if wrong:
        names = ", ".join(dict.fromkeys(chunk.name.decode("ascii") for chunk in wrong))
        return _without(
            data, _with_their_animation(wrong, chunks)
        ), f"the PNG file was read without its {names}, whose checksum is wrong"
    if not any(chunk.name == _END for chunk in chunks):
        return _without_a_cut_rest(data, chunks), "the PNG file lacks its end, but none of its pixels"
    return data, None


def _chunks(data: FileBytes) -> Iterator[_Chunk]:
    """The whole chunks, up to the end that the file has or says."""
    start = _SIGNATURE
    with memoryview(data) as content:
        while start + 12 <= len(data):
            length = int.from_bytes(content[start : start + 4], "big")
            end = start + 12 + length
            name = bytes(content[start + 4 : start + 8])
            if end > len(data) or not name.isalpha():
                return
            checksum = int.from_bytes(content[end - 4 : end], "big")
            yield _Chunk(start, end, name, zlib.crc32(content[start + 4 : end - 4]) == checksum)
            if name == _END:
                return
            start = end


def _with_their_animation(wrong: Sequence[_Chunk], chunks: Sequence[_Chunk]) -> Sequence[_Chunk]:
    """The wrong chunks; with one of an animation all others of it, which are no sequence without that one."""
    if not any(chunk.name in _ANIMATION for chunk in wrong):
        return wrong
    return [chunk for chunk in chunks if chunk in wrong or chunk.name in _ANIMATION]


def _without_a_cut_rest(data: FileBytes, chunks: Sequence[_Chunk]) -> FileBytes:
    """Without a last part that is cut off, where it holds no pixels: Pillow would refuse the file for it."""
    end = chunks[-1].end if chunks else len(data)
    name = bytes(data[end + 4 : end + 8])
    return bytes(data[:end]) if name.isalpha() and name[0] & _ANCILLARY else data


def _without(data: FileBytes, chunks: Sequence[_Chunk]) -> bytes:
    starts = [0, *(chunk.end for chunk in chunks)]
    ends = [*(chunk.start for chunk in chunks), len(data)]
    return b"".join(data[start:end] for start, end in zip(starts, ends, strict=True))
