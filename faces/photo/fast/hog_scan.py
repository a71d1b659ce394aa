"""HogScanner: pixels -> faces by the native library, the same as dlib's frontal detector to the last bit."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np

from faces.photo.face import Pixels
from faces.photo.fast.hog_weights import HogWeights
from faces.photo.fast.native_library import DetectionStructure, HogWeightsStructure, NativeLibrary, check


@dataclass(frozen=True, slots=True)
class HogDetection:
    """A face: its box as dlib's rectangle has it, edges included, in pixels of the picture, which it may leave.

    `score` is how much it is above the threshold of its sub-detector, `detector`.
    """

    left: int
    top: int
    right: int
    bottom: int
    score: float
    detector: int


class HogScanner:
    """Scans pictures with filters of its own and memory that it keeps: about 80 MB after 2000 × 1334, upsampled once.

    One thread at a time; the interpreter's lock is released while it works. `trim` gives the memory back and
    `close` ends it. A fork's child may use a scanner that its parent made.
    """

    def __init__(self, library: NativeLibrary, weights: HogWeights) -> None:
        """Raises MemoryError, ValueError (weights that cannot be run) or LibraryUnusable."""
        self._library = library
        self._address: int | None = None
        structure = HogWeightsStructure(
            detectors=len(weights.thresholds),
            filters=len(weights.detectors),
            thresholds=weights.thresholds.ctypes.data,
            detector=weights.detectors.ctypes.data,
            plane=weights.planes.ctypes.data,
            rows=weights.rows.ctypes.data,
            columns=weights.columns.ctypes.data,
            most_overlap=weights.most_overlap,
            most_covered=weights.most_covered,
            least_level_width=weights.least_level_width,
            least_level_height=weights.least_level_height,
            most_levels=weights.most_levels,
        )
        made = ctypes.c_void_p()
        check(library.scanner_make(ctypes.byref(structure), ctypes.byref(made)))
        self._address = made.value

    def scan(self, pixels: Pixels, upsampling: int, least_score: float, threads: int = 1) -> list[HogDetection]:
        """Find what dlib's `detector.run(pixels, upsampling, least_score)` finds: same numbers, same order.

        Pixels are RGB, 8 bit, shape (height, width, 3); rows may lie any number of bytes apart. `threads`: 1 or 2,
        the same result, sooner.

        Raises:
            ValueError: a picture without pixels, or longer than 25,000 pixels after upsampling; or closed.
            MemoryError: there is not enough memory.
        """
        if self._address is None:
            raise ValueError("this scanner was closed")
        height, width = pixels.shape[:2]
        if pixels.strides[1:] != (3, 1):
            pixels = np.ascontiguousarray(pixels)
        found, count = ctypes.POINTER(DetectionStructure)(), ctypes.c_size_t()
        check(
            self._library.scan(
                self._address,
                pixels.ctypes.data,
                width,
                height,
                pixels.strides[0],
                upsampling,
                least_score,
                threads,
                ctypes.byref(found),
                ctypes.byref(count),
            )
        )
        return [_scanned(found[at]) for at in range(count.value)]

    def trim(self) -> None:
        """Give back the memory that is kept for the next scan."""
        if self._address is not None:
            self._library.scanner_trim(self._address)

    def close(self) -> None:
        """Give back everything. Doing it twice is fine."""
        if self._address is not None:
            address, self._address = self._address, None
            self._library.scanner_free(address)

    def __del__(self) -> None:
        self.close()


def _scanned(found: DetectionStructure) -> HogDetection:
    return HogDetection(found.left, found.top, found.right, found.bottom, found.score, found.detector)
