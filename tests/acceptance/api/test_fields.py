"""What a request with a photo may say beside it: given boxes, limits, a photo as the whole body, contradictions."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures import drawn

HEADERS = {"Content-Type": "image/jpeg"}


def post(api: Any, photo: bytes, **fields: str) -> Any:
    return api.client.post("/encode", data=fields, files={"image": ("a.jpg", photo)})


def refusal(reply: Any) -> str:
    """The sentence of a refused field."""
    body = reply.json()
    assert (reply.status_code, body["code"], body["retryable"]) == (422, "wrong_field", False)
    sentence: str = body["error"]
    return sentence


@pytest.fixture(scope="session")
def three(portrait: bytes) -> bytes:
    """A photo of 2400 × 900 pixels with one face in three sizes: middle, large, small."""
    with Image.open(io.BytesIO(portrait)) as face:
        paper = Image.new("RGB", (2400, 900), (120, 130, 140))
        for left, width in ((100, 500), (800, 640), (1700, 360)):
            paper.paste(face.resize((width, width * face.height // face.width)), (left, 20))
    return drawn.file_of(paper, "JPEG", quality=95)


@pytest.fixture(scope="session")
def found(api: Any, three: bytes) -> Any:
    """What /encode says of it without any option."""
    body = post(api, three).json()
    assert len(body["faces"]) == 3
    return body


# --- given boxes ---


def test_boxes_that_were_found_get_the_same_numbers_to_the_last_bit_in_the_order_given(
    api: Any, three: bytes, found: Any
) -> None:
    boxes = [found["faces"][at]["box"] for at in (2, 0, 1, 0)]
    body = post(api, three, boxes=json.dumps(boxes)).json()
    assert body["encodings"] == [found["encodings"][at] for at in (2, 0, 1, 0)]
    assert body["qualities"] == [found["qualities"][at] for at in (2, 0, 1, 0)]
    assert [face["box"] for face in body["faces"]] == boxes
    assert [face["score"] for face in body["faces"]] == [None] * 4
    assert body["scale"] == found["scale"]
    assert body["seconds"]["detect"] == 0


def test_boxes_come_with_landmarks_the_same_that_a_search_gives(api: Any, three: bytes, found: Any) -> None:
    searched = post(api, three, landmarks="1").json()
    assert [face["landmarks"] for face in found["faces"]] == [None] * 3
    points = [face["landmarks"] for face in searched["faces"]]
    assert [len(five) for five in points] == [5] * 3
    given = post(api, three, boxes=json.dumps([face["box"] for face in found["faces"]])).json()
    assert [face["landmarks"] for face in given["faces"]] == points
    box, (left_eye, *_, nose) = searched["faces"][0]["box"], points[0]
    assert box["left"] < nose["x"] < left_eye["x"] < box["right"]
    assert box["top"] < left_eye["y"] < nose["y"] < box["bottom"]


def test_boxes_are_in_pixels_of_the_upright_photo(api: Any, three: bytes, found: Any) -> None:
    """Laid on its side in the file, and turned upright by its EXIF orientation."""
    with Image.open(io.BytesIO(three)) as photo:
        lying = photo.transpose(Image.Transpose.ROTATE_90)
    turned = drawn.file_of(lying, "PNG", compress_level=0, exif=drawn.exif_orientation(6))
    boxes = [face["box"] for face in found["faces"]]
    body = post(api, turned, boxes=json.dumps(boxes)).json()
    assert body["image"]["width"] == 2400
    assert np.abs(np.array(body["encodings"]) - np.array(found["encodings"])).max() < 1e-6


def test_a_box_outside_the_photo_is_refused_by_its_place_in_the_list(api: Any, small_photo: bytes) -> None:
    inside = {"top": 0, "right": 160, "bottom": 120, "left": 0}
    for edges in ({"right": 161}, {"bottom": 121}, {"left": -1}, {"top": -1}, {"right": 10**8}):
        sentence = refusal(post(api, small_photo, boxes=json.dumps([inside, {**inside, **edges}])))
        assert sentence.startswith("boxes[1] is top ")
        assert sentence.endswith(": not inside the upright photo of 160 × 120")


def test_a_whole_photo_as_a_box_is_inside_it(api: Any, small_photo: bytes) -> None:
    body = post(api, small_photo, boxes='[{"top": 0, "right": 160, "bottom": 120, "left": 0}]').json()
    assert len(body["encodings"]) == 1


def test_no_boxes_are_answered_with_empty_lists(api: Any, three: bytes) -> None:
    body = post(api, three, boxes="[]").json()
    assert (body["encodings"], body["faces"], body["scale"]) == ([], [], None)


def test_the_debug_picture_shows_the_given_boxes(api: Any, disk: Path, small_photo: bytes) -> None:
    fields = {"original_path": str(disk / "given.png"), "boxes": '[{"top":20,"right":100,"bottom":90,"left":40}]'}
    path = post(api, small_photo, **fields).json()["debug_image_path"]
    with Image.open(path) as picture:
        assert picture.getpixel((100, 60)) == (0, 230, 118)


# --- limits ---


def test_the_largest_faces_come_back_in_their_order_and_the_rest_is_counted(api: Any, three: bytes, found: Any) -> None:
    sizes = [face["box"]["right"] - face["box"]["left"] for face in found["faces"]]
    kept = [at for at in range(3) if sizes[at] > min(sizes)]
    body = post(api, three, max_faces="2").json()
    assert body["encodings"] == [found["encodings"][at] for at in kept]
    assert body["left_out"] == {"over_max_faces": 1}
    assert post(api, three, max_faces="3").json()["left_out"] == {}


def test_small_and_poor_faces_are_left_out_each_for_one_reason(api: Any, three: bytes, found: Any) -> None:
    sizes = [face["box"]["right"] - face["box"]["left"] for face in found["faces"]]
    body = post(api, three, min_size=str(sorted(sizes)[1]), min_quality="100", max_faces="1").json()
    assert body["encodings"] == []
    assert body["left_out"] == {"too_small": 1, "low_quality": 2}


def test_when_all_faces_are_left_out_the_answer_says_so_and_where_they_were(api: Any, three: bytes, found: Any) -> None:
    reply = post(api, three, min_size="2000")
    body = reply.json()
    assert reply.status_code == 200
    assert (body["encodings"], body["qualities"], body["faces"]) == ([], [], [])
    assert body["left_out"] == {"too_small": 3}
    assert body["scale"] == found["scale"]


def test_the_debug_picture_shows_only_the_faces_that_come_back(api: Any, disk: Path, three: bytes, found: Any) -> None:
    frames = []
    for name, fields in (("all.png", {}), ("one.png", {"max_faces": "1"})):
        path = post(api, three, original_path=str(disk / name), **fields).json()["debug_image_path"]
        with Image.open(path) as picture:
            frames.append(
                [
                    picture.getpixel((face["box_scaled"]["right"], face["box_scaled"]["bottom"])) == (0, 230, 118)
                    for face in found["faces"]
                ]
            )
    assert frames[0] == [True] * 3
    assert sum(frames[1]) == 1


# --- a photo as the whole body ---


def pieces(photo: bytes) -> Iterator[bytes]:
    yield photo[:1000]
    yield photo[1000:]


@pytest.mark.parametrize("path", ["/encode", "/hash"])
def test_a_photo_as_the_whole_body_gets_the_answer_of_a_form(api: Any, three: bytes, path: str) -> None:
    form = api.client.post(path, files={"image": ("a.jpg", three)}).json()
    whole = api.client.post(path, content=three, headers=HEADERS).json()
    chunked = api.client.post(path, content=pieces(three), headers={"Content-Type": "image/x-anything"}).json()
    for body in (form, whole, chunked):
        body.pop("seconds", None)
    assert whole == form
    assert chunked == form


def test_the_options_of_a_body_that_is_a_photo_stand_in_the_query(api: Any, disk: Path, three: bytes) -> None:
    query = {"max_faces": "1", "landmarks": "1", "original_path": str(disk / "query.jpg"), "webp_quality": "60"}
    body = api.client.post("/encode", params=query, content=three, headers=HEADERS).json()
    assert len(body["faces"]) == 1
    assert len(body["faces"][0]["landmarks"]) == 5
    assert body["debug_image_path"] == str(disk / "debug/debug_query.jpg.webp")
    bits = api.client.post("/hash", params={"hash_size": "16"}, content=three, headers=HEADERS).json()["bits"]
    assert bits == 256


def test_a_form_may_have_its_options_in_the_query_too(api: Any, three: bytes) -> None:
    files = {"image": ("a.jpg", three)}
    body = api.client.post("/encode?max_faces=1", data={"landmarks": "0"}, files=files).json()
    assert body["left_out"] == {"over_max_faces": 2}


def test_an_empty_body_is_an_empty_file(api: Any) -> None:
    for path in ("/encode", "/hash"):
        reply = api.client.post(path, content=b"", headers=HEADERS)
        assert (reply.status_code, reply.json()["code"]) == (422, "empty_file")


def test_a_body_that_is_no_photo_is_told_by_its_content(api: Any) -> None:
    reply = api.client.post("/encode", content=b"no photo", headers=HEADERS)
    assert (reply.status_code, reply.json()["code"]) == (415, "unsupported_format")


def test_a_body_that_is_too_large_is_refused_with_both_numbers(api: Any) -> None:
    reply = api.client.post("/encode", content=bytes(64_100_000), headers=HEADERS)
    assert (reply.status_code, reply.json()["code"]) == (413, "request_too_large")
    # More than a photo may have, and no more than a form around one.
    reply = api.client.post("/encode", content=bytes(64_050_000), headers=HEADERS)
    assert (reply.status_code, reply.json()["code"]) == (413, "photo_too_large")


def test_a_body_of_another_type_is_no_photo(api: Any, small_photo: bytes) -> None:
    for kind in ("application/octet-stream", "text/plain", "application/json"):
        sentence = refusal(api.client.post("/encode", content=small_photo, headers={"Content-Type": kind}))
        assert "image (or file) is missing" in sentence
        assert "Content-Type of image/" in sentence


def test_two_photos_are_not_compared_in_one_body(api: Any, small_photo: bytes) -> None:
    assert "file1 is missing" in refusal(api.client.post("/compare-images", content=small_photo, headers=HEADERS))


# --- unknown and contradicting fields ---


def test_unknown_fields_of_form_and_query_are_warnings_on_every_path(api: Any, small_photo: bytes) -> None:
    told = ["the field 'q' is unknown here and was ignored", "the field 'f' is unknown here and was ignored"]
    one, two = {"image": ("a", small_photo)}, {"file1": ("a", small_photo), "file2": ("b", small_photo)}
    for path, files in (("/encode", one), ("/hash", one), ("/compare-images", two)):
        reply = api.client.post(f"{path}?q=1", data={"f": "1"}, files=files)
        assert reply.status_code == 200
        assert reply.json()["warnings"] == told


def test_a_file_that_was_not_asked_for_is_a_warning(api: Any, small_photo: bytes) -> None:
    reply = api.client.post("/encode", files={"image": ("a", small_photo), "other": ("b", b"x")})
    assert reply.json()["warnings"] == ["the field 'other' is unknown here and was ignored"]


def test_unknown_members_and_options_of_compare_are_warnings(api: Any) -> None:
    body = {"encoding": [0.5] * 128, "candidates": [], "threshold": 0.6}
    assert api.client.post("/compare?x=1", json=body).json()["warnings"] == [
        "the field 'x' is unknown here and was ignored",
        "the member 'threshold' is unknown here and was ignored",
    ]


@pytest.mark.parametrize("names", [("image", "image"), ("file", "file"), ("image", "file")])
def test_two_photos_in_one_request_are_refused(api: Any, small_photo: bytes, names: tuple[str, str]) -> None:
    files = [(name, ("a.jpg", small_photo)) for name in names]
    for path in ("/encode", "/hash"):
        sentence = refusal(api.client.post(path, files=files))
        assert sentence == f"found 2 photos, as {names[0]} and {names[1]}, needed one"


def test_a_picture_that_comes_twice_is_not_compared_with_another(api: Any, small_photo: bytes) -> None:
    files = [(name, ("a.jpg", small_photo)) for name in ("file1", "file1", "file2")]
    assert "found 2 photos, as file1 and file1" in refusal(api.client.post("/compare-images", files=files))


@pytest.mark.parametrize(("photo", "text"), [("image", "file"), ("file", "image"), ("image", "image")])
def test_a_text_beside_the_photo_counts_only_where_there_is_one(
    api: Any, small_photo: bytes, photo: str, text: str
) -> None:
    for path in ("/encode", "/hash"):
        files = {photo: ("a.jpg", small_photo)}
        assert api.client.post(path, files=files, data={text: ""}).status_code == 200
        assert f"{text} is text, needed a file" in refusal(api.client.post(path, files=files, data={text: "a.jpg"}))


def test_a_field_in_which_no_file_was_chosen_is_no_second_photo(api: Any, small_photo: bytes) -> None:
    """As a browser sends it; httpx2 would leave the empty filename out."""
    head = '--b\r\nContent-Disposition: form-data; name="{}"; filename="{}"\r\n\r\n'
    parts = [head.format("image", "").encode(), b"\r\n", head.format("file", "a.jpg").encode(), small_photo]
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = api.client.post("/encode", content=b"".join([*parts, b"\r\n--b--\r\n"]), headers=kind)
    assert reply.status_code == 200
    assert reply.json()["image"]["width"] == 160


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ({"max_faces": "1"}, {"max_faces": "2"}),
        ({}, {"max_faces": ["1", "2"]}),
        ({"max_faces": ["1", "2"]}, {}),
        ({"original_path": "/a.jpg"}, {"original_path": "/b.jpg"}),
        ({"hash_size": "4"}, {"hash_size": "8"}),
    ],
)
def test_one_option_with_two_values_is_refused(api: Any, small_photo: bytes, query: Any, form: Any) -> None:
    path = "/hash" if "hash_size" in query else "/encode"
    reply = api.client.post(path, params=query, data=form, files={"image": ("a", small_photo)})
    assert "at once, needed one of them" in refusal(reply)


def test_one_option_with_the_same_value_in_query_and_form_is_taken(api: Any, small_photo: bytes) -> None:
    files = {"image": ("a", small_photo)}
    assert api.client.post("/encode?max_faces=2", data={"max_faces": "2"}, files=files).status_code == 200


def test_an_option_that_is_a_file_is_refused(api: Any, small_photo: bytes) -> None:
    files = {"image": ("a", small_photo), "webp_quality": ("b", b"80")}
    assert refusal(api.client.post("/encode", files=files)) == "webp_quality is a file, needed text"


def test_boxes_and_limits_contradict_each_other(api: Any, small_photo: bytes) -> None:
    assert "boxes asks for each" in refusal(post(api, small_photo, boxes="[]", max_faces="1"))


# --- /compare in base64 ---


def test_compare_takes_20_000_candidates_in_base64_in_less_than_15_megabytes(api: Any) -> None:
    known = np.random.default_rng(1).normal(0, 0.08, (20_000, 128)).astype("<f4")
    known[5, 5] = np.nan
    body = json.dumps(
        {
            "encoding_b64": base64.b64encode(known[7].tobytes()).decode(),
            "candidates_b64": base64.b64encode(known.tobytes()).decode(),
        }
    ).replace("/", r"\/")
    assert len(body) < 15_000_000
    reply = api.client.post("/compare", content=body.encode(), headers={"Content-Type": "application/json"}).json()
    expected = np.linalg.norm(known.astype(np.float64) - known[7].astype(np.float64), axis=1)
    expected[5] = 1e9
    assert reply["distances"] == pytest.approx(expected.tolist(), abs=1e-12)
    assert reply["invalid"] == [5]


def test_compare_says_what_base64_had_and_what_is_needed(api: Any) -> None:
    text = base64.b64encode(bytes(1000)).decode()
    sentence = refusal(api.client.post("/compare", json={"encoding": [0.5] * 128, "candidates_b64": text}))
    assert "candidates_b64 has 1,000 bytes, needed a multiple of 512" in sentence
    both = {"encoding": [0.5] * 128, "candidates": [], "candidates_b64": ""}
    assert "candidates comes in both forms" in refusal(api.client.post("/compare", json=both))
