"""What the API answers: the calls that PHP makes, field by field, and what bad input gets."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

GUZZLE = {"User-Agent": "GuzzleHttp/7"}

#: The parts that each generation of the PHP job sends beside the photo, in its order.
REQUESTS = {
    "v1": ["original_disk", "original_path", "image_debug_subdir"],
    "v2": ["original_path", "image_debug_subdir"],
    "v5": ["original_path", "image_debug_subdir", "webp_quality"],
}


def post(api: Any, photo: bytes, name: str = "image", **fields: str) -> Any:
    return api.client.post("/encode", data=fields, files={name: ("IMG 1.jpg", photo)}, headers=GUZZLE)


def error_of(reply: Any) -> tuple[int, str, bool]:
    body = reply.json()
    assert set(body) == {"error", "code", "retryable"}
    return reply.status_code, body["code"], body["retryable"]


def jpeg(picture: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("version", REQUESTS)
def test_the_php_job_gets_what_it_reads_and_its_debug_picture(
    api: Any, disk: Path, small_photo: bytes, version: str
) -> None:
    folder = disk / version
    folder.mkdir()
    values = {
        "original_disk": "photos",
        "original_path": str(folder / "IMG 1.jpg"),
        "image_debug_subdir": "debug",
        "webp_quality": "80",
    }
    reply = post(api, small_photo, **{name: values[name] for name in REQUESTS[version]})
    assert reply.status_code == 200
    body = reply.json()
    name = "debug_IMG 1.jpg.webp" if version == "v5" else "debug_IMG 1.jpg"
    assert body["debug_image_path"] == str(folder / "debug" / name)
    with Image.open(folder / "debug" / name) as picture:
        assert picture.format == ("WEBP" if version == "v5" else "JPEG")
        assert picture.size == (160, 120)


def test_a_photo_without_a_face_is_answered_with_empty_lists(api: Any, small_photo: bytes) -> None:
    body = post(api, small_photo).json()
    assert body.pop("seconds")["total"] > 0
    assert body == {
        "encodings": [],
        "debug_image_path": None,
        "qualities": [],
        "faces": [],
        "left_out": {},
        "image": {"width": 160, "height": 120, "orientation": 1, "format": "JPEG"},
        "scale": None,
        "model": "dlib_face_recognition_resnet_model_v1",
        "warnings": [],
    }


def test_a_face_has_an_encoding_a_quality_and_three_boxes(api: Any, samples: Path) -> None:
    portrait = min((samples / "known").iterdir()).read_bytes()
    body = post(api, portrait, name="file").json()
    assert len(body["encodings"]) == len(body["qualities"]) == len(body["faces"]) == 1
    face, image = body["faces"][0], body["image"]
    assert len(body["encodings"][0]) == 128
    assert set(body["qualities"][0]["details"]) == {"size", "sharpness", "brightness", "contrast"}
    assert face["quality"] == body["qualities"][0]
    assert face["box_ratios"]["top"] == pytest.approx(face["box"]["top"] / image["height"])
    assert face["box_ratios"]["right"] == pytest.approx(face["box"]["right"] / image["width"])
    assert face["box_scaled"].keys() == face["box"].keys()
    assert face["score"] > 0
    assert body["scale"] in (1200, 1600, 2000)


def test_orientation_and_format_are_told_as_they_were_read(api: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    body = post(api, jpeg(Image.new("RGB", (160, 120)), exif=exif)).json()
    assert body["image"] == {"width": 120, "height": 160, "orientation": 6, "format": "JPEG"}


def test_empty_fields_mean_the_same_as_missing_ones(api: Any, small_photo: bytes) -> None:
    reply = post(api, small_photo, original_path="", original_disk="", image_debug_subdir="", webp_quality="")
    assert reply.status_code == 200
    assert reply.json()["warnings"] == []


def test_an_unknown_field_is_ignored_with_a_warning(api: Any, small_photo: bytes) -> None:
    reply = post(api, small_photo, something_new="1")
    assert reply.status_code == 200
    assert reply.json()["warnings"] == ["the field 'something_new' is unknown here and was ignored"]


def test_a_photo_outside_the_disks_is_refused_and_the_sentence_says_what_to_set(
    api: Any, tmp_path: Path, small_photo: bytes
) -> None:
    reply = post(api, small_photo, original_path=str(tmp_path / "a.jpg"))
    assert error_of(reply) == (422, "no_disk_for_picture", True)
    assert f"{tmp_path}/debug is not below a root of FACE_DISK_ROOTS" in reply.json()["error"]
    assert "FACE_DEBUG_PICTURES" in reply.json()["error"]
    assert not (tmp_path / "debug").exists()


@pytest.mark.parametrize("path", ["/etc/../etc/a.jpg", "../a.jpg", "/a\0.jpg"])
def test_a_path_that_leaves_its_folder_is_refused(api: Any, small_photo: bytes, path: str) -> None:
    assert error_of(post(api, small_photo, original_path=path)) == (400, "bad_path", False)
    assert error_of(post(api, small_photo, original_path="/a.jpg", image_debug_subdir="../b")) == (
        400,
        "bad_path",
        False,
    )


def _png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises so many pixels; there is hardly any data behind it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


BAD_PHOTOS = {
    "empty": (b"", 422, "empty_file"),
    "text": (b"this is no photo at all\n" * 10, 415, "unsupported_format"),
    "truncated": (jpeg(Image.effect_noise((300, 300), 80).convert("RGB"))[:3000], 422, "damaged_photo"),
    "bomb": (_png_of(50_000, 50_000), 413, "photo_too_large"),
    "121 megapixels": (_png_of(11_000, 11_000), 413, "photo_too_large"),
}


@pytest.mark.parametrize("what", BAD_PHOTOS)
def test_a_bad_photo_is_refused_for_good_and_the_next_one_is_served(api: Any, small_photo: bytes, what: str) -> None:
    photo, status, code = BAD_PHOTOS[what]
    assert error_of(post(api, photo)) == (status, code, False)
    assert post(api, small_photo).status_code == 200


def test_a_photo_of_100_megapixels_is_accepted(api: Any) -> None:
    file = io.BytesIO()
    Image.new("L", (10_000, 10_000), 120).save(file, "PNG")
    reply = post(api, file.getvalue())
    assert reply.status_code == 200
    assert reply.json()["image"]["width"] == 10_000


@pytest.mark.parametrize(
    ("fields", "files", "sentence"),
    [
        ({"original_path": "/a.jpg"}, {"other": ("a.jpg", b"x")}, "image (or file) is missing"),
        ({"image": "text"}, {"other": ("a.jpg", b"x")}, "image is text, needed a file"),
        ({"webp_quality": "0"}, {"image": ("a.jpg", b"x")}, "webp_quality is '0'"),
        ({"webp_quality": "eighty"}, {"image": ("a.jpg", b"x")}, "webp_quality"),
        ({"webp_quality": "101"}, {"image": ("a.jpg", b"x")}, "webp_quality is '101'"),
        ({"original_path": "/" + "a" * 5000}, {"image": ("a.jpg", b"x")}, "original_path"),
    ],
)
def test_a_wrong_or_missing_field_is_named(api: Any, fields: Any, files: Any, sentence: str) -> None:
    reply = api.client.post("/encode", data=fields, files=files)
    assert error_of(reply) == (422, "wrong_field", False)
    assert sentence in reply.json()["error"]


def test_a_body_that_is_no_form_is_refused(api: Any) -> None:
    reply = api.client.post("/encode", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert error_of(reply) == (400, "bad_body", False)


def test_paths_and_methods_that_are_not_there_answer_in_the_same_shape(api: Any) -> None:
    assert error_of(api.client.get("/nothing")) == (404, "not_found", False)
    reply = api.client.get("/encode")
    assert error_of(reply) == (405, "method_not_allowed", False)
    assert reply.headers["Allow"] == "POST"


def test_health_says_what_php_reads(api: Any) -> None:
    body = api.client.get("/health").json()
    assert body["status"] == "ok"
    assert body["mode"] == "cpu"
    assert body["fast"] == ["decode", "resize", "resnet", "scan"]


def test_hash_and_compare_images_answer_as_the_reference_server(api: Any, small_photo: bytes) -> None:
    other = jpeg(Image.effect_noise((64, 64), 80).convert("RGB"))
    one = api.client.post("/hash", files={"file": ("a.jpg", small_photo)}).json()
    assert one["hash_size"] == 8
    assert one["bits"] == 64
    assert len(one["hash"]) == 16
    files = {"file1": ("a.jpg", small_photo), "file2": ("b.jpg", other)}
    both = api.client.post("/compare-images?hash_size=4", files=files).json()
    assert set(both) == {"hash1", "hash2", "hash_size", "bits", "distance", "warnings"}
    assert both["distance"] == (int(both["hash1"], 16) ^ int(both["hash2"], 16)).bit_count()


@pytest.mark.parametrize("size", ["3", "33", "x"])
def test_a_hash_size_out_of_range_is_refused(api: Any, small_photo: bytes, size: str) -> None:
    reply = api.client.post(f"/hash?hash_size={size}", files={"file": ("a.jpg", small_photo)})
    assert error_of(reply) == (422, "wrong_field", False)


def test_compare_answers_nan_infinity_and_127_numbers_with_1e9_and_their_places(api: Any) -> None:
    good = [0.5] * 128
    candidates = [good, good[:-1], [float("nan")] * 128, [float("inf")] * 128, None, "x", [True] * 128, [0.5] * 129]
    body = json.dumps({"encoding": good, "candidates": candidates})
    reply = api.client.post("/compare", content=body, headers={"Content-Type": "application/json"}).json()
    assert reply == {"distances": [0.0] + [1e9] * 7, "invalid": [1, 2, 3, 4, 5, 6, 7], "warnings": []}
    empty = api.client.post("/compare", json={"encoding": good, "candidates": []}).json()
    assert empty == {"distances": [], "invalid": [], "warnings": []}


def test_compare_refuses_an_encoding_that_cannot_be_compared(api: Any) -> None:
    for encoding in ([0.5] * 127, [float("nan")] * 128, "x", None):
        body = json.dumps({"encoding": encoding, "candidates": []})
        assert error_of(api.client.post("/compare", content=body)) == (422, "wrong_field", False)
    assert error_of(api.client.post("/compare", content=b"{nonsense")) == (400, "bad_body", False)


def test_compare_takes_100_000_candidates_and_others_are_answered_meanwhile(api: Any) -> None:
    row = json.dumps([0.123456789012345] * 128)

    def pieces() -> Any:
        yield f'{{"encoding": {row}, "candidates": ['.encode()
        for start in range(100):
            yield (",".join([row] * 1000) + ("," if start < 99 else "")).encode()
            # On the same machine, while the body comes in and is read.
            assert api.client.get("/livez").status_code == 200
        yield b"]}"

    reply = api.client.post("/compare", content=pieces(), headers={"Content-Type": "application/json"})
    assert reply.json() == {"distances": [0.0] * 100_000, "invalid": [], "warnings": []}


def test_the_request_id_goes_out_as_it_came_in_and_into_the_log(api: Any, small_photo: bytes, wait_for: Any) -> None:
    files = {"image": ("Grandma Anna.jpg", small_photo)}
    reply = api.client.post("/encode", files=files, headers={"X-Request-ID": "job-17.b"})
    assert reply.headers["X-Request-ID"] == "job-17.b"
    wait_for(lambda: "id=job-17.b" in api.log())
    [line] = [line for line in api.log().splitlines() if "id=job-17.b" in line]
    assert "POST /encode 200" in line
    for stage in ("wait=", "decode=", "detect=", "encode=", "faces=0"):
        assert stage in line
    assert "Anna" not in api.log()


def test_a_request_id_that_could_forge_a_log_line_is_replaced(api: Any) -> None:
    reply = api.client.get("/livez", headers={"X-Request-ID": "a b\tc"})
    assert len(reply.headers["X-Request-ID"]) == 32


def test_the_documentation_describes_every_field_and_every_error(api: Any) -> None:
    document = api.client.get("/openapi.json").json()
    for name, schema in document["components"]["schemas"].items():
        for field, facts in schema.get("properties", {}).items():
            assert facts.get("description"), f"{name}.{field}"
    errors = document["paths"]["/encode"]["post"]["responses"]
    assert set(errors) == {"200", "400", "401", "403", "404", "405", "408", "413", "415", "422", "500", "503"}
    for status, answer in errors.items():
        if status != "200":
            assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorBody")
            assert answer["content"]["application/json"]["examples"]


def test_the_documentation_page_needs_nothing_from_elsewhere(api: Any) -> None:
    page = api.client.get("/docs").text
    assert "https://" not in page
    for file in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f"/docs/files/{file}" in page
        assert api.client.get(f"/docs/files/{file}").status_code == 200
