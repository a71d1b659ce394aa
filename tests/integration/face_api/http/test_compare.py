from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from face_api.http.compare import CompareBody, compare
from face_api.http.errors import BadBody, WrongField

GOOD = [float(number) / 7 for number in range(128)]


def read(body: Any) -> CompareBody:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return CompareBody.read(io.BytesIO(text))


def answer(body: Any) -> Any:
    return json.loads(compare(io.BytesIO(json.dumps(body).encode())))


def test_members_come_in_any_order_and_unknown_ones_are_skipped() -> None:
    asked = read({"x": {"y": [1, {}]}, "candidates": [GOOD], "z": None, "encoding": GOOD})
    assert asked.count == 1
    assert asked.places.tolist() == [0]
    assert asked.valid.tolist() == [GOOD]
    assert asked.encoding.tolist() == GOOD


def test_numbers_are_read_exactly_as_python_reads_them() -> None:
    values = [0.1, -0.0, 1e-300, 5e-324, 1.7976931348623157e308, 0.30000000000000004, 3, -12] * 16
    asked = read(json.dumps({"encoding": values, "candidates": [values] * 3}).encode())
    assert np.array_equal(asked.encoding, np.array(values, dtype=np.float64))
    assert np.array_equal(asked.valid, np.array([values] * 3, dtype=np.float64))


@pytest.mark.parametrize(
    "candidate",
    [
        None, True, "text", 5, {}, [], GOOD[:127], [*GOOD, 1.0],
        [float("nan"), *GOOD[1:]], [float("-inf"), *GOOD[1:]], [None, *GOOD[1:]], ["1", *GOOD[1:]],
        [True, *GOOD[1:]], [GOOD] * 128, [10**400, *GOOD[1:]],
    ],
)  # fmt: skip
def test_a_candidate_that_cannot_be_compared_is_1e9_away_and_spoils_nothing(candidate: Any) -> None:
    assert answer({"encoding": GOOD, "candidates": [GOOD, candidate, GOOD]}) == {
        "distances": [0.0, 1e9, 0.0],
        "invalid": [1],
    }


def test_finite_numbers_too_far_apart_are_1e9_away() -> None:
    far = answer({"encoding": GOOD, "candidates": [[1e300] * 128]})
    assert far == {"distances": [1e9], "invalid": [0]}


def test_a_value_cut_by_the_end_of_a_piece_is_read_whole() -> None:
    # Spaces move every part of a number over the border between two pieces.
    values = json.dumps([1.25e-17] * 128)
    for shift in range(1, 24):
        spaces = b" " * (1024 * 1024 - 40 - shift)
        body = b'{"encoding":' + spaces + values.encode() + b',"candidates":[' + values.encode() + b"]}"
        assert read(body).valid.tolist() == [[1.25e-17] * 128]


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"encoding"', b'{"a" 1}', b'{"a":1,}', b'{"a":1}x', b'{"candidates":[1 2]}', b'{"candidates":[1,]}',
     b'{"a":nul}', b"\xff\xfe", b'{"candidates":' + b"[" * 100_000, b'{1:2}', b'{"encoding":[1,2'],
)  # fmt: skip
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        read(body)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "no JSON object"),
        (b"[]", "no JSON object"),
        ({"candidates": []}, "encoding is missing"),
        ({"encoding": GOOD}, "candidates is missing"),
        ({"encoding": GOOD[:127], "candidates": []}, "encoding has 127 numbers"),
        ({"encoding": [float("nan")] * 128, "candidates": []}, "no finite number"),
        ({"encoding": "text", "candidates": []}, "encoding is a string"),
        ({"encoding": GOOD, "candidates": {"0": GOOD}}, "candidates is no list"),
        ({"encoding": GOOD, "candidates": None}, "candidates is no list"),
    ],
)
def test_a_member_that_is_wrong_is_named(body: Any, sentence: str) -> None:
    with pytest.raises(WrongField, match=sentence):
        read(body)
