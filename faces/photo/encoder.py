"""Encoder: boxes -> 128 numbers each. dlib's 5-point landmarks, and its ResNet v1 run by dlib or the native library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import dlib
import numpy as np

from faces.errors import ModelDamaged
from faces.photo.face import Box, Encoding, Landmarks, Pixels, Point
from faces.photo.fast.resnet import Resnet
from faces.photo.fast.resnet_file import CHIP_SIZE
from faces.photo.models import Models

#: One look at each face: no jitter.
_JITTERS = 1
#: How much of what surrounds the face is on its chip: `compute_face_descriptor`'s default.
_CHIP_PADDING = 0.25


class Encoder(Protocol):
    """Encodes faces: what `FaceEngine` makes encodings with. One thread at a time."""

    def encode(self, pixels: Pixels, boxes: Sequence[Box]) -> list[Encoding]:
        """Encode the face in each box, in the same order: 128 numbers, float64."""

    def landmarks(self, pixels: Pixels, boxes: Sequence[Box]) -> list[Landmarks]:
        """Five points of the face in each box, by which it is turned upright for `encode`; 0.4 ms each."""


class DlibEncoder:
    """dlib's own ResNet. It holds the interpreter's lock while it encodes, about 0.1 s a face.

    Raises:
        ModelDamaged: a model file is not what it should be.
    """

    def __init__(self, models: Models) -> None:
        self._landmarks = _loaded(dlib.shape_predictor, models.five_point)
        self._resnet = _loaded(dlib.face_recognition_model_v1, models.resnet)

    def encode(self, pixels: Pixels, boxes: Sequence[Box]) -> list[Encoding]:
        return [self._encode(pixels, box) for box in boxes]

    def landmarks(self, pixels: Pixels, boxes: Sequence[Box]) -> list[Landmarks]:
        return [_points(self._landmarks(pixels, _rectangle_of(box))) for box in boxes]

    def _encode(self, pixels: Pixels, box: Box) -> Encoding:
        landmarks = self._landmarks(pixels, _rectangle_of(box))
        return np.array(self._resnet.compute_face_descriptor(pixels, landmarks, _JITTERS), dtype=np.float64)


class NativeEncoder:
    """The same network run by the native library: within 1e-5 (L2) of dlib's numbers, and other threads run meanwhile.

    Raises:
        ModelDamaged: the model of the landmarks is not what it should be.
    """

    def __init__(self, models: Models, resnet: Resnet) -> None:
        self._landmarks = _loaded(dlib.shape_predictor, models.five_point)
        self._resnet = resnet

    def encode(self, pixels: Pixels, boxes: Sequence[Box]) -> list[Encoding]:
        return self._resnet.encode([self._chip(pixels, box) for box in boxes])

    def landmarks(self, pixels: Pixels, boxes: Sequence[Box]) -> list[Landmarks]:
        return [_points(self._landmarks(pixels, _rectangle_of(box))) for box in boxes]

    def _chip(self, pixels: Pixels, box: Box) -> Pixels:
        """The face upright, as dlib cuts it for its own ResNet."""
        landmarks = self._landmarks(pixels, _rectangle_of(box))
        chip: Pixels = dlib.get_face_chip(pixels, landmarks, CHIP_SIZE, _CHIP_PADDING)
        return chip


def _rectangle_of(box: Box) -> dlib.rectangle:
    """The box for dlib, whose order of edges is not ours."""
    return dlib.rectangle(left=box.left, top=box.top, right=box.right, bottom=box.bottom)


def _points(found: dlib.full_object_detection) -> Landmarks:
    return tuple(Point(x=point.x, y=point.y) for point in found.parts())


def _loaded(kind: Callable[[str], Any], path: Path) -> Any:
    try:
        return kind(str(path))
    except RuntimeError as error:
        raise ModelDamaged(f"dlib cannot load the model file {path}: {error}") from error
