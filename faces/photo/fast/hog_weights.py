"""What dlib's frontal detector has learnt: the bytes that its `save` writes -> the filters that its scan runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from faces.photo.fast.dlib_file import DlibFile

#: dlib/image_transforms/fhog.h: a cell has this many features, of 8 × 8 pixels each.
PLANES = 31
CELL = 8
#: Cells along one side of the window that the frontal detector looks through: 80 pixels.
WINDOW = 10

#: dlib/image_processing/object_detector.h and scan_fhog_pyramid.h write these versions.
_DETECTOR_VERSION = 2
_SCANNER_VERSION = 1

#: The part of the file before the overlap limits, by name, and what our scan can do. None: any number above 0.
_GEOMETRY: Final[dict[str, int | None]] = {
    "detector version": _DETECTOR_VERSION,
    "scanner version": _SCANNER_VERSION,
    "room for feature images": 0,
    "feature images": 0,
    "cell size": CELL,
    "padding": 0,
    "window width": CELL * WINDOW,
    "window height": CELL * WINDOW,
    "most levels": None,
    "least level width": None,
    "least level height": None,
}
_DIMENSIONS = PLANES * WINDOW * WINDOW

#: scan_fhog_pyramid.h, `build_fhog_filterbank`: weaker parts of a plane's filter are left out.
_LEAST_STRENGTH = 1e-4
_LEAST_PART_OF_STRONGEST = 0.001
#: The same file, `apply_filters_to_fhog`: with more parts than this a detector is run another way, not made separable.
_MOST_FILTERS = PLANES * WINDOW / 3.0

#: More than any detector of dlib's has; they bound what a damaged file can ask for.
_MOST_DETECTORS = 100
_LARGEST_WEIGHT = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class HogWeights:
    """The filters of all sub-detectors, in the order in which dlib adds them up, and their limits.

    Filter i belongs to sub-detector `detectors[i]` and plane `planes[i]` (int32); its ten weights along a row of
    cells are `rows[i]`, those down the column `columns[i]` (float32, shape (filters, 10)).
    """

    #: What a sub-detector's sum must reach before `least_score`; float64, one a sub-detector.
    thresholds: npt.NDArray[np.float64]
    #: Boxes that share more of their union, or more of one of the two, are one face: the weaker is dropped.
    most_overlap: float
    most_covered: float
    #: Pictures are made smaller and scanned again while they are this wide and high, so many times at most.
    least_level_width: int
    least_level_height: int
    most_levels: int
    detectors: npt.NDArray[np.int32]
    planes: npt.NDArray[np.int32]
    rows: npt.NDArray[np.float32]
    columns: npt.NDArray[np.float32]


def read(saved: bytes) -> HogWeights:
    """Read what `dlib.get_frontal_face_detector().save(path)` wrote into a file.

    Raises:
        ValueError: something else, a detector of another geometry, or damaged; the sentence says what was found.
    """
    file = DlibFile(saved)
    geometry = {name: _number_of(name, needed, file) for name, needed in _GEOMETRY.items()}
    file.number()  # How strongly training was kept to separable filters: no matter for a scan.
    _need("dimensions", file.integer(), _DIMENSIONS)
    most_overlap, most_covered = file.number(), file.number()
    weights = _weights(file)
    file.end()
    filters = [part for detector, numbers in enumerate(weights) for part in _separable(detector, numbers)]
    detectors, planes, rows, columns = zip(*filters, strict=True)
    return HogWeights(
        thresholds=np.array([numbers[_DIMENSIONS] for numbers in weights], np.float64),
        most_overlap=most_overlap,
        most_covered=most_covered,
        least_level_width=geometry["least level width"],
        least_level_height=geometry["least level height"],
        most_levels=geometry["most levels"],
        detectors=np.array(detectors, np.int32),
        planes=np.array(planes, np.int32),
        rows=np.array(rows, np.float32),
        columns=np.array(columns, np.float32),
    )


def _number_of(name: str, needed: int | None, file: DlibFile) -> int:
    found = file.integer()
    if needed is not None:
        _need(name, found, needed)
    elif found < 1:
        raise ValueError(f"found a detector with {name} {found}, need at least 1")
    return found


def _need(name: str, found: int, needed: int) -> None:
    if found != needed:
        raise ValueError(f"found a detector with {name} {found}, need {needed} (dlib's frontal face detector)")


def _weights(file: DlibFile) -> list[npt.NDArray[np.float64]]:
    count = file.integer()
    if not 1 <= count <= _MOST_DETECTORS:
        raise ValueError(f"found {count} sub-detectors, need 1 to {_MOST_DETECTORS}")
    weights = [file.matrix() for _ in range(count)]
    for matrix in weights:
        if matrix.shape != (_DIMENSIONS + 1, 1):
            raise ValueError(f"found weights of shape {matrix.shape}, need {(_DIMENSIONS + 1, 1)}")
        if (largest := float(np.abs(matrix).max())) > _LARGEST_WEIGHT:
            raise ValueError(f"found weights up to {largest:g}, need at most {_LARGEST_WEIGHT:g}")
    return [matrix[:, 0] for matrix in weights]


_Filter = tuple[int, int, npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _separable(detector: int, numbers: npt.NDArray[np.float64]) -> list[_Filter]:
    """Each plane's filter as a sum of column × row, the strongest first: scan_fhog_pyramid.h, `build_fhog_filterbank`.

    The signs of a column and its row are free together: their product, and every rounding on the way, is the same.
    """
    columns, strengths, rows = np.linalg.svd(numbers[:_DIMENSIONS].reshape(PLANES, WINDOW, WINDOW))
    least = np.maximum(_LEAST_STRENGTH, strengths[:, 0] * _LEAST_PART_OF_STRONGEST)
    filters = [
        (detector, plane, rows[plane, part] * root, columns[plane, :, part] * root)
        for plane in range(PLANES)
        for part, root in enumerate(np.sqrt(strengths[plane]))
        if strengths[plane, part] >= least[plane]
    ]
    if not 1 <= len(filters) <= _MOST_FILTERS:
        raise ValueError(
            f"found sub-detector {detector} with {len(filters)} separable filters, need 1 to {int(_MOST_FILTERS)}"
        )
    return filters
