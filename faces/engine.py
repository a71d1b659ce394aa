"""FaceEngine: dlib behind detect / encode / find, one thread at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import dlib
import numpy as np

from faces.errors import ModelDamaged
from faces.face import Box, Encoding, Face, Pixels
from faces.models import Models
from faces.photo import Photo
from faces.quality import quality_of

#: What made the encodings; those of another model cannot be compared with them.
MODEL_NAME = "dlib_face_recognition_resnet_model_v1"

#: Longest sides in pixels that a photo is scanned at, until one shows a face.
SCALES = (1200, 1600, 2000)

#: How often the picture is doubled before the scan; the reference method's choice.
_UPSAMPLING = 1
#: Detections below this score are dropped; 0 is dlib's own limit.
_LEAST_SCORE = 0.0
#: One look at each face: no jitter.
_JITTERS = 1


@dataclass(frozen=True, slots=True)
class Detection:
    """A place that looks like a face, on the picture scanned, and how much it does (above 0, seldom above 3)."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a photo holds. `pixels` is the picture scanned last; `scale` its setting, None without a face.

    `seconds` by stage: scale, detect, encode, quality.
    """

    faces: tuple[Face, ...]
    scale: int | None
    pixels: Pixels
    seconds: dict[str, float]


class FaceEngine:
    """Finds and encodes faces with dlib's frontal HOG detector, 5-point landmarks and ResNet v1.

    Results equal `face_recognition.face_locations` (hog, one upsampling) and `face_encodings` on the same pixels:
    same boxes, same order. No face: empty lists. Boxes are in pixels of the picture given, trimmed to it.

    Safe to share between threads: it works for one at a time. dlib's detector lets go of the interpreter's lock and
    keeps state, so that two threads in it corrupt the heap and end the process.
    """

    def __init__(self, models: Models) -> None:
        self._one_at_a_time = threading.Lock()
        self._detector = dlib.get_frontal_face_detector()
        try:
            self._landmarks = dlib.shape_predictor(str(models.five_point))
            self._resnet = dlib.face_recognition_model_v1(str(models.resnet))
        except RuntimeError as error:
            raise ModelDamaged(f"dlib cannot load the model files of {models.resnet.parent}: {error}") from error

    def detect(self, pixels: Pixels) -> list[Detection]:
        """Find faces, in dlib's order (best score first, as a rule)."""
        with self._one_at_a_time:
            rectangles, scores, _ = self._detector.run(pixels, _UPSAMPLING, _LEAST_SCORE)
        height, width = pixels.shape[:2]
        return [
            Detection(_trimmed(rectangle, width, height), float(score))
            for rectangle, score in zip(rectangles, scores, strict=True)
        ]

    def encode(self, pixels: Pixels, boxes: Sequence[Box]) -> list[Encoding]:
        """Encode the face in each box, in the same order: 128 numbers, float64."""
        with self._one_at_a_time:
            return [self._encode(pixels, box) for box in boxes]

    def find(self, photo: Photo) -> Found:
        """Scan the photo at each scale until one shows a face; encode and score what it shows.

        The photo is released before its last scan: only `Found.pixels` is left of it then.
        """
        seconds = dict.fromkeys(("scale", "detect", "encode", "quality"), 0.0)
        detections: list[Detection] = []
        for scale in _different_scales(photo):
            with _timed(seconds, "scale"):
                pixels = photo.scaled(scale)
                if photo.size_at(scale) == photo.size_at(SCALES[-1]):
                    photo.release()
            with _timed(seconds, "detect"):
                detections = self.detect(pixels)
            if detections:
                break
        photo.release()
        with _timed(seconds, "encode"):
            encodings = self.encode(pixels, [detection.box for detection in detections])
        with _timed(seconds, "quality"):
            faces = tuple(
                _face(photo, pixels, detection, encoding)
                for detection, encoding in zip(detections, encodings, strict=True)
            )
        return Found(faces, scale if faces else None, pixels, seconds)

    def _encode(self, pixels: Pixels, box: Box) -> Encoding:
        rectangle = dlib.rectangle(left=box.left, top=box.top, right=box.right, bottom=box.bottom)
        landmarks = self._landmarks(pixels, rectangle)
        return np.array(self._resnet.compute_face_descriptor(pixels, landmarks, _JITTERS), dtype=np.float64)


def _different_scales(photo: Photo) -> list[int]:
    """The scales without those that would show the same pixels as the one before: a small photo is scanned once."""
    first_of_size: dict[tuple[int, int], int] = {}
    for scale in SCALES:
        first_of_size.setdefault(photo.size_at(scale), scale)
    return list(first_of_size.values())


def _trimmed(rectangle: dlib.rectangle, width: int, height: int) -> Box:
    """Trim dlib's rectangle as face_recognition does: no edge outside the picture, width and height included."""
    return Box(
        top=max(rectangle.top(), 0),
        right=min(rectangle.right(), width),
        bottom=min(rectangle.bottom(), height),
        left=max(rectangle.left(), 0),
    )


def _face(photo: Photo, pixels: Pixels, detection: Detection, encoding: Encoding) -> Face:
    height, width = pixels.shape[:2]
    original = detection.box.resized(photo.width / width, photo.height / height)
    return Face(
        box=original.clipped(photo.width, photo.height),
        scaled_box=detection.box,
        score=detection.score,
        quality=quality_of(pixels, detection.box),
        encoding=encoding,
    )


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] += time.perf_counter() - start
