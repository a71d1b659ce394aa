"""Random pictures scaled down at random, by our library and by Pillow; also as a program, for a process of its own.

python -m tests.fuzz.resizes LIBRARY SEED COUNT
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from faces.photo.face import Pixels
from faces.photo.fast.native_library import NativeLibrary, load
from faces.photo.fast.resize import Size, lanczos
from tests.fuzz.layouts import laid_out

#: The longest side of a random picture: some are far longer than the library's strips and tiles.
LONGEST = 1500


@dataclass(frozen=True, slots=True)
class Resize:
    """A picture as it lies in memory, and the size to scale it to."""

    pixels: Pixels
    size: Size

    def __str__(self) -> str:
        height, width = self.pixels.shape[:2]
        return f"{width} × {height} (rows {self.pixels.strides[0]} bytes apart) to {self.size[0]} × {self.size[1]}"


def resizes(seed: int) -> Iterator[Resize]:
    """Without end: sizes from 1 pixel on, all shapes; noise, extremes, flat and smooth; gaps and upside-down rows."""
    random = np.random.default_rng(seed)
    while True:
        width, height = _side(random), _side(random)
        yield Resize(laid_out(random, _picture(random, width, height)), _smaller(random, width, height))


def equal(library: NativeLibrary, resize: Resize) -> bool:
    """Does the library make the bytes that Pillow makes?"""
    expected = Image.fromarray(np.ascontiguousarray(resize.pixels)).resize(resize.size, Image.Resampling.LANCZOS)
    return np.array_equal(lanczos(library, resize.pixels, resize.size), np.asarray(expected))


def different(library: NativeLibrary, seed: int, count: int) -> list[str]:
    """Those of the first `count` resizes that come out different."""
    return [str(resize) for resize in islice(resizes(seed), count) if not equal(library, resize)]


def _side(random: np.random.Generator) -> int:
    longest = int(random.choice([20, 50, 300, LONGEST]))
    return int(random.integers(1, longest + 1))


def _smaller(random: np.random.Generator, width: int, height: int) -> Size:
    if random.integers(2):
        factor = random.uniform(0.02, 1.0)
        return max(int(width * factor), 1), max(int(height * factor), 1)
    across, down = int(random.integers(1, width + 1)), int(random.integers(1, height + 1))
    keeps = random.integers(6)
    return width if keeps == 0 else across, height if keeps == 1 else down


def _picture(random: np.random.Generator, width: int, height: int) -> Pixels:
    shape = (height, width, 3)
    match int(random.integers(6)):
        case 0:
            return random.integers(0, 2, shape, dtype=np.uint8) * np.uint8(255)
        case 1:
            return np.full(shape, random.integers(0, 256, 3, dtype=np.uint8))
        case 2:
            return np.full(shape, random.integers(0, 2, (1, width, 3), dtype=np.uint8) * np.uint8(255))
        case 3:
            return np.full(shape, random.integers(0, 2, (height, 1, 3), dtype=np.uint8) * np.uint8(255))
        case 4:
            coarse = random.integers(0, 256, (height // 9 + 1, width // 9 + 1, 3), dtype=np.uint8)
            return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
        case _:
            return random.integers(0, 256, shape, dtype=np.uint8)


if __name__ == "__main__":
    wrong = different(load(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]))
    sys.exit("\n".join(wrong) if wrong else 0)
