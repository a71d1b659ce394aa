"""FaceEngine: a photo -> its faces, by a detector and an encoder; dlib is behind those two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from faces.photo.decoding import PhotoLimits, ReadJpeg, decode
from faces.photo.detector import Detection, Detector
from faces.photo.encoder import Encoder
from faces.photo.face import Box, Encoding, Face, Pixels
from faces.photo.formats import FileBytes
from faces.photo.photo import Photo, Resize
from faces.photo.quality import quality_of
from faces.system.memory import give_back_all

#: What made the encodings; those of another model cannot be compared with them.
MODEL_NAME = "dlib_face_recognition_resnet_model_v1"

#: Longest sides in pixels that a photo is scanned at, until one shows a face.
SCALES = (1200, 1600, 2000)


@dataclass(frozen=True, slots=True)
class Findings:
    """What `FaceEngine.find` found in a photo; without a face, too.

    `pixels` is the picture scanned last; `scale` its setting, None without a face.
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

    Safe to share between threads: it works for one at a time, because its detector and its encoder keep state.
    """

    def __init__(
        self,
        detector: Detector,
        encoder: Encoder,
        *,
        read_jpeg: ReadJpeg | None = None,
        resize: Resize | None = None,
        fast: frozenset[str] = frozenset(),
    ) -> None:
        """Put it together; `read_jpeg` and `resize` do it quicker than Pillow, `fast` names the parts that do so."""
        self._one_at_a_time = threading.Lock()
        self._detector, self._encoder = detector, encoder
        self._read_jpeg, self._resize = read_jpeg, resize
        self.fast = fast

    def decode(self, data: FileBytes, limits: PhotoLimits) -> Photo:
        """Read a photo, as `faces.photo.decoding.decode` does and raises, in the quickest way."""
        return decode(data, limits, self._read_jpeg)

    def detect(self, pixels: Pixels, threads: int = 1) -> list[Detection]:
        """Find faces, in dlib's order (best score first, as a rule); where it can, with two threads (1 or 2)."""
        with self._one_at_a_time:
            return self._detector.detect(pixels, threads)

    def encode(self, pixels: Pixels, boxes: Sequence[Box]) -> list[Encoding]:
        """Encode the face in each box, in the same order: 128 numbers, float64."""
        with self._one_at_a_time:
            return self._encoder.encode(pixels, boxes)

    def rest(self) -> None:
        """Give back the memory that is kept for the next photo."""
        self._give_back_rooms()
        give_back_all()

    def find(self, photo: Photo, threads: Callable[[], int] = lambda: 1) -> Findings:
        """Scan the photo at each scale until one shows a face; encode and score what it shows.

        `threads` is asked before each scan how many it may use, 1 or 2.

        The photo is released before its second scan: only `Findings.pixels` is left of it then.
        """
        seconds = dict.fromkeys(("scale", "detect", "encode", "quality"), 0.0)
        detections: list[Detection] = []
        for scale, pixels in self._pictures(photo, seconds):  # noqa: B007  what they are at the end is used below
            with _timed(seconds, "detect"):
                detections = self.detect(pixels, threads())
            if detections:
                break
        photo.release()
        if scale != SCALES[0]:
            self._give_back_rooms()
        with _timed(seconds, "encode"):
            encodings = self.encode(pixels, [detection.box for detection in detections])
        with _timed(seconds, "quality"):
            faces = tuple(
                _face(photo, pixels, detection, encoding)
                for detection, encoding in zip(detections, encodings, strict=True)
            )
        return Findings(faces, scale if faces else None, pixels, seconds)

    def _pictures(self, photo: Photo, seconds: dict[str, float]) -> Iterator[tuple[int, Pixels]]:
        """The photo at each scale; all but the first are made at once, and the photo is released.

        It is by far the largest thing in memory, and a face at the second scale is too rare to keep it for that.
        """
        first, *further = _different_scales(photo)
        with _timed(seconds, "scale"):
            pictures = [(first, photo.scaled(first, self._resize))]
        if not further:
            photo.release()
        yield pictures.pop()
        if not further:
            return
        # The next scan takes larger rooms for everything; those of this one would only stand beside the photo.
        self._give_back_rooms()
        with _timed(seconds, "scale"):
            pictures = [(scale, photo.scaled(scale, self._resize)) for scale in reversed(further)]
        photo.release()
        while pictures:
            yield pictures.pop()

    def _give_back_rooms(self) -> None:
        """Those of the first scale are kept from photo to photo; larger ones would stand beside the next photo."""
        with self._one_at_a_time:
            self._detector.rest()


def _different_scales(photo: Photo) -> list[int]:
    """The scales without those that would show the same pixels as the one before: a small photo is scanned once."""
    first_of_size: dict[tuple[int, int], int] = {}
    for scale in SCALES:
        first_of_size.setdefault(photo.size_at(scale), scale)
    return list(first_of_size.values())


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
