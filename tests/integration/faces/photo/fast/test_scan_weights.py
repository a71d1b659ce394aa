"""Detectors whose weights or limits are others than those of dlib's frontal one."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import dlib
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from faces.photo.face import Pixels
from faces.photo.fast import hog_weights
from faces.photo.fast.dlib_file import DlibFile
from faces.photo.fast.hog_scan import HogScanner
from faces.photo.fast.hog_weights import HogWeights
from faces.photo.fast.native_library import NativeLibrary
from tests.fuzz import scans
from tests.fuzz.scans import VERY_LOW, Scan

ROOT = Path(__file__).resolve().parents[5]


def changed(weights: HogWeights, name: str, at: int, value: float) -> HogWeights:
    values: npt.NDArray[np.float64] = getattr(weights, name).copy()
    values[at] = value
    return replace(weights, **{name: values})


def test_weights_that_cannot_be_run_are_refused(library: NativeLibrary, weights: HogWeights) -> None:
    wrong = [
        changed(weights, "thresholds", 2, math.nan),
        changed(weights, "rows", 7, math.inf),
        changed(weights, "columns", 9, 1e30),
        changed(weights, "planes", 3, 31),
        changed(weights, "planes", 3, -1),
        changed(weights, "detectors", 0, 1),
        changed(weights, "detectors", 304, 6),
        replace(weights, detectors=weights.detectors[::-1].copy()),
        replace(weights, thresholds=weights.thresholds[:4].copy()),
        replace(weights, thresholds=np.zeros(6)),
        replace(weights, most_levels=0),
        replace(weights, least_level_height=0),
    ]
    for other in wrong:
        with pytest.raises(ValueError, match="does not take these weights"):
            HogScanner(library, other)


def frontal(tmp_path: Path) -> bytes:
    file = tmp_path / "frontal"
    dlib.get_frontal_face_detector().save(str(file))
    return file.read_bytes()


def integer(value: int) -> bytes:
    return bytes([2]) + value.to_bytes(2, "little")


def with_limits(saved: bytes, levels: int, width: int, height: int) -> bytes:
    """The same detector, with other numbers for how many levels a picture is scanned on."""
    file = DlibFile(saved)
    for _ in range(8):
        file.integer()
    first = file.position
    for _ in range(3):
        file.integer()
    return saved[:first] + integer(levels) + integer(width) + integer(height) + saved[file.position :]


def with_first_only(saved: bytes) -> bytes:
    """The first sub-detector alone: then dlib sorts once and not twice."""
    file = DlibFile(saved)
    for _ in range(11):
        file.integer()
    file.number()
    file.integer()
    file.number(), file.number()
    count = file.position
    file.integer()
    first = file.position
    file.matrix()
    return saved[:count] + integer(1) + saved[first : file.position]


@pytest.mark.parametrize("kind", ["few levels", "levels of nothing", "wide levels", "one sub-detector"])
def test_detectors_with_other_limits_are_dlibs(
    library: NativeLibrary, people: Pixels, tmp_path: Path, kind: str
) -> None:
    saved = {
        "few levels": lambda original: with_limits(original, 3, 64, 64),
        "levels of nothing": lambda original: with_limits(original, 60, 1, 1),
        "wide levels": lambda original: with_limits(original, 1000, 150, 64),
        "one sub-detector": with_first_only,
    }[kind](frontal(tmp_path))
    file = tmp_path / "other"
    file.write_bytes(saved)
    scanner, detector = HogScanner(library, hog_weights.read(saved)), dlib.fhog_object_detector(str(file))
    small = np.asarray(Image.fromarray(people).resize((300, 240)))
    for least_score in (-1.0, VERY_LOW):
        scan = Scan(small, 0, least_score, threads=1)
        ours, dlibs = scans.by_us(scanner, scan), scans.by_dlib(detector, scan)
        assert len(ours) > 1
        assert ours == dlibs


def test_dlibs_detector_has_305_filters_and_none_is_near_a_tie(weights: HogWeights, tmp_path: Path) -> None:
    """Any LAPACK gives dlib's float32 filters: the nearest of their numbers to a tie is further than its last digits.

    The singular values of a plane lie 5 % apart at least, so that double gives their vectors to some 1e-14.
    """
    assert [np.count_nonzero(weights.detectors == index) for index in range(5)] == [61, 58, 54, 66, 66]
    file = DlibFile(frontal(tmp_path))
    for _ in range(11):
        file.integer()
    for read in (file.number, file.integer, file.number, file.number, file.integer):
        read()
    for _ in range(5):
        parts = np.linalg.svd(file.matrix()[:3100].reshape(31, 10, 10))
        roots = np.sqrt(np.where(1e-3 * parts.S[:, :1] <= parts.S, parts.S, 0.0))
        exact = np.concatenate([(parts.U * roots[:, np.newaxis]).ravel(), (parts.Vh * roots[:, :, np.newaxis]).ravel()])
        assert distance_to_tie(exact[exact != 0]) > 1e-12


def distance_to_tie(values: npt.NDArray[np.float64]) -> float:
    """How near the nearest value lies to the middle of two float32 numbers, as a part of itself."""
    rounded = values.astype(np.float32)
    least = np.inf
    for direction in (np.float32(np.inf), np.float32(-np.inf)):
        middle = (rounded.astype(np.float64) + np.nextafter(rounded, direction).astype(np.float64)) / 2
        least = min(least, float(np.min(np.abs(values - middle) / np.abs(values))))
    return least
