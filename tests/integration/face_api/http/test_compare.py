from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest

from face_api.http.compare import CompareBody, compare
from faces.http.errors import BadBody, WrongField

GOOD = [float(number) / 7 for number in range(128)]


def read(body: Any) -> CompareBody:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return CompareBody.read(io.BytesIO(text))


def answer(body: Any) -> Any:
    return json.loads(compare(io.BytesIO(json.dumps(body).encode())))


def base64_of(rows: Any) -> str:
    """As little-endian float32, one row behind the other."""
    return base64.b64encode(np.array(rows, dtype="<f4").tobytes()).decode()


def as_php_writes_it(body: Any) -> bytes:
    """With a backslash before each slash: what json_encode does unless told otherwise."""
    return json.dumps(body).replace("/", r"\/").encode()


def some(count: int) -> Any:
    return np.random.default_rng(count).normal(0, 0.1, (count, 128)).astype(np.float32)


def test_members_come_in_any_order_and_unknown_ones_are_told() -> None:
    asked = read({"x": {"y": [1, {}]}, "candidates": [GOOD], "z": None, "encoding": GOOD})
    assert asked.count == 1
    assert asked.places.tolist() == [0]
    assert asked.valid.tolist() == [GOOD]
    assert asked.encoding.tolist() == GOOD
    assert asked.unknown == ("x", "z")
    assert answer({"x": 1, "encoding": GOOD, "candidates": []})["warnings"] == [
        "the member 'x' is unknown here and was ignored"
    ]


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
        "warnings": [],
    }


@pytest.mark.parametrize("number", [1e300, 1e30, 1e8])
def test_finite_numbers_too_far_apart_are_1e9_away(number: float) -> None:
    far = answer({"encoding": GOOD, "candidates": [[number] * 128]})
    assert far == {"distances": [1e9], "invalid": [0], "warnings": []}


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


def test_base64_gives_the_distances_of_the_same_numbers_as_lists() -> None:
    rows = some(300)
    lists = answer({"encoding": rows[7].tolist(), "candidates": rows.tolist()})
    text = answer({"encoding_b64": base64_of(rows[7]), "candidates_b64": base64_of(rows)})
    assert text == lists
    assert text["distances"][7] == 0.0


def test_base64_is_compared_in_float64() -> None:
    # In float32 the squares of these differences would vanish or overflow.
    rows = np.zeros((2, 128), np.float32)
    rows[0, 0], rows[1, 0] = 1e-30, 1e30
    zero = [0.0] * 128
    asked = answer({"encoding": zero, "candidates_b64": base64_of(rows)})
    assert asked["distances"] == pytest.approx([1e-30, 1e9], rel=1e-6)
    assert asked["invalid"] == [1]
    assert answer({"encoding": [0.1] * 128, "candidates_b64": base64_of([[0.1] * 128])})["distances"][0] > 0


def test_one_may_come_as_a_list_and_the_other_as_base64() -> None:
    rows = some(2)
    every = [
        answer({"encoding": rows[0].tolist(), "candidates_b64": base64_of(rows)}),
        answer({"encoding_b64": base64_of(rows[0]), "candidates": rows.tolist()}),
    ]
    assert every[0] == every[1]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
def test_a_candidate_of_base64_that_is_not_finite_is_1e9_away_and_spoils_nothing(wrong: float) -> None:
    rows = some(3)
    rows[1, 127] = wrong
    asked = answer({"encoding_b64": base64_of(rows[0]), "candidates_b64": base64_of(rows)})
    assert asked["invalid"] == [1]
    assert asked["distances"][1] == 1e9
    assert asked["distances"][0] == 0.0
    assert 0 < asked["distances"][2] < 10


def test_no_candidates_at_all_are_no_distances() -> None:
    asked = answer({"encoding": GOOD, "candidates_b64": ""})
    assert asked == {"distances": [], "invalid": [], "warnings": []}


