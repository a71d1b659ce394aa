"""FaceEngine: a photo -> its faces, by a detector and an encoder; dlib is behind those two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from faces.photo import given_boxes, turned_looks, turns
from faces.photo.decoding import PhotoLimits, ReadJpeg, decode
from faces.photo.detector import Detection, Detector
from faces.photo.encoder import Encoder
from faces.photo.face import Box, Encoding, Face, Landmarks, Pixels, Place
from faces.photo.formats import FileBytes
from faces.photo.photo import Photo, Resize
from faces.photo.quality import quality_of
from faces.photo.selection import ALL, Selection
from faces.photo.turned_looks import Look
from faces.system.memory import give_back_all

#: What made the encodings; those of another model cannot be compared with them.
MODEL_NAME = "dlib_face_recognition_resnet_model_v1"

#: Longest sides in pixels that a photo is scanned at, until one shows a face.
SCALES = (1200, 1600, 2000)


@dataclass(frozen=True, slots=True)
class Findings:
    """What `FaceEngine` found in a photo, or encoded in given boxes of it; without a face, too.

    `pixels` is the picture looked at last; `scale` its setting, None where it shows no face.
    `seconds` by stage: scale, detect, encode, quality. `warnings` say where the photo had to be turned to show a face.
    `left_out`: how many faces were found and not wanted, by reason.
    """

    faces: tuple[Face, ...]
    scale: int | None
    pixels: Pixels
    seconds: dict[str, float]
    warnings: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)


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
        look_turned: bool = False,
    ) -> None:
        """Put it together; `read_jpeg` and `resize` do it quicker than Pillow, `fast` names the parts that do so.

        With `look_turned` a photo without faces is looked at turned by quarters, too.
        """
        self._one_at_a_time = threading.Lock()
        self._detector, self._encoder = detector, encoder
        self._read_jpeg, self._resize = read_jpeg, resize
        self.fast = fast
        self._look_turned = look_turned

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

    def landmarks(self, pixels: Pixels, boxes: Sequence[Box]) -> list[Landmarks]:
        """Five points of the face in each box, in the same order, in pixels of this picture."""
        with self._one_at_a_time:
            return self._encoder.landmarks(pixels, boxes)

    def find(
        self,
        photo: Photo,
        threads: Callable[[], int] = lambda: 1,
        selection: Selection = ALL,
        landmarks: bool = False,
    ) -> Findings:
        """Scan the photo at each scale until one shows a face; encode and score what it shows, as far as it is wanted.

        `threads` is asked before each scan how many it may use, 1 or 2. `selection` does not change which look is the
        last: it leaves out what was found there.

        A photo without faces is looked at in the other way that programs show it, if there are two, and turned by
        quarters where that is wanted; boxes are those of the photo upright all the same.

        The photo is released before its second scan: only `Findings.pixels` is left of it then.
        """
        seconds = _no_seconds()
        detections: list[Detection] = []
        looks: list[Look] = []
        for scale, pixels in self._pictures(photo, seconds):
            look = Look(turns.UPRIGHT, scale, pixels)
            looks = [*looks[:1], look]
            detections = self._scan(look, threads, seconds)
            if detections:
                break
        photo.release()
        if look.scale != SCALES[0]:
            self._give_back_rooms()
        if not detections:
            look, detections = self._seen_turned(photo, looks[0], threads, seconds) or (look, detections)
        size = turns.size_turned(photo.width, photo.height, look.turn)
        with _timed(seconds, "quality"):
            found = [_place(size, look.pixels, detection) for detection in detections]
            wanted, left_out = selection.choose(found)
        faces = tuple(look.upright(face, *size) for face in self._faces(size, look.pixels, wanted, landmarks, seconds))
        sentences = (look.sentence,) if look.turn != turns.UPRIGHT else ()
        return Findings(faces, look.scale if found else None, look.upright_pixels, seconds, sentences, left_out)

    def encode_given(self, photo: Photo, boxes: Sequence[Box], landmarks: bool = True) -> Findings:
        """Encode and score the faces in these boxes of the upright photo, in their order, without searching.

        At the scale that `given_boxes.scale_for` says. The photo is released.
        """
        seconds = _no_seconds()
        with _timed(seconds, "scale"):
            scale = given_boxes.scale_for(photo, _different_scales(photo), boxes)
            pixels = photo.scaled(scale, self._resize)
        photo.release()
        with _timed(seconds, "quality"):
            places = [_given(pixels, box, given_boxes.on_scaled(box, photo, scale)) for box in boxes]
        faces = self._faces((photo.width, photo.height), pixels, places, landmarks, seconds)
        return Findings(tuple(faces), scale if places else None, pixels, seconds)

    def _scan(self, look: Look, threads: Callable[[], int], seconds: dict[str, float]) -> list[Detection]:
        with _timed(seconds, "detect"):
            return self.detect(look.pixels, threads())

    def _seen_turned(
        self, photo: Photo, first: Look, threads: Callable[[], int], seconds: dict[str, float]
    ) -> tuple[Look, list[Detection]] | None:
        """The look that shows faces where the photo upright shows none; by quarters the one with the surest face."""
        if photo.other_way is not None:
            look = turned_looks.other_way(first, photo.other_way)
            if detections := self._scan(look, threads, seconds):
                return look, detections
        if not self._look_turned:
            return None
        with _timed(seconds, "scale"):
            looks = turned_looks.quarters(first)
        seen = [(look, self._scan(look, threads, seconds)) for look in looks]
        surest = max(seen, key=lambda one: max((detection.score for detection in one[1]), default=0.0))
        return surest if surest[1] else None

    def _faces(
        self,
        size: tuple[int, int],
        pixels: Pixels,
        places: Sequence[Place],
        landmarks: bool,
        seconds: dict[str, float],
    ) -> list[Face]:
        """The faces at these places of `pixels`, which came from a photo of this width and height; encoded."""
        boxes = [place.scaled_box for place in places]
        height, width = pixels.shape[:2]
        across, down = size[0] / width, size[1] / height
        with _timed(seconds, "encode"):
            encodings = self.encode(pixels, boxes)
            points = self.landmarks(pixels, boxes) if landmarks else [None] * len(boxes)
        return [
            Face(
                box=place.box,
                scaled_box=place.scaled_box,
                score=place.score,
                quality=place.quality,
                encoding=encoding,
                landmarks=five and tuple(point.resized(across, down) for point in five),
            )
            for place, encoding, five in zip(places, encodings, points, strict=True)
        ]

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


def _place(size: tuple[int, int], pixels: Pixels, detection: Detection) -> Place:
    height, width = pixels.shape[:2]
    original = detection.box.resized(size[0] / width, size[1] / height)
    return Place(
        box=original.clipped(*size),
        scaled_box=detection.box,
        score=detection.score,
        quality=quality_of(pixels, detection.box),
    )


def _given(pixels: Pixels, box: Box, scaled: Box) -> Place:
    return Place(box=box, scaled_box=scaled, score=None, quality=quality_of(pixels, scaled))


def _no_seconds() -> dict[str, float]:
    return dict.fromkeys(("scale", "detect", "encode", "quality"), 0.0)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] += time.perf_counter() - start
