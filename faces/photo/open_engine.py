"""Opens the FaceEngine: loads the models, and of the faster parts those that are wanted and pass a trial."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from PIL import Image

from faces.photo import models
from faces.photo.decoding import ReadJpeg
from faces.photo.detector import Detector, DlibDetector, NativeDetector
from faces.photo.encoder import DlibEncoder, Encoder, NativeEncoder
from faces.photo.engine import FaceEngine
from faces.photo.face import Encoding, Pixels
from faces.photo.fast import jpeg, native_library, resize, resnet_file
from faces.photo.fast.native_library import LibraryUnusable, NativeLibrary
from faces.photo.fast.resnet import Resnet
from faces.photo.models import Models
from faces.photo.photo import Resize
from faces.settings import FastPart, Settings
from faces.system.memory import give_back_all

_log = logging.getLogger(__name__)

#: Largest distance (L2) of an encoding from dlib's own: a hundred-thousandth of what tells two people apart.
FARTHEST_ENCODING = 1e-5

#: What does the work of a part that is not used.
_PLAIN = {"decode": "Pillow", "resize": "Pillow", "scan": "dlib", "resnet": "dlib"}

_T = TypeVar("_T")


class WrongNumbers(Exception):
    """A faster part gives other numbers than dlib or Pillow; the sentence says which."""


@dataclass(frozen=True, slots=True)
class KnownFace:
    """A JPEG of 160 × 160 pixels with one face, and the encoding that dlib 20.0.1 gives it.

    A part of Barack Obama's official portrait of 2012 (work of the US government: public domain).
    """

    jpeg: bytes
    encoding: Encoding


_Unusable = (WrongNumbers, LibraryUnusable, ValueError)


def open_engine(settings: Settings) -> FaceEngine:
    """Load the models and the faster parts, each tried on one known face; where one is not fit, dlib or Pillow works.

    What runs is in `FaceEngine.fast`, and each part that should and does not is one warning in the log. No thread is
    started: a process that forks may do so afterwards.

    Raises:
        EngineError: dlib's own model files are missing or damaged.
    """
    cv2.setNumThreads(1)
    found = models.find(settings.models_dir)
    parts = _EngineParts(settings.fast, found, load_known_face(), DlibDetector())
    engine = parts.engine(look_turned=settings.look_turned)
    give_back_all()
    _log.info("fast parts (FACE_FAST): %s", ", ".join(sorted(engine.fast)) or "none")
    return engine


def load_known_face() -> KnownFace:
    """The picture on which the faster parts are tried before they are used."""
    folder = Path(__file__).parent / "fast"
    numbers = json.loads((folder / "known_face.json").read_text(encoding="ascii"))
    return KnownFace((folder / "known_face.jpg").read_bytes(), np.array(numbers, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class _EngineParts:
    """The parts of the engine, each made by faster code where that is wanted and passes its trial."""

    wanted: tuple[FastPart, ...]
    models: Models
    known: KnownFace
    #: Made once: it takes dlib 0.4 s.
    dlib: DlibDetector

    def engine(self, look_turned: bool = False) -> FaceEngine:
        read_jpeg = self._tried("decode", self._decode)
        resized = self._tried("resize", self._resize)
        detector = self._tried("scan", self._scan)
        encoder = self._tried("resnet", self._resnet)
        parts = {"decode": read_jpeg, "resize": resized, "scan": detector, "resnet": encoder}
        return FaceEngine(
            detector or self.dlib,
            encoder or DlibEncoder(self.models),
            read_jpeg=read_jpeg,
            resize=resized,
            fast=frozenset(name for name, part in parts.items() if part is not None),
            look_turned=look_turned,
        )

    def _tried(self, part: FastPart, make: Callable[[], _T]) -> _T | None:
        if part not in self.wanted:
            return None
        try:
            return make()
        except _Unusable as error:
            _log.warning("FACE_FAST: %s is done by %s, slower and with the same results: %s", part, _PLAIN[part], error)
            return None

    def _pixels(self) -> Pixels:
        with Image.open(io.BytesIO(self.known.jpeg)) as image:
            return np.asarray(image.convert("RGB"))

    def _decode(self) -> ReadJpeg:
        read = jpeg.read(self.known.jpeg, 1)
        if read is None or not np.array_equal(read, self._pixels()):
            raise WrongNumbers("simplejpeg reads other pixels than Pillow")
        return jpeg.read

    def _resize(self) -> Resize:
        scaled = partial(_scaled, native_library.load())
        pixels = self._pixels()
        size = (pixels.shape[1] * 2 // 3, pixels.shape[0] // 2)
        theirs = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
        if (ours := scaled(pixels, size)) is None or not np.array_equal(ours, theirs):
            raise WrongNumbers("the native library scales otherwise than Pillow")
        return scaled

    def _scan(self) -> Detector:
        detector = NativeDetector(native_library.load(), self.dlib.saved())
        ours, theirs = detector.detect(self._pixels()), self.dlib.detect(self._pixels())
        if ours != theirs or not ours:
            raise WrongNumbers(f"the native scan finds {ours} where dlib finds {theirs}")
        return detector

    def _resnet(self) -> Encoder:
        network = resnet_file.read(self.models.resnet.read_bytes())
        encoder = NativeEncoder(self.models, Resnet(native_library.load(on_any_cpu=True), network))
        boxes = [detection.box for detection in self.dlib.detect(self._pixels())]
        (encoding,) = encoder.encode(self._pixels(), boxes[:1])
        if (distance := float(np.linalg.norm(encoding - self.known.encoding))) > FARTHEST_ENCODING:
            raise WrongNumbers(
                f"its encoding is {distance:.1e} away from dlib's, at most {FARTHEST_ENCODING:.0e} may be"
            )
        return encoder


def _scaled(native: NativeLibrary, pixels: Pixels, size: tuple[int, int]) -> Pixels | None:
    height, width = pixels.shape[:2]
    return resize.lanczos(native, pixels, size) if resize.equals_pillow((width, height), size) else None
