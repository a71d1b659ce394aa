"""LANCZOS down-scaling by the native library: the same bytes as Pillow's `Image.resize`, at a tenth of its time."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import numpy as np
import PIL

from faces.photo.face import Pixels
from faces.photo.fast.native_library import NativeLibrary, check

Size = tuple[int, int]
"""Width and height in pixels."""


class Order(IntEnum):
    """Which way is scaled first: `face_order` of native/src/face_native.h."""

    ACROSS_FIRST = 0
    DOWN_FIRST = 1


def _order_of_12(source: Size, size: Size) -> Order:
    """As Pillow 12.3 does it: `Image.resize`."""
    return Order.DOWN_FIRST if source[1] > 100 * source[0] and size[1] < source[1] else Order.ACROSS_FIRST


def _order_of_13(source: Size, size: Size) -> Order:
    """As Pillow 13.0 does it: `ImagingResampleInner` in Resample.c."""
    columns, rows = source[0] - size[0], source[1] - size[1]
    return Order.DOWN_FIRST if rows > 0 and rows > 2 * columns else Order.ACROSS_FIRST


#: The versions of Pillow whose arithmetic and order of passes we know, by the two numbers that may change them.
ORDERS: dict[str, Callable[[Size, Size], Order]] = {"12.3": _order_of_12, "13.0": _order_of_13}


def equals_pillow(source_size: Size, size: Size, pillow: str = PIL.__version__) -> bool:
    """Does `lanczos` give what this Pillow gives? Not where we do not know that Pillow; never enlarging."""
    return _short(pillow) in ORDERS and size[0] <= source_size[0] and size[1] <= source_size[1]


def lanczos(library: NativeLibrary, pixels: Pixels, size: Size) -> Pixels:
    """Scale a picture down to `size`: bit for bit what `Image.resize(size, LANCZOS)` of the installed Pillow gives.

    `pixels` may have gaps between its rows, or rows upside down. Returns shape (height, width, 3), C-contiguous,
    read-only. Safe in several threads at once.

    Raises:
        ValueError: no RGB pixels of 8 bits, or `equals_pillow` is false for the sizes.
        MemoryError: there is not enough memory.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"found pixels of shape {pixels.shape}, {pixels.dtype}; need (height, width, 3), uint8")
    height, width = pixels.shape[:2]
    if not equals_pillow((width, height), size):
        raise ValueError(f"cannot scale {width} × {height} to {size[0]} × {size[1]} as Pillow {PIL.__version__} does")
    rows = pixels if pixels.strides[1:] == (3, 1) else np.ascontiguousarray(pixels)
    scaled = np.empty((size[1], size[0], 3), dtype=np.uint8)
    order = ORDERS[_short(PIL.__version__)]((width, height), size)
    check(library.lanczos(rows.ctypes.data, width, height, rows.strides[0], scaled.ctypes.data, *size, order))
    scaled.setflags(write=False)
    return scaled


def _short(version: str) -> str:
    return ".".join(version.split(".")[:2])
