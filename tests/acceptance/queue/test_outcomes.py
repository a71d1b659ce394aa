"""Every way in which a photo's job can end: what the rows say, what the queue holds, whether a try was spent."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from tests.acceptance.steps import PHOTO, body_of, depth, name_of, row_of, scripted, take_all, work
from tests.servers.people import PEOPLE
from tests.servers.photo_app import NOTHING_LEFT, PhotoApp
from tests.servers.scripted_api import Answer, ScriptedApi, finds, says

Wait = Callable[..., None]

#: Seconds of a delay in which a released message stays where a test can look at it.
LATER = "600"


def try_once(app: PhotoApp, jobs: int, **settings: str) -> str:
    """A worker that does so many jobs, none of which comes back while the test looks; returns its log."""
    return work(app, jobs, FACE_WORKER_BACKOFF=LATER, **settings)


def changed(app: PhotoApp, before: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """What differs in `images`, by id."""
    now = app.rows.read("SELECT * FROM images ORDER BY id")
    return {
        row["id"]: {name: value for name, value in row.items() if value != old[name]}
        for old, row in zip(before, now, strict=True)
    }


def test_an_answer_with_faces_changes_only_the_job_s_own_columns(app: PhotoApp, api: ScriptedApi) -> None:
    master = app.rows.master(PEOPLE[0])
    others = {"metadata": '{"a": 1}', "width": 7, "status": "recheck", "thumbnail_filename": "t.jpg"}
    old = {"updated_at": "2020-01-01 00:00:00", "created_at": "2019-01-01 00:00:00", "last_error": "HTTP 500: x"}
    details = {"size": 7.0, "sharpness": 20.5, "brightness": 18.0, "contrast": 16.0}
    quality = {"total": 61.5, "details": details}
    answer = finds(PEOPLE[0], PEOPLE[1], debug_image_path="/p/2020/debug/debug_1.jpg", qualities=[quality, quality])
    image = scripted(app, api, answer, **others, **old)
    empty = scripted(app, api, finds(debug_image_path=None), **others, **old)
    app.push(image)
    app.push(empty)
    before = app.rows.read("SELECT * FROM images ORDER BY id")
    try_once(app, 2)
    changes = changed(app, before)
    moments = [changes[one].pop("updated_at") for one in (image, empty)]
    now = app.rows.one("SELECT UTC_TIMESTAMP() AS now")["now"]
    assert all(abs((now - moment).total_seconds()) < 60 for moment in moments)
    assert changes[image] == {"last_error": None, "faces_checked": 1, "debug_filename": "debug_1.jpg"}
    assert changes[empty] == {"last_error": None, "faces_checked": 1}
    assert [changes[one] for one in changes if one not in {image, empty}] == [{}]
    first, second = app.rows.faces(image)
    assert (first["face_index"], first["parent_id"], first["status"]) == (0, master, "process")
    assert (second["face_index"], second["parent_id"], second["name"]) == (1, None, None)
    assert json.loads(first["encoding"]) == PEOPLE[0].tolist()
    assert json.loads(first["quality_details"]) == details
    assert '"size":7,' in first["quality_details"]
    assert first["created_at"] == first["updated_at"]
    assert app.rows.faces(empty) == []
    assert (app.leftovers(), app.failed(), depth(app)) == (NOTHING_LEFT, [], 0)


#: What is the job's own fault: the answer, and what `last_error` says then.
OURS = {
    "500": (says(500, error="boom"), 'HTTP 500: {"error": "boom"}'),
    "a proxy's 500": (Answer(500, b"<html>no</html>"), "HTTP 500: <html>no</html>"),
    "418": (Answer(418, b""), "HTTP 418: "),
    "a redirect": (Answer(302, b"elsewhere", {"Location": "/x"}), "HTTP 302: elsewhere"),
    "400 that may be retried": (says(400, error="x", retryable=True), 'HTTP 400: {"error": "x", "retryable": true}'),
    "400 that says nothing of it": (says(400, error="x"), 'HTTP 400: {"error": "x"}'),
    "200 that is not JSON": (Answer(200, b"<html>login</html>"), "something else than faces"),
    "200 without encodings": (Answer(200, b'{"faces": []}'), "something else than faces"),
    "200 with encodings null": (Answer(200, b'{"encodings": null}'), "something else than faces"),
    "200 with half an encoding": (Answer(200, b'{"encodings": [[1, 2]]}'), "something else than faces"),
    "200 with an error that may be retried": (says(200, error="CUDA_OOM", retryable=True), "CUDA_OOM"),
    "200 with a list": (Answer(200, b"[]"), "something else than faces"),
    "204": (Answer(204, b""), "something else than faces"),
    "a connection that breaks while the API is ready": (Answer(breaks=True), "gave no answer to this photo"),
}


def test_the_job_s_own_faults_are_noted_and_cost_a_try(app: PhotoApp, api: ScriptedApi) -> None:
    images = {kind: scripted(app, api, answer) for kind, (answer, _) in OURS.items()}
    bodies = {kind: body_of(app, image) for kind, image in images.items()}
    for place, body in enumerate(bodies.values()):
        app.publish(body, attempts=place % 2)
    try_once(app, len(images))
    for kind, (_, text) in OURS.items():
        row = row_of(app, images[kind])
        assert text in row["last_error"], kind
        assert text == row["last_error"] or "HTTP" not in text, kind
        assert (row["faces_checked"], app.rows.faces(images[kind])) == (0, []), kind
    released = take_all(app, f"{app.queue}.delay.600000.sidecar")
    assert [message.body for message in released] == list(bodies.values())
    assert [message.attempts for message in released] == [1 + place % 2 for place in range(len(images))]
    assert [message.correlation_id for message in released] == [message.payload["id"] for message in released]
    assert (app.leftovers(), app.failed(), depth(app)) == (NOTHING_LEFT, [], 0)


def test_the_last_try_fails_with_all_that_is_left_of_it_in_failed_jobs(app: PhotoApp, api: ScriptedApi) -> None:
    image = scripted(app, api, says(500, error="boom"))
    body = body_of(app, image)
    app.push(image)
    take_all(app, app.queue)
    app.publish(body, attempts=2)
    log = try_once(app, 1)
    (row,) = app.failed()
    assert (row["uuid"], row["connection"], row["queue"]) == (json.loads(body)["uuid"], "rabbitmq", app.queue)
    assert row["payload"].encode() == body
    assert "boom" in row["exception"].splitlines()[0]
    assert "attempt 3 of 3" in row["exception"]
    assert row_of(app, image)["last_error"] == 'HTTP 500: {"error": "boom"}'
    assert "ERROR" in log
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0)


#: What is the photo's fault, by the API's own word.
PHOTOS = {
    400: ("damaged_photo", "the photo is damaged"),
    413: ("photo_too_large", "the photo has too many pixels"),
    415: ("unsupported_format", "no picture"),
    422: ("crashed_before", "this photo ended two processes"),
}


def test_the_photo_s_own_fault_fails_at_once_and_a_repetition_updates_the_row(app: PhotoApp, api: ScriptedApi) -> None:
    answers = {status: says(status, error=text, code=code, retryable=False) for status, (code, text) in PHOTOS.items()}
    images = {status: scripted(app, api, answer) for status, answer in answers.items()}
    first = [app.push(image) for image in images.values()]
    try_once(app, len(images))
    rows = {row["uuid"]: row for row in app.failed()}
    assert list(rows) == first
    for uuid, (status, (_, text)) in zip(first, PHOTOS.items(), strict=True):
        assert row_of(app, images[status])["last_error"] == f"HTTP {status}: {answers[status].body.decode()}"
        assert text in rows[uuid]["exception"].splitlines()[0]
        assert "attempt 1 of 3" in rows[uuid]["exception"]
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0)
    # An hour later: the app pushes every image again that is not checked. One of them has another fault by now.
    api.answer(name_of(app, images[422]), says(422, error="another", retryable=False))
    second = [app.push(image) for image in images.values()]
    try_once(app, len(images))
    assert sorted(row["uuid"] for row in app.failed()) == sorted([*second, first[-1]])
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0)


def test_an_older_api_s_answer_200_with_an_error_is_noted_and_not_asked_again(app: PhotoApp, api: ScriptedApi) -> None:
    short = scripted(app, api, says(200, error="no GPU", encodings=[]))
    long = scripted(app, api, says(200, error="日本" * 3000))
    odd = scripted(app, api, says(200, error={"why": "object"}))
    for image in (short, long, odd):
        app.push(image)
    try_once(app, 3)
    texts = [row_of(app, image)["last_error"] for image in (short, long, odd)]
    assert texts[:2] == ["no GPU", ("日本" * 3000)[:255]]
    assert "object" in texts[2]
    assert app.rows.read("SELECT DISTINCT faces_checked FROM images") == [{"faces_checked": 0}]
    assert (app.leftovers(), app.failed(), depth(app)) == (NOTHING_LEFT, [], 0)


def test_a_missing_file_is_noted_and_tried_again_until_it_fails(app: PhotoApp, api: ScriptedApi) -> None:
    missing, outside, odd_disk = app.image(None), app.image(PHOTO, path="../.."), app.image(PHOTO, disk="nowhere")
    uuids = [app.push(image) for image in (missing, outside, odd_disk)]
    log = app.worker().run("run", "--max-jobs", 9)[1]
    assert sorted(row["uuid"] for row in app.failed()) == sorted(uuids)
    texts = [row_of(app, image)["last_error"] for image in (missing, outside, odd_disk)]
    assert "there is no file" in texts[0]
    assert all(texts)
    assert all("attempt 3 of 3" in row["exception"] for row in app.failed())
    assert log.count("started") == 9
    assert (app.leftovers(), depth(app), api.seen) == (NOTHING_LEFT, 0, [])


def test_a_missing_image_takes_the_ordinary_retries_and_may_still_come(app: PhotoApp, api: ScriptedApi) -> None:
    """A worker that is pushed to can be quicker than the COMMIT of PHP that dispatched the job."""
    late, never = 1001, 1002
    app.push(late)
    uuid = app.push(never)
    try_once(app, 2)
    first, second = take_all(app, f"{app.queue}.delay.600000.sidecar")
    assert (first.attempts, second.attempts, app.failed()) == (1, 1, [])
    (app.disk / "2020/late.jpg").write_bytes(PHOTO)
    app.rows.image(id=late, filename="late.jpg")
    app.publish(first.body, attempts=1)
    app.publish(second.body, attempts=2)
    try_once(app, 2)
    assert row_of(app, late)["faces_checked"] == 1
    (row,) = app.failed()
    assert (row["uuid"], "found no image 1002" in row["exception"]) == (uuid, True)
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0)


def test_everything_fits_its_column(app: PhotoApp, api: ScriptedApi) -> None:
    emoji = scripted(app, api, Answer(500, ("😀" * 4000).encode()))
    bytes_ = scripted(app, api, Answer(500, b"\xff\xfe\x00\xed\xa0\x80" * 100))
    halves = scripted(app, api, Answer(500, b'{"error": "\\ud800 and \\u0000"}'))
    long_name = app.image(None, path="x" * 250)
    for image in (emoji, bytes_, halves, long_name):
        app.push(image, maxTries=1)
    crowd = scripted(app, api, finds(*PEOPLE[:258]))
    app.push(crowd, maxTries=1)
    log = try_once(app, 5)
    assert row_of(app, emoji)["last_error"] == "HTTP 500: " + "😀" * 100 + "..."
    assert all(row_of(app, image)["last_error"] for image in (bytes_, halves, long_name))
    assert len(app.failed()) == 4
    assert (len(app.rows.faces(crowd)), "2 of 258 found faces have no row" in log) == (256, True)
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0)


def test_a_job_that_is_done_already_asks_nothing_and_still_settles(app: PhotoApp, api: ScriptedApi) -> None:
    done = scripted(app, api, faces_checked=1, debug_filename="debug.jpg")
    app.rows.face(done, PEOPLE[0], status="ok", name="Ada")
    bare = scripted(app, api, finds(PEOPLE[0]), faces_checked=1)
    before = app.rows.everything()
    app.push(done, attempts=2)
    log = try_once(app, 1)
    assert (app.rows.everything(), api.seen, "was done before" in log) == (before, [], True)
    app.push(bare)
    try_once(app, 1)
    assert [seen.filename for seen in api.seen] == [name_of(app, bare)]
    # Without debug pictures an image needs none to be done.
    app.push(bare)
    try_once(app, 1, FACE_DISK_ROOTS="", LARAVEL_STORAGE_PATH=str(app.folder))
    assert len(api.seen) == 1
    assert (app.leftovers(), app.failed(), depth(app)) == (NOTHING_LEFT, [], 0)


def test_redelivery_and_double_pushes_double_no_face(app: PhotoApp, api: ScriptedApi) -> None:
    image = scripted(app, api, finds(PEOPLE[0], PEOPLE[1]))
    body = body_of(app, image)
    for _ in range(3):
        app.publish(body)
    app.push(image)
    try_once(app, 4)
    assert [face["face_index"] for face in app.rows.faces(image)] == [0, 1]
    assert (app.leftovers(), app.failed(), depth(app)) == (NOTHING_LEFT, [], 0)


def test_a_message_is_base64_in_failed_jobs_where_it_is_no_text(app: PhotoApp, api: ScriptedApi) -> None:
    app.publish(b"\xff\x00", attempts=None)
    try_once(app, 1)
    (row,) = app.failed()
    assert base64.b64decode(row["payload"]) == b"\xff\x00"
