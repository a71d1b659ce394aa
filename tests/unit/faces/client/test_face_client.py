"""What FaceClient sends, and what it makes of each kind of answer. The API is replaced at the seam: the HTTP client."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from faces import errors
from faces.client.face_client import Drawing, Encoded, FaceClient, NotEncoded
from faces.photo.face import Quality, RatioBox

Answer = Callable[[httpx2.Request], httpx2.Response]

BOX = {"top": 0.1, "right": 0.5, "bottom": 0.6, "left": 0.0}
REPLY: dict[str, Any] = {
    "encodings": [[0.1] * 127 + [1]],
    "debug_image_path": "/photos/debug/debug_a.jpg",
    "qualities": [{"total": 50.5, "details": {"size": 7, "sharpness": 8.5, "brightness": 15, "contrast": 20}}],
    "faces": [{"box": {}, "box_ratios": BOX, "score": 1.0}],
    "image": {"width": 640, "height": 480, "orientation": 1, "format": "JPEG"},
    "scale": 1200,
    "model": "m",
    "seconds": {"scan": 0.5, "total": 0.75},
    "warnings": ["a sentence"],
}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a b.jpg"
    path.write_bytes(b"the photo's bytes")
    return path


def client(answer: Answer) -> FaceClient:
    return FaceClient(httpx2.Client(transport=httpx2.MockTransport(answer), base_url="http://api:5000"))


def answering(status: int, body: object, headers: dict[str, str] | None = None) -> FaceClient:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client(lambda _: httpx2.Response(status, content=text, headers=headers))


def refused(api: FaceClient, photo: Path) -> NotEncoded:
    answer = api.encode(photo, "a.jpg")
    assert isinstance(answer, NotEncoded)
    return answer


def test_a_photo_is_sent_as_php_sends_it(photo: Path) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        request.read()
        sent.append(request)
        return httpx2.Response(200, json=REPLY)

    client(answer).encode(photo, "Foto ü.jpg", Drawing("/disk/2020/Foto ü.jpg"))
    parts = sent[0].content.split(b"\r\n--")
    assert sent[0].method == "POST"
    assert sent[0].url.path == "/encode"
    assert b'name="original_path"\r\n\r\n/disk/2020/Foto \xc3\xbc.jpg' in parts[0]
    assert b'name="image_debug_subdir"\r\n\r\ndebug' in parts[1]
    assert b'name="image"; filename="Foto \xc3\xbc.jpg"' in parts[2]
    assert parts[2].endswith(b"\r\n\r\nthe photo's bytes")


def test_the_folder_and_the_kind_of_the_debug_picture_are_sent_in_phps_order(photo: Path) -> None:
    sent: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.read())
        return httpx2.Response(200, json=REPLY)

    client(answer).encode(photo, "a.jpg", Drawing("/disk/a.jpg", "faces/drawn", as_webp=True))
    fields = re.findall(rb'name="(\w+)"(?:; filename="a.jpg"\r\nContent-Type: image/jpeg)?\r\n\r\n(.*)\r\n', sent[0])
    assert fields == [
        (b"original_path", b"/disk/a.jpg"),
        (b"image_debug_subdir", b"faces/drawn"),
        (b"webp_quality", b"80"),
        (b"image", b"the photo's bytes"),
    ]


def test_without_an_original_no_debug_picture_is_asked_for(photo: Path) -> None:
    sent: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.read())
        return httpx2.Response(200, json=REPLY)

    client(answer).encode(photo, "a.jpg")
    assert sent[0].count(b"Content-Disposition") == 1


def test_a_reply_is_read_with_all_that_it_has(photo: Path) -> None:
    encoded = answering(200, REPLY).encode(photo, "a.jpg")
    assert isinstance(encoded, Encoded)
    (face,) = encoded.faces
    assert face.encoding.tolist() == [0.1] * 127 + [1.0]
    assert face.quality == Quality(50.5, 7.0, 8.5, 15.0, 20.0)
    assert face.box == RatioBox(**BOX)
    assert encoded.pixels == (640, 480)
    assert encoded.debug_image_path == "/photos/debug/debug_a.jpg"
    assert encoded.seconds == 0.75
    assert encoded.warnings == ("a sentence",)


def test_a_reply_of_an_older_api_is_enough(photo: Path) -> None:
    encoded = answering(200, {"encodings": [[0.5] * 128], "debug_image_path": None}).encode(photo, "a.jpg")
    assert isinstance(encoded, Encoded)
    assert encoded.faces[0].quality is None
    assert encoded.faces[0].box is None


@pytest.mark.parametrize("path", [None, "", "/"])
def test_a_reply_without_the_picture_that_was_asked_for_is_a_refusal_of_the_api_s(
    photo: Path, path: str | None
) -> None:
    api = answering(200, REPLY | {"debug_image_path": path})
    answer = api.encode(photo, "a.jpg", Drawing("/disk/a.jpg"))
    assert isinstance(answer, NotEncoded)
    assert isinstance(answer.error, errors.NoDiskForPicture)
    assert str(answer.error).startswith("the face API at http://api:5000 wrote no debug picture (a sentence): needed")
    assert answer.last_error.startswith("the face API at http://api:5000 wrote no debug picture (a sentence)")
    for drawing in (None, Drawing("/disk/a.jpg", required=False)):
        encoded = api.encode(photo, "a.jpg", drawing)
        assert isinstance(encoded, Encoded)
        assert encoded.debug_filename is None


def test_a_picture_without_a_disk_is_the_world_s_fault_whatever_the_status(photo: Path) -> None:
    sentence = "no debug picture: FACE_DISK_ROOTS names no disk"
    answer = refused(
        answering(422, {"error": sentence, "code": "no_disk_for_picture", "retryable": True}, {"X-Request-ID": "a"}),
        photo,
    )
    assert type(answer.error) is errors.NoDiskForPicture
    assert sentence in str(answer.error)
    assert answer.last_error.startswith('HTTP 422: {"error": "no debug picture')
    assert answer.request_id == "a"


def test_a_picture_that_a_full_disk_does_not_take_is_waited_for(photo: Path) -> None:
    body = {"error": "No space left on device", "code": "picture_not_written", "retryable": True}
    answer = refused(answering(503, body, {"Retry-After": "2"}), photo)
    assert isinstance(answer.error, errors.FaceApiUnavailable)
    assert answer.error.answered
    assert answer.error.retry_after == 2


def test_no_face_is_an_answer(photo: Path) -> None:
    encoded = answering(200, REPLY | {"encodings": [], "qualities": [], "faces": []}).encode(photo, "a.jpg")
    assert isinstance(encoded, Encoded)
    assert encoded.faces == ()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        [],
        {},
        {"encodings": None},
        {"encodings": [[0.1] * 127]},
        {"encodings": [["a"] * 128]},
        {"encodings": [[None] * 128]},
        json.dumps({"encodings": [[math.nan] * 128]}).encode(),
        REPLY | {"qualities": []} | {"faces": [{}, {}]},
        REPLY | {"debug_image_path": 7},
        REPLY | {"faces": [{"score": 1}]},
    ],
    ids=lambda body: str(body)[:40],
)
def test_a_2xx_answer_that_is_no_reply_is_an_error_and_never_no_faces(photo: Path, body: object) -> None:
    answer = refused(answering(200, body), photo)
    assert type(answer.error) is errors.EngineError
    assert answer.last_error == "the face API at http://api:5000 answered 200 with something else than faces"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (415, "unsupported_format", errors.UnsupportedFormat),
        (422, "damaged_photo", errors.DamagedPhoto),
        (422, "empty_file", errors.EmptyFile),
        (413, "photo_too_large", errors.PhotoTooLarge),
        (422, "crashed_before", errors.CrashedBefore),
        (413, "request_too_large", errors.PhotoTooLarge),
        (422, None, errors.PhotoError),
    ],
)
def test_what_is_the_photos_fault_says_so(
    photo: Path, status: int, code: str | None, kind: type[errors.FacesError]
) -> None:
    answer = refused(answering(status, {"error": "What was found.", "code": code, "retryable": False}), photo)
    assert type(answer.error) is kind
    assert str(answer.error) == "What was found."
    assert answer.last_error.startswith(f'HTTP {status}: {{"error": "What was found.", "code": {json.dumps(code)}')


@pytest.mark.parametrize(
    ("status", "code"),
    [(422, "wrong_field"), (400, "bad_body"), (400, "bad_path"), (415, "of_a_version_to_come"), (400, 7)],
)
def test_a_code_that_does_not_speak_of_the_photo_condemns_none(photo: Path, status: int, code: object) -> None:
    answer = refused(answering(status, {"error": "What was found.", "code": code, "retryable": False}), photo)
    assert type(answer.error) is errors.RequestRefused
    assert str(code) in str(answer.error)
    assert "What was found." in str(answer.error)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 408, 429, 502, 503, 504])
@pytest.mark.parametrize("retryable", [True, False, None])
def test_what_is_the_worlds_fault(photo: Path, status: int, retryable: bool | None) -> None:
    answer = refused(answering(status, {"error": "What was found.", "retryable": retryable}), photo)
    assert type(answer.error) is errors.FaceApiUnavailable
    assert answer.error.answered
    assert "What was found." in str(answer.error)


@pytest.mark.parametrize("status", [500, 501, 409, 418, 302])
@pytest.mark.parametrize("retryable", [True, False, None])
def test_any_other_answer_is_this_jobs(photo: Path, status: int, retryable: bool | None) -> None:
    answer = refused(answering(status, {"error": "What was found.", "retryable": retryable}), photo)
    assert type(answer.error) is errors.EngineError
    assert answer.error.of_the_api == (status >= 500)


@pytest.mark.parametrize("status", [400, 413, 415, 422])
@pytest.mark.parametrize("body", [{"error": "later", "retryable": True}, {"error": "of another API"}, b"of a proxy"])
def test_a_refusal_that_does_not_say_for_ever_is_tried_again(photo: Path, status: int, body: object) -> None:
    assert type(refused(answering(status, body), photo).error) is errors.EngineError


def test_a_refusal_that_is_no_json_is_noted_as_it_came(photo: Path) -> None:
    answer = refused(answering(502, b"<h1>Bad Gateway</h1>"), photo)
    assert answer.last_error == "HTTP 502: <h1>Bad Gateway</h1>"


def test_a_wrong_key_names_the_setting(photo: Path) -> None:
    assert "FACE_API_KEY" in str(refused(answering(401, {"error": "no key"}), photo).error)


def test_an_api_that_does_not_know_its_name_is_told_in_its_own_words(photo: Path) -> None:
    foreign = {"error": "needed a name of FACE_API_HOSTS", "code": "foreign_host", "retryable": False}
    said = refused(answering(403, foreign), photo)
    assert type(said.error) is errors.FaceApiUnavailable
    assert str(said.error).endswith("answered 403: needed a name of FACE_API_HOSTS")


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("soon", None), ("-1", None), ("inf", None)])
def test_how_long_to_wait_is_passed_on(photo: Path, header: str, seconds: float | None) -> None:
    error = refused(answering(503, {}, {"Retry-After": header}), photo).error
    assert isinstance(error, errors.FaceApiUnavailable)
    assert error.retry_after == seconds


def test_an_error_in_a_2xx_answer_is_noted_and_is_the_photos_unless_it_says_otherwise(photo: Path) -> None:
    answer = refused(answering(200, {"error": "x" * 300}), photo)
    assert type(answer.error) is errors.PhotoDeclined
    assert answer.last_error == "x" * 255
    assert type(refused(answering(200, {"error": "later", "retryable": True}), photo).error) is errors.EngineError


@pytest.mark.parametrize("error", [httpx2.ConnectError("refused"), httpx2.ConnectTimeout("timed out")])
def test_an_api_that_is_not_reached_is_the_worlds_fault(photo: Path, error: httpx2.HTTPError) -> None:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        raise error

    answered = refused(client(answer), photo)
    assert type(answered.error) is errors.FaceApiUnavailable
    assert answered.last_error == f"the face API at http://api:5000 does not answer: {error}"


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize(
    "error", [httpx2.RemoteProtocolError("cut"), httpx2.ReadTimeout("late"), httpx2.WriteError("cut")]
)
def test_a_lost_answer_is_this_jobs_only_where_the_api_is_ready(
    photo: Path, error: httpx2.HTTPError, ready: bool
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/readyz":
            return httpx2.Response(200 if ready else 503)
        raise error

    lost = refused(client(answer), photo).error
    if not ready:
        assert type(lost) is errors.FaceApiUnavailable
        return
    assert isinstance(lost, errors.AnswerLost)
    assert lost.timed_out == isinstance(error, httpx2.TimeoutException)


def test_a_photo_that_is_not_there_is_missing(photo: Path) -> None:
    with pytest.raises(errors.FileMissing, match="No such file"):
        answering(200, REPLY).encode(photo.with_name("gone.jpg"), "gone.jpg")


@pytest.mark.parametrize("body", [b"hello", {"status": "ok"}, [], {"mode": "cpu"}])
def test_another_service_is_not_taken_for_the_api(body: object) -> None:
    assert answering(200, body).health() is None


def test_the_api_is_known_by_its_health() -> None:
    assert answering(200, {"status": "ok", "mode": "cpu"}).health() == {"status": "ok", "mode": "cpu"}


def test_a_request_is_called_as_the_caller_says_or_by_a_name_of_its_own(photo: Path) -> None:
    names: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        names.append(request.headers["X-Request-ID"])
        return httpx2.Response(200, json=REPLY)

    api = client(answer)
    answers = [api.encode(photo, "a.jpg", request_id=name) for name in ("job.1", None, None)]
    assert names[0] == "job.1"
    assert len(set(names)) == 3
    assert [one.request_id for one in answers] == names


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    ("header", "name"), [("of-a-proxy", "of-a-proxy"), ("forged line", "job.1"), ("x" * 129, "job.1"), ("", "job.1")]
)
def test_the_answer_s_own_name_of_the_request_counts_where_it_is_one(
    photo: Path, status: int, header: str, name: str
) -> None:
    answer = answering(status, REPLY, {"X-Request-ID": header}).encode(photo, "a.jpg", request_id="job.1")
    assert answer.request_id == name


def test_a_request_whose_answer_is_lost_is_known_by_our_name_and_one_that_never_came_has_none(photo: Path) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/readyz":
            return httpx2.Response(200)
        raise httpx2.ReadTimeout("late")

    assert client(answer).encode(photo, "a.jpg", request_id="job.1").request_id == "job.1"

    def refuse(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    assert client(refuse).encode(photo, "a.jpg", request_id="job.1").request_id is None
