"""dlib's face recognition ResNet, read from its file: every weight where it belongs, each affine layer folded in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from faces.photo.face import ENCODING_LENGTH
from faces.photo.fast.dlib_file import DlibFile

Weights = npt.NDArray[np.float32]

#: Rows and columns of the picture of one face that the network takes.
CHIP_SIZE = 150

#: dlib's dnn_face_recognition_ex.cpp, from the picture inwards: how many channels each block makes, and its stride.
_STEM_CHANNELS = 32
_BLOCKS = (
    *((32, 1), (32, 1), (32, 1)),
    *((64, 2), (64, 1), (64, 1), (64, 1)),
    *((128, 2), (128, 1), (128, 1)),
    *((256, 2), (256, 1), (256, 1), (256, 2)),
)

#: The version that dlib writes for layers that compute, for the one next to the picture, and for mere marks.
_VERSION, _FIRST_VERSION, _MARK_VERSION = 2, 3, 1

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Convolution:
    """`weights` (outputs, inputs, rows, columns) and `bias` (outputs,), single precision; stride and zeros around."""

    weights: Weights
    bias: Weights
    stride: int
    padding: int


@dataclass(frozen=True, slots=True)
class Block:
    """Two convolutions and a way past them: relu(second(relu(first(x))) + past(x)).

    Where the first has stride 2 the way past is the mean of each 2 × 2 pixels. Sums are of the larger of both in
    every direction, with zeros at the end of the smaller.
    """

    first: Convolution
    second: Convolution


@dataclass(frozen=True, slots=True)
class Network:
    """pixels (RGB, 0–255) → (x - means) / 256 → stem → relu → largest of 3 × 3, stride 2 → blocks → mean → · output.

    `means`: shape (3,). `output`: shape (channels, 128). No normalisation follows.
    """

    means: Weights
    stem: Convolution
    blocks: tuple[Block, ...]
    output: Weights


def read(content: bytes) -> Network:
    """Read dlib_face_recognition_resnet_model_v1.dat, to its last byte.

    Raises:
        ValueError: it is something else, or damaged; the sentence says where, what was found and what is needed.
    """
    try:
        return _LayerReader(DlibFile(content)).network()
    except ValueError as error:
        raise ValueError(f"this is not dlib's face recognition ResNet: {error}") from error


class _LayerReader:
    """Reads layers in dlib's order: the versions of all from the outside in, then the rest from the inside out."""

    def __init__(self, file: DlibFile) -> None:
        self._file = file

    def network(self) -> Network:
        self._loss()
        self._versions()
        means = self._picture()
        stem = self._convolution(3, _STEM_CHANNELS, size=7, stride=2, is_first=True)
        self._named("relu_")
        self._pool("max_pool_2", 3, 2)
        blocks, channels = [], _STEM_CHANNELS
        for outputs, stride in _BLOCKS:
            blocks.append(self._block(channels, outputs, stride))
            channels = outputs
        self._pool("avg_pool_2", 0, 1)
        output = self._output(channels)
        self._file.end()
        return Network(means, stem, tuple(blocks), output)

    def _loss(self) -> None:
        self._expect(self._file.integer, 1, "the loss layer's version")
        self._expect(self._file.text, "loss_metric_2", "the loss layer")
        for _ in ("margin", "distance threshold"):
            self._file.number()

    def _versions(self) -> None:
        for version in reversed(_versions()):
            self._expect(self._file.integer, version, "a layer's version")

    def _picture(self) -> Weights:
        self._expect(self._file.text, "input_rgb_image_sized", "the input layer")
        means = np.array([self._file.number() for _ in ("red", "green", "blue")], np.float64)
        for _ in ("rows", "columns"):
            self._expect(self._file.integer, CHIP_SIZE, "the picture's size")
        return self._single(means)

    def _block(self, inputs: int, outputs: int, stride: int) -> Block:
        first = self._convolution(inputs, outputs, size=3, stride=stride)
        self._named("relu_")
        second = self._convolution(outputs, outputs, size=3, stride=1)
        if stride == 2:
            self._pool("avg_pool_2", 2, 2)
        self._named("add_prev_")
        self._named("relu_")
        return Block(first, second)

    def _convolution(self, inputs: int, outputs: int, size: int, stride: int, is_first: bool = False) -> Convolution:
        """A convolution and the affine layer behind it as one, in double precision: (w · x + b) · gamma + beta."""
        padding = size // 2 if stride == 1 else 0
        self._expect(self._file.text, "con_4", "a convolution")
        shape = (outputs, inputs, size, size)
        numbers = self._tensor(math.prod(shape) + outputs)
        for needed in (outputs, size, size, stride, stride, padding, padding):
            self._expect(self._file.integer, needed, "a convolution's geometry")
        self._expect(self._file.alias, shape, "a convolution's weights")
        self._expect(self._file.alias, (1, outputs, 1, 1), "a convolution's bias")
        self._rates()
        self._end_of_layer(is_first)
        gamma, beta = self._affine(outputs)
        weights, bias = numbers[:-outputs].reshape(shape), numbers[-outputs:]
        return Convolution(
            self._single(weights * gamma[:, None, None, None]),
            self._single(bias * gamma + beta),
            stride,
            padding,
        )

    def _affine(self, channels: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        self._expect(self._file.text, "affine_", "an affine layer")
        numbers = self._tensor(2 * channels)
        for _ in ("gamma", "beta"):
            self._expect(self._file.alias, (1, channels, 1, 1), "an affine layer's shape")
        self._expect(self._file.integer, 0, "an affine layer's mode")
        self._end_of_layer()
        return numbers[:channels], numbers[channels:]

    def _pool(self, name: str, size: int, stride: int) -> None:
        self._expect(self._file.text, name, "a pooling layer")
        for needed in (size, size, stride, stride, 0, 0):
            self._expect(self._file.integer, needed, "a pooling layer's geometry")
        self._end_of_layer()

    def _named(self, name: str) -> None:
        self._expect(self._file.text, name, "a layer")
        self._end_of_layer()

    def _output(self, channels: int) -> Weights:
        self._expect(self._file.text, "fc_2", "the output layer")
        for needed in (ENCODING_LENGTH, channels):
            self._expect(self._file.integer, needed, "the output layer's size")
        numbers = self._tensor(channels * ENCODING_LENGTH)
        self._expect(self._file.alias, (channels, ENCODING_LENGTH, 1, 1), "the output layer's weights")
        self._expect(self._file.alias, (0, 0, 0, 0), "the output layer's bias")
        self._expect(self._file.integer, 1, "the output layer's mode, without a bias")
        self._rates()
        self._end_of_layer()
        return self._single(numbers.reshape(channels, ENCODING_LENGTH))

    def _tensor(self, count: int) -> npt.NDArray[np.float64]:
        start = self._file.position
        numbers = self._file.tensor()
        if numbers.size != count:
            raise self._file.wrong(start, f"found {numbers.size} weights, need {count}")
        return self._finite(numbers).ravel().astype(np.float64)

    def _rates(self) -> None:
        """How fast weights and biases learn and decay: of no use here."""
        for _ in range(4):
            self._file.number()

    def _end_of_layer(self, is_first: bool = False) -> None:
        """What training leaves behind in every layer: three flags and three tensors, as a rule empty."""
        for _ in range(3):
            self._file.boolean()
        for _ in range(3):
            self._file.tensor()
        if is_first:
            self._expect(self._file.integer, 1, "how many pictures each input gives")

    def _single(self, numbers: npt.NDArray[np.float64]) -> Weights:
        with np.errstate(over="ignore"):
            single = numbers.astype(np.float32)
        return self._finite(single)

    def _finite(self, numbers: Weights) -> Weights:
        if not np.isfinite(numbers).all():
            raise self._file.wrong(self._file.position, "found weights that are no finite numbers before it")
        return numbers

    def _expect(self, read: Callable[[], _Value], needed: _Value, what: str) -> None:
        start = self._file.position
        found = read()
        if found != needed:
            raise self._file.wrong(start, f"found {found!r}, need {needed!r} for {what}")


def _versions() -> list[int]:
    """The version of every layer, from the picture outwards. Marks (tag, skip) stand at the way past a block."""
    plain = [_MARK_VERSION] + [_VERSION] * 7
    halving = [_MARK_VERSION] + [_VERSION] * 5 + [_MARK_VERSION] * 2 + [_VERSION] * 3
    versions = [_FIRST_VERSION] + [_VERSION] * 3
    for _, stride in _BLOCKS:
        versions += plain if stride == 1 else halving
    return [*versions, _VERSION, _VERSION]
