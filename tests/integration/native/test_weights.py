"""The weights of the LANCZOS resize, one by one, against those that the installed Pillow uses itself."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]

#: WEIGHT_BITS and LOW_BITS of native/src: a weight is a whole number of 2^-22, kept as high · 2^11 + low.
ONE = 2**22
LOW = 2**11

Weights = npt.NDArray[np.int64]
"""Shape (target, source): what each source position counts for in each target position."""

pytestmark = pytest.mark.long


class Axis(ctypes.Structure):
    """`Axis` of native/src/lanczos_axis.h."""

    _fields_ = (
        ("pairs", ctypes.c_int),
        ("first", ctypes.POINTER(ctypes.c_int32)),
        ("weights", ctypes.POINTER(ctypes.c_int16)),
    )


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The functions that the library itself does not show."""
    library = tmp_path_factory.mktemp("inside") / "inside.so"
    files = [str(ROOT / "native/src" / name) for name in ("lanczos_axis.c", "lanczos_weights.c")]
    flags = ("-std=c11", "-O3", "-ffp-contract=off", "-fPIC", "-shared")
    subprocess.run(["gcc", *flags, *files, "-o", str(library), "-lm"], check=True)
    return ctypes.CDLL(str(library))


def ours(inside: ctypes.CDLL, source: int, target: int) -> Weights:
    axis = Axis()
    assert inside.lanczos_axis_make(ctypes.byref(axis), source, target) == 0
    firsts = np.ctypeslib.as_array(axis.first, (target,)).astype(np.int64)
    halves = np.ctypeslib.as_array(axis.weights, (target, axis.pairs, 2, 2)).astype(np.int64)
    inside.lanczos_axis_free(ctypes.byref(axis))
    low, high = halves[:, :, 0], halves[:, :, 1]
    assert low.min() >= 0
    assert low.max() < LOW
    weights = np.zeros((target, source + source % 2), dtype=np.int64)
    positions = 2 * firsts[:, np.newaxis] + np.arange(2 * axis.pairs)
    np.put_along_axis(weights, positions, (high * LOW + low).reshape(target, -1), axis=1)
    assert not weights[:, source:].any()
    return weights[:, :source]


def pillows(source: int, target: int) -> Weights:
    """Read off pictures whose bright positions lie so far apart that each target sees one of them at most.

    In 32-bit pictures Pillow rounds weight · brightness as it rounds the weights of 8-bit ones.
    """
    apart = min(6 * source // target + 3, source)
    bright = np.zeros((apart, source), dtype=np.int32)
    bright[np.arange(source) % apart, np.arange(source)] = ONE
    scaled = np.asarray(Image.fromarray(bright).resize((target, apart), Image.Resampling.LANCZOS))
    weights = np.zeros((target, source), dtype=np.int64)
    centres = (np.arange(target) + 0.5) * source / target
    for first in range(apart):
        positions = np.arange(first, source, apart)
        nearest = positions[np.abs(positions + 0.5 - centres[:, np.newaxis]).argmin(axis=1)]
        weights[np.arange(target), nearest] = scaled[first]
    return weights


def axes() -> Iterator[tuple[int, int]]:
    """Sides of photos at our scales, then any."""
    random = np.random.default_rng(4)
    for source in (4000, 3000, 4032, 3024, 4096, 3072, 6000, 5184, 8000, 2048, 1201, 2001):
        yield from ((source, target) for target in (900, 1200, 1600, 2000) if target < source)
    while True:
        source = int(random.integers(2, random.choice([20, 300, 3000, 6000])))
        yield source, int(random.integers(1, source))


def test_every_weight_is_pillows(inside: ctypes.CDLL) -> None:
    different = [
        (source, target)
        for source, target in islice(axes(), 2000)
        if not np.array_equal(ours(inside, source, target), pillows(source, target))
    ]
    assert different == []
