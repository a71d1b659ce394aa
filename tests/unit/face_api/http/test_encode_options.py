"""How the texts of a request become options, and what is said of those that cannot be used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from face_api.http.encode_options import HASH_SIZE, MOST_BOXES, EncodeOptions
from face_api.http.upload_form import RequestFields
from faces.http.errors import WrongField
from faces.photo.face import Box
from faces.photo.selection import ALL, Selection

BOX = {"top": 1, "right": 20, "bottom": 30, "left": 2}


def options(*given: tuple[str, str]) -> EncodeOptions:
    return EncodeOptions.of(RequestFields(given))


def boxes(value: Any) -> EncodeOptions:
    return options(("boxes", value if isinstance(value, str) else json.dumps(value)))


def test_without_options_a_search_tells_all_that_it_finds() -> None:
    asked = options()
    assert asked.boxes is None
    assert asked.landmarks is False
    assert asked.selection == ALL
    assert asked.image_debug_subdir == "debug"


def test_limits_are_read_as_numbers() -> None:
    asked = options(("max_faces", "3"), ("min_size", "40"), ("min_quality", "64.5"))
    assert asked.selection == Selection(max_faces=3, min_size=40, min_quality=64.5)


def test_an_empty_option_means_the_same_as_a_missing_one() -> None:
    names = ("boxes", "landmarks", "max_faces", "min_size", "min_quality", "webp_quality", "image_debug_subdir")
    assert options(*((name, "") for name in names)) == options()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("max_faces", "0"), ("max_faces", "-1"), ("max_faces", "1.5"), ("max_faces", "ten"), ("max_faces", "٣"),
        ("max_faces", "1" * 5000), ("min_size", "0"), ("min_size", "1e2"), ("min_quality", "101"),
        ("min_quality", "-0.1"), ("min_quality", "nan"), ("min_quality", "inf"), ("min_quality", "1_0"),
        ("landmarks", "yes"), ("webp_quality", "0"), ("original_path", "a" * 4097),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_used_is_named(name: str, text: str) -> None:
    with pytest.raises(WrongField, match=f"^{name} (is|has) .*(needed|at most)") as refused:
        options((name, text))
    assert len(str(refused.value)) < 300


def test_the_same_value_twice_is_no_contradiction() -> None:
    assert options(("max_faces", "3"), ("max_faces", "3"), ("max_faces", "")).selection.max_faces == 3


def test_an_option_with_two_values_is_refused_with_both() -> None:
    with pytest.raises(WrongField, match="max_faces is '3' and '4' at once, needed one of them"):
        options(("max_faces", "3"), ("max_faces", "4"))


def test_boxes_are_read_in_their_order_and_come_with_landmarks() -> None:
    asked = boxes([BOX, {**BOX, "top": 3.0}])
    assert asked.boxes == (Box(1, 20, 30, 2), Box(3, 20, 30, 2))
    assert asked.landmarks is True
    assert asked.notes == []


def test_landmarks_of_boxes_can_be_declined() -> None:
    assert options(("boxes", "[]"), ("landmarks", "0")).landmarks is False


def test_no_boxes_are_an_answer_without_faces_and_no_search() -> None:
    assert boxes([]).boxes == ()


def test_what_else_a_box_says_is_ignored_with_a_warning() -> None:
    asked = boxes([{**BOX, "detection_confidence": 1.1}])
    assert asked.boxes == (Box(1, 20, 30, 2),)
    assert asked.notes == ["the box member 'detection_confidence' is unknown here and was ignored"]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("{", "boxes is no JSON"),
        ("[" * 20_000, "boxes is no JSON"),
        ("[" + "1" * 5000 + "]", "boxes is no JSON"),
        ("1" * 70_000, "boxes has 70,000 characters"),
        ({}, "boxes is no list"),
        (None, "boxes is no list"),
        ([BOX, [1, 20, 30, 2]], r"boxes\[1\] is no object"),
        ([BOX, {"top": 1, "right": 20, "bottom": 30}], r"boxes\[1\] has no left"),
        ([{**BOX, "top": 1.5}], r"boxes\[0\].top is '1.5', needed a whole number of pixels"),
        ([{**BOX, "top": "1"}], r"boxes\[0\].top"),
        ([{**BOX, "top": True}], r"boxes\[0\].top is 'True'"),
        ([{**BOX, "top": None}], r"boxes\[0\].top"),
        ([{**BOX, "top": float("nan")}], r"boxes\[0\].top is 'nan'"),
        ([{**BOX, "top": float("-inf")}], r"boxes\[0\].top is '-inf'"),
        ([{**BOX, "right": 10**400}], r"boxes\[0\].right is '10000.*…, needed a whole number"),
        ([BOX, {**BOX, "left": 20}], r"boxes\[1\] has no pixel in it"),
        ([{**BOX, "bottom": 0}], r"boxes\[0\] has no pixel in it"),
        ('[{"top": 1, "top": 2, "right": 20, "bottom": 30, "left": 2}]', r"boxes\[0\] has top twice"),
        ([BOX] * (MOST_BOXES + 1), f"boxes has {MOST_BOXES + 1} boxes"),
    ],
)
def test_boxes_that_cannot_be_used_are_refused_and_the_first_wrong_one_is_named(value: Any, sentence: str) -> None:
    with pytest.raises(WrongField, match=sentence):
        boxes(value)


@pytest.mark.parametrize("limit", ["max_faces", "min_size", "min_quality"])
def test_boxes_and_a_limit_contradict_each_other(limit: str) -> None:
    with pytest.raises(WrongField, match=f"boxes asks for each .*{limit}"):
        options(("boxes", json.dumps([BOX])), (limit, "3"))


def test_a_hash_has_64_bits_unless_another_size_is_asked_for() -> None:
    assert HASH_SIZE.of(RequestFields(())) == 8
    assert HASH_SIZE.of(RequestFields((("hash_size", "16"),))) == 16


def test_unknown_fields_are_told_once_each_and_not_without_end() -> None:
    fields = RequestFields((("a", "1"), ("a", "2"), ("b\n", "1"), ("max_faces", "3")))
    assert fields.unknown(["max_faces"]) == [
        "the field 'a' is unknown here and was ignored",
        "the field 'b\\n' is unknown here and was ignored",
    ]
    many = RequestFields(tuple((f"{'x' * 1000}{number}", "1") for number in range(1000))).unknown([])
    assert len(many) == 9
    assert max(map(len, many)) < 120
