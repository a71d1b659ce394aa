"""Turns and mirrorings: pictures, pixels and boxes follow one rule."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from faces.photo import turns
from faces.photo.face import Box, Point
from tests.pictures import drawn

ALL = sorted(turns.ORIENTATIONS)


@pytest.mark.parametrize("orientation", ALL)
def test_pixels_turn_as_pillows_pictures_do(orientation: int) -> None:
    picture = drawn.noise(9, 5)
    pixels = turns.pixels_turned(np.asarray(picture), orientation)
    assert np.array_equal(pixels, np.asarray(turns.picture_turned(picture, orientation)))
    assert pixels.flags["C_CONTIGUOUS"]
    assert turns.size_turned(9, 5, orientation) == (pixels.shape[1], pixels.shape[0])


@pytest.mark.parametrize("orientation", ALL)
def test_a_box_holds_the_same_pixels_after_the_turn(orientation: int) -> None:
    picture = Image.new("L", (9, 5))
    box = Box(top=1, right=8, bottom=3, left=2)
    picture.paste(255, (box.left, box.top, box.right, box.bottom))
    turned = np.asarray(turns.picture_turned(picture, orientation))
    rows, columns = np.nonzero(turned)
    found = Box(int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1, int(columns.min()))
    assert turns.box_turned(box, 9, 5, orientation) == found


@pytest.mark.parametrize("orientation", ALL)
def test_a_point_is_the_same_pixel_after_the_turn(orientation: int) -> None:
    picture = Image.new("L", (9, 5))
    picture.putpixel((6, 1), 255)
    ((row, column),) = np.argwhere(np.asarray(turns.picture_turned(picture, orientation)))
    assert turns.point_turned(Point(6, 1), 9, 5, orientation) == Point(int(column), int(row))


@pytest.mark.parametrize("orientation", ALL)
def test_the_inverse_undoes_it(orientation: int) -> None:
    pixels = np.asarray(drawn.noise(9, 5))
    there = turns.pixels_turned(pixels, orientation)
    assert np.array_equal(turns.pixels_turned(there, turns.inverse(orientation)), pixels)


@pytest.mark.parametrize("first", ALL)
@pytest.mark.parametrize("second", ALL)
def test_two_turns_are_one(first: int, second: int) -> None:
    pixels = np.asarray(drawn.noise(9, 5))
    one_by_one = turns.pixels_turned(turns.pixels_turned(pixels, first), second)
    assert np.array_equal(turns.pixels_turned(pixels, turns.both(first, second)), one_by_one)


@pytest.mark.parametrize("orientation", [at for at in ALL if at != 1])
def test_each_turn_has_a_name(orientation: int) -> None:
    assert turns.NAMES[orientation]
