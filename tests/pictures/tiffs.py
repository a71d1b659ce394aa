"""TIFF files of every kind, written byte by byte: Pillow writes few of them, and what it writes it also reads."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]
"""Shape (height, width, samples)."""

Tag = tuple[int, Sequence[int]]
"""Field type, and its numbers."""

UNSIGNED, SIGNED, REAL = 1, 2, 3

#: Field type -> how `struct` writes it.
_LETTERS = {3: "H", 4: "I", 5: "I", 7: "B", 16: "Q"}


def packbits(data: bytes) -> bytes:
    """PackBits without a run: each 128 bytes behind their number."""
    pieces = [data[at : at + 128] for at in range(0, len(data), 128)]
    return b"".join(bytes([len(piece) - 1]) + piece for piece in pieces)


def lzw(data: bytes) -> bytes:
    """TIFF's LZW whose table never grows out of 9 bits: it is cleared before."""
    codes = [code for at in range(0, len(data), 200) for code in (256, *data[at : at + 200])] + [257]
    bits = "".join(f"{code:09b}" for code in codes)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


NONE, LZW, DEFLATE, PACKBITS = 1, 5, 8, 32773
_PACK: Mapping[int, Callable[[bytes], bytes]] = {
    NONE: bytes,
    LZW: lzw,
    DEFLATE: zlib.compress,
    PACKBITS: packbits,
}


@dataclass(frozen=True)
class Layout:
    """How the same samples may lie in a file. `tile` is (height, width); `tags` add to the usual, or replace them."""

    order: str = "<"
    is_big: bool = False
    in_planes: bool = False
    rows: int | None = None
    tile: tuple[int, int] | None = None
    compression: int = NONE
    predictor: int = 1
    fill_order: int = 1
    tags_first: bool = False
    tags: Mapping[int, Tag] = field(default_factory=dict, hash=False)


def tiff(
    samples: Samples,
    photometric: int,
    bits: int,
    kind: int = UNSIGNED,
    extra: Sequence[int] = (),
    layout: Layout = Layout(),
) -> bytes:
    """A TIFF of these samples: whole numbers of so many bits, or real ones."""
    height = len(samples)
    parts = [_compressed(part, bits, kind, layout) for part in _parts(samples, layout)]
    body = b"".join(part + bytes(len(part) % 2) for part in parts)
    start = 16 if layout.is_big else 8
    tags = _tags(samples, photometric, bits, kind, extra, layout)
    if layout.tags_first:
        pixels = start + len(_directory(start, {**tags, **_places(parts, start, height, layout)}, layout))
        table = _directory(start, {**tags, **_places(parts, pixels, height, layout), **layout.tags}, layout)
        return _header(start, layout) + table + body
    after = start + len(body)
    table = _directory(after, {**tags, **_places(parts, start, height, layout), **layout.tags}, layout)
    return _header(after, layout) + body + table


def _tags(
    samples: Samples, photometric: int, bits: int, kind: int, extra: Sequence[int], layout: Layout
) -> dict[int, Tag]:
    height, width, count = samples.shape
    tags: dict[int, Tag] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * count),
        259: (3, [layout.compression]),
        262: (3, [photometric]),
        266: (3, [layout.fill_order]),
        277: (3, [count]),
        284: (3, [2 if layout.in_planes else 1]),
        317: (3, [layout.predictor]),
        339: (3, [kind] * count),
    }
    if extra:
        tags[338] = (3, extra)
    return tags


def _places(parts: Sequence[bytes], start: int, height: int, layout: Layout) -> dict[int, Tag]:
    places: list[int] = []
    for part in parts:
        places.append(start)
        start += len(part) + len(part) % 2
    sizes = [len(part) for part in parts]
    if layout.tile:
        return {322: (4, [layout.tile[1]]), 323: (4, [layout.tile[0]]), 324: (4, places), 325: (4, sizes)}
    return {273: (4, places), 278: (4, [layout.rows or height]), 279: (4, sizes)}


def _parts(samples: Samples, layout: Layout) -> list[Samples]:
    """Strips or tiles, of one plane after the other; tiles reach beyond the picture."""
    height, width, count = samples.shape
    planes = [samples[:, :, which : which + 1] for which in range(count)] if layout.in_planes else [samples]
    if layout.tile is None:
        rows = layout.rows or height
        return [plane[top : top + rows] for plane in planes for top in range(0, height, rows)]
    down, across = layout.tile
    around = ((0, -height % down), (0, -width % across), (0, 0))
    return [
        np.pad(plane, around, mode="edge")[top : top + down, left : left + across]
        for plane in planes
        for top in range(0, height, down)
        for left in range(0, width, across)
    ]


def _compressed(part: Samples, bits: int, kind: int, layout: Layout) -> bytes:
    if layout.predictor == 2:
        part = np.concatenate([part[:, :1], np.diff(part, axis=1)], axis=1)
    rows = part.reshape(len(part), -1)
    content = _packed(rows, bits, kind, layout.order)
    if layout.predictor == 3:
        content = _differences(content, rows.shape, part.shape[2], layout.order)
    if layout.fill_order == 2:
        return _PACK[layout.compression](content).translate(bytes(int(f"{at:08b}"[::-1], 2) for at in range(256)))
    return _PACK[layout.compression](content)


def _packed(rows: Samples, bits: int, kind: int, order: str) -> bytes:
    if bits in (8, 16, 32, 64):
        return rows.astype(f"{order}{'uif'[kind - 1]}{bits // 8}").tobytes()
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint64)
    single = (rows.astype(np.uint64)[:, :, None] >> shifts & 1).astype(np.uint8)
    return np.packbits(single.reshape(len(rows), -1), axis=1).tobytes()


def _differences(content: bytes, shape: tuple[int, ...], samples: int, order: str) -> bytes:
    """Adobe's predictor for real numbers: bytes of the same weight side by side, then differences."""
    numbers = np.frombuffer(content, np.uint8).reshape(*shape, -1)
    heaviest_first = numbers[:, :, ::-1] if order == "<" else numbers
    planes = heaviest_first.transpose(0, 2, 1).reshape(shape[0], -1)
    return np.concatenate([planes[:, :samples], planes[:, samples:] - planes[:, :-samples]], axis=1).tobytes()


def _header(directory: int, layout: Layout) -> bytes:
    mark = b"II" if layout.order == "<" else b"MM"
    if layout.is_big:
        return mark + struct.pack(layout.order + "HHHQ", 43, 8, 0, directory)
    return mark + struct.pack(layout.order + "HI", 42, directory)


def _directory(start: int, tags: Mapping[int, Tag], layout: Layout) -> bytes:
    inline, entry, ends = (8, 20, (8, 8)) if layout.is_big else (4, 12, (2, 4))
    at = start + sum(ends) + entry * len(tags)
    table, beside = b"", b""
    for tag, (kind, numbers) in sorted(tags.items()):
        value = struct.pack(f"{layout.order}{len(numbers)}{_LETTERS[kind]}", *numbers)
        count = len(numbers) // 2 if kind == 5 else len(numbers)
        if len(value) > inline:
            place = struct.pack(layout.order + ("Q" if layout.is_big else "I"), at + len(beside))
            beside += value + bytes(len(value) % 2)
            value = place
        table += struct.pack(layout.order + ("HHQ" if layout.is_big else "HHI"), tag, kind, count)
        table += value.ljust(inline, b"\0")
    number = struct.pack(layout.order + ("Q" if layout.is_big else "H"), len(tags))
    return number + table + bytes(ends[1]) + beside