@pytest.mark.parametrize("count", [1, 2, 3, 1535, 1536, 1537, 3100])
def test_base64_of_several_pieces_is_read_whole_as_php_writes_it_too(count: int) -> None:
    rows = some(count)
    body = {"encoding": GOOD, "candidates_b64": base64_of(rows)}
    for text in (json.dumps(body).encode(), as_php_writes_it(body)):
        assert np.array_equal(read(text).valid, rows)


def test_an_escape_cut_by_the_end_of_a_piece_is_read_whole() -> None:
    rows = np.full((1, 128), np.frombuffer(b"\xff\xff\xff\x3f", "<f4")[0])
    text = base64_of(rows).replace("/", r"\u002f").encode()
    for shift in range(1, 24):
        spaces = b" " * (1024 * 1024 - 40 - shift)
        body = b'{"encoding":' + json.dumps(GOOD).encode() + b',"candidates_b64":' + spaces + b'"' + text + b'"}'
        assert np.array_equal(read(body).valid, rows)


ONE = base64_of([GOOD])


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"encoding": GOOD, "candidates": [], "candidates_b64": ""}, "both forms, as candidates and as candidates_b64"),
        ({"encoding_b64": ONE, "encoding": GOOD, "candidates": []}, "both forms, as encoding_b64 and as encoding"),
        ({"encoding": GOOD, "candidates_b64": base64_of([[1.0] * 127])}, r"has 508 bytes, needed a multiple of 512"),
        ({"encoding": GOOD, "candidates_b64": base64_of([[1.0] * 129])}, r"has 516 bytes, needed a multiple of 512"),
        ({"encoding": GOOD, "candidates_b64": ONE[:-4] + "----"}, "candidates_b64 is no base64"),
        ({"encoding": GOOD, "candidates_b64": ONE[:-1]}, "candidates_b64 is no base64"),
        ({"encoding": GOOD, "candidates_b64": ONE + ONE}, "candidates_b64 is no base64"),
        ({"encoding": GOOD, "candidates_b64": f"{ONE[:100]}\n{ONE[100:]}"}, "candidates_b64 is no base64"),
        ({"encoding": GOOD, "candidates_b64": "é" * 700}, "candidates_b64 is no base64"),
        ({"encoding": GOOD, "candidates_b64": f'{ONE[:100]}"{ONE[100:]}'}, "candidates_b64 has a quote"),
        ({"encoding": GOOD, "candidates_b64": ONE[:100] + "\\"}, "candidates_b64 has a quote or a backslash in it"),
        ({"encoding": GOOD, "candidates_b64": f"{ONE[:100]}\\{ONE[100:]}"}, "candidates_b64 is no base64"),
        ({"encoding": GOOD, "candidates_b64": [GOOD]}, "candidates_b64 is no text"),
        ({"encoding": GOOD, "candidates_b64": None}, "candidates_b64 is no text"),
        ({"encoding_b64": "", "candidates": []}, "encoding_b64 has 0 bytes, needed 512"),
        ({"encoding_b64": base64_of([GOOD] * 2), "candidates": []}, "encoding_b64 has 1,024 bytes, needed 512"),
        ({"encoding_b64": base64_of([float("nan")] * 128), "candidates": []}, "encoding_b64 has an entry that is no"),
    ],
)
def test_base64_that_cannot_be_compared_is_refused_with_what_was_found(members: Any, sentence: str) -> None:
    with pytest.raises(WrongField, match=sentence):
        read(members)


@pytest.mark.parametrize("name", ["encoding", "candidates", "encoding_b64", "candidates_b64"])
def test_a_member_that_comes_twice_is_refused(name: str) -> None:
    values: dict[str, Any] = {"encoding": GOOD, "candidates": [GOOD], "encoding_b64": ONE, "candidates_b64": ONE}
    text = json.dumps(values[name])
    with pytest.raises(WrongField, match=f"{name} comes twice"):
        read(f'{{"{name}": {text}, "{name}": {text}}}'.encode())


@pytest.mark.parametrize("end", ["", "\\", "\\u00", "\\q"])
def test_base64_that_is_cut_off_is_no_json(end: str) -> None:
    with pytest.raises(BadBody):
        read(f'{{"candidates_b64": "{ONE[:100]}{end}'.encode())
