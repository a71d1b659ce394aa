"""Encoding given boxes: those that a search found get the same numbers to the last bit, at whichever scale it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces.photo import given_boxes
from faces.photo.decoding import PhotoLimits, decode
from faces.photo.engine import SCALES, FaceEngine
from faces.photo.face import Box, Face, Point
from faces.photo.open_engine import open_engine
from faces.photo.photo import Photo
from faces.photo.quality import quality_of
from faces.photo.selection import Selection
from faces.settings import load
from tests.pictures import drawn

LIMITS = PhotoLimits(max_pixels=120_000_000, max_bytes=64_000_000)


@pytest.fixture(scope="module", params=["fast", "dlib"])
def engine(request: pytest.FixtureRequest) -> FaceEngine:
    return open_engine(load() if request.param == "fast" else load(fast=()))


@pytest.fixture(scope="module")
def portrait(samples: Path) -> Image.Image:
    """A head and shoulders, 582 × 621 pixels."""
    with Image.open(samples / "known/Joe Biden.jpg") as photo:
        return photo.convert("RGB").crop((286, 57, 868, 678))


def photo_of(picture: Image.Image) -> Photo:
    return decode(drawn.file_of(picture, "PNG", compress_level=0), LIMITS)


def on_paper(portrait: Image.Image, paper: tuple[int, int], width: int, *places: tuple[int, int]) -> Image.Image:
    """The portrait, so many pixels wide, at each place of a gray picture."""
    picture = Image.new("RGB", paper, (120, 130, 140))
    for place in places:
        picture.paste(portrait.resize((width, width * portrait.height // portrait.width)), place)
    return picture


def numbers(face: Face) -> list[object]:
    """All of a face that does not depend on how its box came."""
    return [face.box, face.scaled_box, face.quality, face.landmarks, face.encoding.tolist()]


@pytest.mark.parametrize(
    ("paper", "width", "scale"),
    [
        ((900, 700), 300, 1200),
        ((1300, 1000), 300, 1200),
        ((3000, 2250), 600, 1200),
        ((4000, 2600), 145, 1600),
        ((1700, 1105), 60, 1600),
        ((4000, 2600), 115, 2000),
    ],
)
def test_a_box_that_a_search_found_gets_the_same_numbers_to_the_last_bit(
    engine: FaceEngine, portrait: Image.Image, paper: tuple[int, int], width: int, scale: int
) -> None:
    picture = on_paper(portrait, paper, width, (paper[0] // 4, paper[1] // 3), (paper[0] - width + width // 8, 9))
    found = engine.find(photo_of(picture), landmarks=True)
    assert found.scale == scale
    given = engine.encode_given(photo_of(picture), [face.box for face in found.faces])
    assert given.scale == scale
    assert [numbers(face) for face in given.faces] == [numbers(face) for face in found.faces]
    assert [face.score for face in given.faces] == [None] * len(found.faces)


def test_boxes_come_back_in_the_order_given_and_as_often(engine: FaceEngine, portrait: Image.Image) -> None:
    box, other = Box(60, 400, 430, 90), Box(0, 582, 621, 0)
    given = engine.encode_given(photo_of(portrait), [other, box, other])
    assert [face.box for face in given.faces] == [other, box, other]
    assert np.array_equal(given.faces[0].encoding, given.faces[2].encoding)
    assert given.faces[1].quality == quality_of(given.pixels, box)


def test_a_box_from_elsewhere_beside_one_that_was_found_does_not_change_that_ones_numbers(
    engine: FaceEngine, portrait: Image.Image
) -> None:
    picture = on_paper(portrait, (4000, 2600), 145, (1000, 900))
    (face,) = engine.find(photo_of(picture)).faces
    given = engine.encode_given(photo_of(picture), [Box(31, 702, 655, 77), face.box])
    assert np.array_equal(given.faces[1].encoding, face.encoding)


@pytest.mark.parametrize(
    ("side", "scale"), [(4000, 1200), (121, 1200), (117, 1600), (91, 1600), (88, 2000), (73, 2000), (1, 2000)]
)
def test_boxes_from_elsewhere_are_looked_at_where_they_are_as_large_as_what_a_search_finds(
    side: int, scale: int
) -> None:
    boxes = [Box(0, 3999, 2999, 1), Box(0, side, min(side, 3000), 0)]
    photo = photo_of(Image.new("L", (4000, 3000)))
    assert given_boxes.scale_for(photo, SCALES, boxes) == scale


def test_without_boxes_there_is_no_face_and_no_scale(engine: FaceEngine) -> None:
    found = engine.encode_given(photo_of(Image.new("L", (1300, 900))), [])
    assert found.faces == ()
    assert found.scale is None


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000), (2, 2), (1300, 900), (9000, 7000)])
def test_boxes_of_any_size_do_no_harm(engine: FaceEngine, size: tuple[int, int]) -> None:
    width, height = size
    boxes = [Box(0, width, height, 0), Box(0, 1, 1, 0), Box(height - 1, width, height, width - 1), Box(0, width, 1, 0)]
    given = engine.encode_given(photo_of(Image.effect_noise(size, 60)), boxes)
    assert np.isfinite([face.encoding for face in given.faces]).all()


def test_landmarks_lie_where_the_eyes_and_the_nose_are(engine: FaceEngine, portrait: Image.Image) -> None:
    (face,) = engine.find(photo_of(portrait.resize((2400, 2560))), landmarks=True).faces
    assert face.landmarks is not None
    left_outer, left_inner, right_outer, right_inner, nose = face.landmarks
    # The person's left is on the right of the photo.
    assert right_outer.x < right_inner.x < nose.x < left_inner.x < left_outer.x
    assert max(left_outer.y, right_outer.y) < nose.y
    assert all(face.box.left < point.x < face.box.right for point in face.landmarks)
    assert all(face.box.top < point.y < face.box.bottom for point in face.landmarks)


def test_landmarks_of_a_face_that_lies_on_its_side_lie_there_too(portrait: Image.Image) -> None:
    lying = portrait.transpose(Image.Transpose.ROTATE_90)
    (face,) = open_engine(load(look_turned=True)).find(photo_of(lying), landmarks=True).faces
    assert face.landmarks is not None
    # The top of the head is on the left, the person's left side on top.
    left_outer, left_inner, right_outer, right_inner, nose = face.landmarks
    assert left_outer.y < left_inner.y < nose.y < right_inner.y < right_outer.y
    assert max(left_outer.x, right_outer.x) < nose.x
    assert all(face.box.left < point.x < face.box.right for point in face.landmarks)
    assert all(face.box.top < point.y < face.box.bottom for point in face.landmarks)


def test_landmarks_are_computed_only_where_they_are_asked_for(engine: FaceEngine, portrait: Image.Image) -> None:
    (face,) = engine.find(photo_of(portrait)).faces
    assert face.landmarks is None
    assert engine.encode_given(photo_of(portrait), [face.box], landmarks=False).faces[0].landmarks is None


def test_a_point_is_brought_to_another_size_as_a_box_is() -> None:
    assert Point(10, 20).resized(1.26, 2.0) == Point(13, 40)


def test_what_is_left_out_does_not_change_the_scale_of_the_search(engine: FaceEngine, portrait: Image.Image) -> None:
    picture = on_paper(portrait, (3000, 2250), 600, (200, 300), (1500, 300))
    every = engine.find(photo_of(picture))
    none = engine.find(photo_of(picture), selection=Selection(min_size=2999))
    assert (len(every.faces), every.left_out) == (2, {})
    assert (len(none.faces), none.left_out) == (0, {"too_small": 2})
    assert none.scale == every.scale == 1200


def test_the_faces_that_are_kept_are_the_same_as_without_a_limit(engine: FaceEngine, samples: Path) -> None:
    data = (samples / "photos/side-by-side.jpg").read_bytes()
    every = engine.find(decode(data, LIMITS))
    one = engine.find(decode(data, LIMITS), selection=Selection(max_faces=1))
    largest = max(every.faces, key=lambda face: face.box.width * face.box.height)
    assert [numbers(face) for face in one.faces] == [numbers(largest)]
    assert one.left_out == {"over_max_faces": len(every.faces) - 1}
