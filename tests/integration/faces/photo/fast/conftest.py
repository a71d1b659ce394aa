"""The native scan, and dlib's detector beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image

from faces.photo.face import Pixels
from faces.photo.fast.hog_scan import HogScanner
from faces.photo.fast.hog_weights import HogWeights
from faces.photo.fast.native_library import NativeLibrary, load
from tests.fuzz import scans


@pytest.fixture(scope="module")
def library() -> NativeLibrary:
    return load()


@pytest.fixture(scope="module")
def weights() -> HogWeights:
    return scans.weights()


@pytest.fixture(scope="module")
def detector() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


@pytest.fixture
def scanner(library: NativeLibrary, weights: HogWeights) -> Iterator[HogScanner]:
    scanner = HogScanner(library, weights)
    yield scanner
    scanner.close()


@pytest.fixture(scope="module")
def people(samples: Path) -> Pixels:
    """Two faces, 956 × 1200 pixels."""
    with Image.open(samples / "photos/side-by-side.jpg") as photo:
        photo.thumbnail((1200, 1200))
        return np.asarray(photo.convert("RGB"))
