"""Detector: pixels -> boxes. dlib's frontal HOG detector, run by dlib itself or by the native library."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import dlib

from faces.photo.face import Box, Pixels
from faces.photo.fast import hog_weights
from faces.photo.fast.hog_scan import HogScanner
from faces.photo.fast.native_library import NativeLibrary

#: How often the picture is doubled before the scan; the reference method's choice.
_UPSAMPLING = 1
#: Detections below this score are dropped; 0 is dlib's own limit.
_LEAST_SCORE = 0.0


@dataclass(frozen=True, slots=True)
class Detection:
    """A place that looks like a face, on the picture scanned, and how much it does (above 0, seldom above 3)."""

    box: Box
    score: float


class Detector(Protocol):
    """Finds faces on a picture: what `FaceEngine` scans with. One thread at a time."""

    def detect(self, pixels: Pixels, threads: int = 1) -> list[Detection]:
        """Find faces, in dlib's order (best score first, as a rule); boxes are trimmed to the picture.

        `threads`, 1 or 2, is how many it may use; the result is the same.
        """

    def rest(self) -> None:
        """Give back the memory that is kept for the next picture."""


class DlibDetector:
    """dlib's own scan. It lets go of the interpreter's lock and keeps state: shared by threads it ends the process."""

    def __init__(self) -> None:
        self._detector = dlib.get_frontal_face_detector()

    def detect(self, pixels: Pixels, threads: int = 1) -> list[Detection]:
        rectangles, scores, _ = self._detector.run(pixels, _UPSAMPLING, _LEAST_SCORE)
        height, width = pixels.shape[:2]
        return [
            Detection(_trimmed(found.left(), found.top(), found.right(), found.bottom(), width, height), float(score))
            for found, score in zip(rectangles, scores, strict=True)
        ]

    def rest(self) -> None:
        """It keeps none."""

    def saved(self) -> bytes:
        """What dlib writes of its detector; it writes files only."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "detector")
            self._detector.save(str(file))
            return file.read_bytes()


class NativeDetector:
    """The native library's scan, with the filters that `DlibDetector.saved` tells: the same, to the last bit.

    Raises:
        ValueError: this dlib's detector is another one than the scan was made for.
        LibraryUnusable: this machine cannot run it.
    """

    def __init__(self, library: NativeLibrary, saved: bytes) -> None:
        self._scanner = HogScanner(library, hog_weights.read(saved))

    def detect(self, pixels: Pixels, threads: int = 1) -> list[Detection]:
        height, width = pixels.shape[:2]
        return [
            Detection(_trimmed(found.left, found.top, found.right, found.bottom, width, height), found.score)
            for found in self._scanner.scan(pixels, _UPSAMPLING, _LEAST_SCORE, threads)
        ]

    def rest(self) -> None:
        self._scanner.trim()


def _trimmed(left: int, top: int, right: int, bottom: int, width: int, height: int) -> Box:
    """Trim dlib's rectangle as face_recognition does: no edge outside the picture, width and height included."""
    return Box(top=max(top, 0), right=min(right, width), bottom=min(bottom, height), left=max(left, 0))
