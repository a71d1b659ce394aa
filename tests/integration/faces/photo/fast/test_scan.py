"""The native scan beside dlib's own: the same boxes, scores, sub-detectors and order, whatever the picture."""

from __future__ import annotations

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image

from faces.photo.face import Pixels
from faces.photo.fast.hog_scan import HogDetection, HogScanner
from faces.photo.fast.hog_weights import HogWeights
from faces.photo.fast.native_library import NativeLibrary
from faces.system.memory import give_back_all
from tests.fuzz import scans
from tests.fuzz.scans import VERY_LOW, Scan

ROOT = Path(__file__).resolve().parents[5]


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(width * 10_000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def both(
    scanner: HogScanner, detector: dlib.fhog_object_detector, pixels: Pixels, upsampling: int, least_score: float
) -> tuple[list[HogDetection], list[HogDetection]]:
    scan = Scan(pixels, upsampling, least_score, threads=1)
    return scans.by_us(scanner, scan), scans.by_dlib(detector, scan)


def test_faces_of_every_sample_are_dlibs(
    scanner: HogScanner, detector: dlib.fhog_object_detector, samples: Path
) -> None:
    found = 0
    for photo in scans.photos(samples):
        scaled = Image.fromarray(photo)
        scaled.thumbnail((1200, 1200))
        ours, dlibs = both(scanner, detector, np.asarray(scaled), 1, -1.0)
        assert ours == dlibs
        found += len([face for face in ours if face.score > 0])
    assert found > 9


@pytest.mark.parametrize(
    ("width", "height"),
    [
        *[(1, 1), (2, 1), (1, 2), (3, 3), (7, 9), (19, 19), (20, 20), (21, 27), (28, 20), (39, 40), (80, 80), (81, 79)],
        *[(1, 3000), (3000, 1), (12, 2000), (2000, 13), (5000, 45), (45, 5000), (12_000, 30), (333, 250), (256, 257)],
    ],
)
@pytest.mark.parametrize("upsampling", [0, 1])
def test_pictures_of_any_size_give_what_dlib_gives(
    scanner: HogScanner, detector: dlib.fhog_object_detector, width: int, height: int, upsampling: int
) -> None:
    ours, dlibs = both(scanner, detector, noise(width, height), upsampling, -2.5)
    assert ours == dlibs


def test_every_gradient_counts_for_the_direction_that_dlib_takes(
    scanner: HogScanner, detector: dlib.fhog_object_detector
) -> None:
    ours, dlibs = both(scanner, detector, every_gradient(), 0, -2.0)
    assert len(ours) > 100
    assert ours == dlibs


@pytest.mark.long
def test_every_gradient_counts_in_every_window(scanner: HogScanner, detector: dlib.fhog_object_detector) -> None:
    ours, dlibs = both(scanner, detector, every_gradient(), 0, VERY_LOW)
    assert len(ours) > 800
    assert ours == dlibs


def every_gradient() -> Pixels:
    """A gray picture of 511 × 511 crosses: the differences across and down take all values from -255 to 255."""
    dx, dy = np.meshgrid(np.arange(-255, 256), np.arange(-255, 256))
    gray = np.zeros((3 * 511, 3 * 511), dtype=np.uint8)
    gray[1::3, 0::3], gray[1::3, 2::3] = np.maximum(-dx, 0), np.maximum(dx, 0)
    gray[0::3, 1::3], gray[2::3, 1::3] = np.maximum(-dy, 0), np.maximum(dy, 0)
    return np.repeat(gray[:, :, np.newaxis], 3, axis=2)


@pytest.mark.parametrize(("side", "times", "least_score"), [(96, 5, -1.0), (160, 4, -2.0), (120, 6, 0.0)])
def test_faces_with_equal_scores_come_in_dlibs_order(
    scanner: HogScanner, detector: dlib.fhog_object_detector, people: Pixels, side: int, times: int, least_score: float
) -> None:
    face = Image.fromarray(people[150:650, 50:550]).resize((side, side))
    ours, dlibs = both(scanner, detector, np.tile(np.asarray(face), (times, times, 1)), 0, least_score)
    assert len({found.score for found in ours}) < len(ours)
    assert ours == dlibs


@pytest.mark.parametrize(("width", "height"), [(90, 90), (150, 120), (301, 260)])
def test_a_thousand_windows_with_one_score_leave_the_same_boxes(
    scanner: HogScanner, detector: dlib.fhog_object_detector, width: int, height: int
) -> None:
    ours, dlibs = both(scanner, detector, np.zeros((height, width, 3), np.uint8), 1, VERY_LOW)
    assert len({found.score for found in ours}) == 1 < len(ours)
    assert ours == dlibs


@pytest.mark.parametrize("least_score", [math.inf, -math.inf, math.nan, 100.0, -100.0])
def test_limits_that_nothing_or_everything_passes_are_dlibs(
    scanner: HogScanner, detector: dlib.fhog_object_detector, people: Pixels, least_score: float
) -> None:
    ours, dlibs = both(scanner, detector, people[200:300, 200:320], 0, least_score)
    assert ours == dlibs


@pytest.mark.parametrize("upsampling", [0, 2, 3])
def test_boxes_are_in_pixels_of_the_picture_however_often_it_is_doubled(
    scanner: HogScanner, detector: dlib.fhog_object_detector, people: Pixels, upsampling: int
) -> None:
    small = np.asarray(Image.fromarray(people).resize((200, 250)))
    ours, dlibs = both(scanner, detector, small, upsampling, -0.5)
    assert len(ours) >= 1
    assert ours == dlibs


def test_rows_and_pixels_may_lie_anyhow(scanner: HogScanner, people: Pixels) -> None:
    expected = scanner.scan(people, 1, 0.0)
    assert len(expected) == 2
    wide = np.zeros((people.shape[0], people.shape[1] + 41, 3), dtype=np.uint8)
    wide[:, 20:-21] = people
    assert scanner.scan(wide[:, 20:-21], 1, 0.0) == expected
    assert scanner.scan(people[::-1].copy()[::-1], 1, 0.0) == expected
    assert scanner.scan(people[:, ::-1].copy()[:, ::-1], 1, 0.0) == expected
    assert scanner.scan(people[:, :, ::-1].copy()[:, :, ::-1], 1, 0.0) == expected


def test_two_threads_find_what_one_finds(scanner: HogScanner, people: Pixels) -> None:
    for least_score in (0.0, -1.0):
        assert scanner.scan(people, 1, least_score, threads=2) == scanner.scan(people, 1, least_score)


def test_scanners_in_several_threads_do_not_disturb_each_other(
    library: NativeLibrary, weights: HogWeights, people: Pixels
) -> None:
    pictures = [np.asarray(Image.fromarray(people).resize((side, side + 40))) for side in (180, 240, 300, 360)]
    scanners = [HogScanner(library, weights) for _ in pictures]
    alone = [scanners[0].scan(picture, 1, -1.0) for picture in pictures]
    with ThreadPoolExecutor(len(pictures)) as threads:

        def many(at: int) -> list[list[HogDetection]]:
            return [scanners[at].scan(picture, 1, -1.0, threads=1 + at % 2) for picture in pictures * 5]

        assert all(found == alone * 5 for found in threads.map(many, range(len(pictures))))


def test_pictures_of_random_kinds_give_what_dlib_gives(scanner: HogScanner, samples: Path) -> None:
    assert scans.different(scanner, scans.scans(1, scans.photos(samples)), 120) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_thousands_of_random_pictures_give_what_dlib_gives(scanner: HogScanner, samples: Path, seed: int) -> None:
    assert scans.different(scanner, scans.scans(seed, scans.photos(samples)), 2000) == []


def test_the_memory_for_scans_is_given_back_and_taken_again(scanner: HogScanner) -> None:
    large = noise(2000, 1300)
    found = scanner.scan(large, 1, -1.0)
    kept = megabytes()
    scanner.trim()
    give_back_all()
    assert megabytes() < kept - 40
    assert scanner.scan(large, 1, -1.0) == found


def megabytes() -> float:
    """What this process has in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * 4096 / 1e6


FORKED = """
import os, sys
import numpy
from faces.photo.fast.native_library import load
from faces.photo.fast.hog_scan import HogScanner
from tests.fuzz import scans
scanner = HogScanner(load(), scans.weights())
picture = numpy.random.default_rng(1).integers(0, 256, (300, 200, 3), dtype=numpy.uint8)
found = scanner.scan(picture, 1, -2.0, 2)
child = os.fork()
if child == 0:
    os._exit(0 if found and scanner.scan(picture, 1, -2.0, 2) == found else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or scanner.scan(picture, 1, -2.0, 2) != found)
"""


def test_a_child_may_use_the_scanner_of_its_parent() -> None:
    assert subprocess.run([sys.executable, "-c", FORKED], cwd=ROOT).returncode == 0


def test_a_closed_scanner_says_so(library: NativeLibrary, weights: HogWeights) -> None:
    scanner = HogScanner(library, weights)
    scanner.close()
    scanner.close()
    scanner.trim()
    with pytest.raises(ValueError, match="this scanner was closed"):
        scanner.scan(noise(80, 80), 1, 0.0)


@pytest.mark.parametrize(
    ("shape", "upsampling", "threads"),
    [
        ((0, 10, 3), 0, 1),
        ((10, 0, 3), 0, 1),
        ((2, 25_001, 3), 0, 1),
        ((12_500, 1, 3), 1, 1),
        ((9, 9, 3), 40, 1),
        ((9, 9, 3), -1, 1),
        ((9, 9, 3), 0, 0),
        ((9, 9, 3), 0, 3),
    ],
)
def test_what_cannot_be_scanned_is_refused(
    scanner: HogScanner, shape: tuple[int, int, int], upsampling: int, threads: int
) -> None:
    with pytest.raises(ValueError, match="does not take pictures of this size"):
        scanner.scan(np.zeros(shape, dtype=np.uint8), upsampling, 0.0, threads)


def test_the_longest_pictures_are_scanned(scanner: HogScanner, detector: dlib.fhog_object_detector) -> None:
    ours, dlibs = both(scanner, detector, noise(25_000, 90), 0, -2.2)
    assert ours == dlibs
