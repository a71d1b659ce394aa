"""Our engine against the real face_recognition: same boxes, same order, same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from faces.photo.decoding import decode
from faces.photo.engine import FaceEngine
from faces.photo.open_engine import open_engine
from faces.photo.photo import Photo
from faces.settings import FAST_PARTS, load
from tests.oracle.compare import FARTHEST, LIMITS, compare
from tests.oracle.reference import face_recognition, reference, why_not
from tests.pictures import drawn


@pytest.fixture(scope="module", params=[FAST_PARTS, ()], ids=["fast", "plain"])
def engine(request: pytest.FixtureRequest) -> FaceEngine:
    engine = open_engine(load(fast=request.param))
    assert engine.fast == set(request.param), "script/setup says why a part is not there"
    return engine


def photo_at(path: Path) -> Photo:
    return decode(path.read_bytes(), LIMITS)


def portrait(samples: Path) -> Path:
    return samples / "known/Joe Biden.jpg"


def test_every_sample_photo_gives_the_references_boxes_and_encodings(engine: FaceEngine, samples: Path) -> None:
    paths = [*samples.glob("known/*"), *samples.glob("photos/*")]
    comparable = [path for path in paths if why_not(path) is None]
    found = {path.name: compare(engine, path) for path in comparable}
    assert {name: difference.wrong for name, difference in found.items() if difference.wrong} == {}
    assert max(difference.encoding for difference in found.values()) <= FARTHEST
    assert len(comparable) >= 12
    assert sum(difference.faces for difference in found.values()) >= 9


@pytest.mark.parametrize("scale", [1201, 1600, 1999, 2000, 3001])
def test_photos_around_the_scales_are_scanned_as_the_reference_scans_them(
    engine: FaceEngine, samples: Path, tmp_path: Path, scale: int
) -> None:
    # A face that is small beside the photo, so that further scales matter.
    paper = Image.new("RGB", (scale, scale // 3), (120, 130, 140))
    with Image.open(portrait(samples)) as face:
        paper.paste(face.crop((286, 57, 868, 678)).resize((70, 75)), (scale // 4, scale // 9))
    path = tmp_path / "small-faces.png"
    paper.save(path)
    assert compare(engine, path).wrong is None


def test_gray_and_cut_off_faces_are_the_references_too(engine: FaceEngine, samples: Path, tmp_path: Path) -> None:
    with Image.open(portrait(samples)) as face:
        width, height = face.size
        pictures = {
            "gray.jpg": face.convert("L"),
            "left.png": face.crop((0, 0, width * 3 // 5, height)),
            "top.png": face.crop((0, height // 8, width, height)),
            "small.png": face.resize((90, 90)),
        }
    for name, picture in pictures.items():
        picture.save(tmp_path / name)
        assert compare(engine, tmp_path / name).wrong is None, name


def test_edges_outside_the_picture_are_trimmed_as_the_reference_trims_them(engine: FaceEngine, samples: Path) -> None:
    left, right = (engine.find(photo_at(samples / f"photos/half-a-face-{side}.jpg")) for side in ("left", "right"))
    assert left.faces[0].scaled_box.left == 0
    assert right.faces[0].scaled_box.right == right.pixels.shape[1]


def test_a_turned_photo_gives_what_the_reference_finds_in_the_upright_one(
    engine: FaceEngine, samples: Path, tmp_path: Path
) -> None:
    upright, turned = tmp_path / "upright.png", tmp_path / "turned.png"
    with Image.open(portrait(samples)) as photo:
        photo.save(upright)
        photo.transpose(Image.Transpose.ROTATE_90).save(turned, exif=drawn.exif_orientation(6))
    wanted = reference(upright)
    found = engine.find(photo_at(turned))
    assert [
        (f.scaled_box.top, f.scaled_box.right, f.scaled_box.bottom, f.scaled_box.left) for f in found.faces
    ] == wanted.boxes
    assert np.linalg.norm(found.faces[0].encoding - wanted.encodings[0]) <= FARTHEST


def test_the_oracle_really_is_face_recognition_and_reads_no_damaged_photos() -> None:
    assert face_recognition().api.__name__ == "face_recognition.api"
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
