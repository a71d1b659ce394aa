"""Random pictures scanned for faces, by our library and by dlib; also as a program, for a process of its own.

python -m tests.fuzz.scans LIBRARY SEED COUNT [FOLDER OF PHOTOS]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import dlib
import numpy as np
from PIL import Image

from faces.photo.face import Pixels
from faces.photo.fast import hog_weights
from faces.photo.fast.hog_scan import HogDetection, HogScanner
from faces.photo.fast.hog_weights import HogWeights
from faces.photo.fast.native_library import load
from tests.fuzz.layouts import laid_out

SAMPLES = Path(__file__).resolve().parents[2] / ".cache/samples"

#: The longest side of most pictures; narrow ones are longer.
LONGEST = 700
LONGEST_NARROW = 3000
#: With a limit this low nearly every window counts, and thousands of scores are equal.
VERY_LOW = -5.0
#: The longest side then: dlib compares every box with every other.
LONGEST_OF_MANY = 150


@dataclass(frozen=True, slots=True)
class Scan:
    """A picture as it lies in memory, and how to scan it."""

    pixels: Pixels
    upsampling: int
    least_score: float
    threads: int

    def __str__(self) -> str:
        height, width = self.pixels.shape[:2]
        return (
            f"{width} × {height} (rows {self.pixels.strides[0]} bytes apart), upsampling {self.upsampling},"
            f" least score {self.least_score}, {self.threads} threads"
        )


def weights() -> HogWeights:
    """What dlib's frontal detector has learnt."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "detector")
        dlib.get_frontal_face_detector().save(str(file))
        return hog_weights.read(file.read_bytes())


def by_dlib(detector: dlib.fhog_object_detector, scan: Scan) -> list[HogDetection]:
    """What dlib finds."""
    found = zip(*detector.run(scan.pixels.copy(), scan.upsampling, scan.least_score), strict=True)
    return [HogDetection(box.left(), box.top(), box.right(), box.bottom(), score, index) for box, score, index in found]


def by_us(scanner: HogScanner, scan: Scan) -> list[HogDetection]:
    """What we find."""
    return scanner.scan(scan.pixels, scan.upsampling, scan.least_score, scan.threads)


def photos(folder: Path) -> list[Pixels]:
    """Every photo below a folder, at most 1500 pixels long."""
    found = []
    for file in sorted(file for file in folder.rglob("*") if file.suffix in (".jpg", ".png")):
        with Image.open(file) as photo:
            photo.thumbnail((1500, 1500))
            found.append(np.asarray(photo.convert("RGB")))
    return found


def scans(seed: int, photos: Sequence[Pixels]) -> Iterator[Scan]:
    """Without end: sizes from 1 pixel on, all shapes; noise, extremes, flat, repeating, and parts of photos."""
    random = np.random.default_rng(seed)
    while True:
        least_score = float(random.choice([0.0, 0.0, -0.3, -1.0, -1.2, -2.0, 0.4, VERY_LOW]))
        width, height = _size(random, LONGEST_OF_MANY if least_score == VERY_LOW else LONGEST)
        pixels = laid_out(random, _picture(random, width, height, photos))
        if random.integers(5) == 0:
            pixels = pixels[:, ::-1]
        upsampling = int(random.choice([0, 1, 1, 1, 2]))
        if max(width, height) > LONGEST_OF_MANY:
            upsampling = min(upsampling, 1)
        yield Scan(pixels, upsampling, least_score, int(random.integers(1, 3)))


def different(scanner: HogScanner, wanted: Iterator[Scan], count: int) -> list[str]:
    """Those of the first `count` scans that come out different."""
    detector = dlib.get_frontal_face_detector()
    return [str(scan) for scan in islice(wanted, count) if by_us(scanner, scan) != by_dlib(detector, scan)]


def _size(random: np.random.Generator, longest: int) -> tuple[int, int]:
    if random.integers(12) == 0 and longest == LONGEST:
        narrow = int(random.integers(1, 60)), int(random.integers(1, LONGEST_NARROW))
        return narrow if random.integers(2) else narrow[::-1]
    most = min(int(random.choice([30, 100, 250, longest])), longest)
    return int(random.integers(1, most + 1)), int(random.integers(1, most + 1))


def _picture(random: np.random.Generator, width: int, height: int, photos: Sequence[Pixels]) -> Pixels:
    shape = (height, width, 3)
    match int(random.integers(12)):
        case 0:
            return random.integers(0, 256, shape, dtype=np.uint8)
        case 1:
            return random.integers(0, 2, shape, dtype=np.uint8) * np.uint8(255)
        case 2:
            return np.full(shape, random.integers(0, 256, 3, dtype=np.uint8))
        case 3:
            low = int(random.integers(0, 253))
            return random.integers(low, low + 3, shape, dtype=np.uint8)
        case 4:
            gray = random.integers(0, 256, (height, width, 1), dtype=np.uint8)
            return np.broadcast_to(gray, shape)
        case 5:
            part = _part(random, photos, 8 * int(random.integers(1, 9)), 8 * int(random.integers(1, 9)))
            times = height // part.shape[0] + 1, width // part.shape[1] + 1, 1
            return np.tile(part, times)[:height, :width]
        case 6:
            coarse = random.integers(0, 256, (height // 9 + 1, width // 9 + 1, 3), dtype=np.uint8)
            return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
        case 7:
            strong = _part(random, photos, width, height).astype(np.int16)
            return np.asarray(np.clip((strong - 128) * 4 + 128, 0, 255), np.uint8)
        case 8 | 9:
            return _part(random, photos, width, height)
        case _:
            photo = Image.fromarray(photos[random.integers(len(photos))])
            return np.asarray(photo.resize((width, height), Image.Resampling.LANCZOS))


def _part(random: np.random.Generator, photos: Sequence[Pixels], width: int, height: int) -> Pixels:
    """A part of a photo; of one that is too small all of it, scaled up."""
    photo = photos[random.integers(len(photos))]
    across, down = photo.shape[1] - width, photo.shape[0] - height
    if across < 0 or down < 0:
        return np.asarray(Image.fromarray(photo).resize((width, height)))
    left, top = int(random.integers(across + 1)), int(random.integers(down + 1))
    return photo[top : top + height, left : left + width]


if __name__ == "__main__":
    folder = Path(sys.argv[4]) if len(sys.argv) > 4 else SAMPLES
    native = HogScanner(load(Path(sys.argv[1])), weights())
    wrong = different(native, scans(int(sys.argv[2]), photos(folder)), int(sys.argv[3]))
    native.close()
    sys.exit("\n".join(wrong) if wrong else 0)
