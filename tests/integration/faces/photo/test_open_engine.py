"""Which parts of an engine faster code does, and that whatever is not fit is left to dlib and Pillow, said once."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces.photo import models
from faces.photo.decoding import PhotoLimits
from faces.photo.detector import DlibDetector
from faces.photo.open_engine import KnownFace, _EngineParts, load_known_face, open_engine
from faces.settings import FAST_PARTS, FastPart, load
from tests.pictures import drawn

ROOT = Path(__file__).resolve().parents[4]

NOBODY = drawn.file_of(Image.new("RGB", (160, 160), "gray"), "JPEG")

#: What is in place before a fork: threads would be lost by it, with the locks that they hold.
THREADS = """
import json, os
from faces.photo.open_engine import open_engine
from faces.photo.decoding import PhotoLimits
from faces.settings import load
engine = open_engine(load())
print(json.dumps([sorted(engine.fast), len(os.listdir("/proc/self/task"))]))
"""


@pytest.mark.parametrize("part", FAST_PARTS)
def test_a_part_that_is_switched_off_is_not_used_and_nobody_is_warned(
    part: FastPart, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = tuple(one for one in FAST_PARTS if one != part)
    assert open_engine(load(fast=wanted)).fast == set(wanted)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_no_thread_is_there_when_the_master_forks() -> None:
    # numpy's own threads are not the engine's; face_api sets this before it loads numpy.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", THREADS]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == [sorted(FAST_PARTS), 1]


def opened_with(known: KnownFace) -> frozenset[str]:
    return _EngineParts(FAST_PARTS, models.find(), known, DlibDetector()).engine().fast


def test_wrong_numbers_leave_the_part_to_dlib_and_are_said(caplog: pytest.LogCaptureFixture) -> None:
    known = load_known_face()
    assert opened_with(KnownFace(known.jpeg, known.encoding + 1e-5)) == set(FAST_PARTS) - {"resnet"}
    (record,) = caplog.records
    assert "FACE_FAST: resnet is done by dlib, slower and with the same results: its encoding is" in record.getMessage()


def test_a_scan_that_finds_nobody_proves_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert opened_with(KnownFace(NOBODY, np.zeros(128))) == {"decode", "resize"}
    assert len(caplog.records) == 2


def test_without_the_native_library_dlib_scans_and_encodes_and_pillow_scales() -> None:
    code = "import sys; sys.modules['face_native'] = None\n" + THREADS
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(done.stdout)[0] == ["decode"]
    assert done.stderr.count("the native library is not installed") == 3


def test_the_known_face_has_dlibs_own_encoding() -> None:
    known = load_known_face()
    engine = open_engine(load(fast=()))
    (face,) = engine.find(engine.decode(known.jpeg, PhotoLimits(10**6, 10**6))).faces
    assert np.linalg.norm(face.encoding - known.encoding) < 1e-6
