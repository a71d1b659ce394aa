"""Every way in which a photo's job can end: what the rows say, what the queue holds, whether a try was spent."""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.queue.steps import body_of, depth, name_of, row_of, take_all
from tests.servers.mariadb import MariaDB
from tests.servers.people import PEOPLE
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.rabbitmq import free_port
from tests.servers.scripted_api import Answer, ScriptedApi, finds, running_scripted_api, says

Wait = Callable[..., None]

PHOTO = b"the scripted API looks at names only"

#: Seconds of a delay in which a released message stays where a test can look at it.
LATER = "600"


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    """In the place of the real API."""
    with running_scripted_api() as server:
        yield server


def scripted(app: PhotoApp, api: ScriptedApi, *answers: Answer, **values: Any) -> int:
    image = app.image(PHOTO, **values)
    api.answer(name_of(app, image), *answers)
    return image


def work(app: PhotoApp, jobs: int, **settings: str) -> str:
    """A worker that does so many jobs, those that come again counted; returns its log."""
    return app.worker(FACE_WORKER_BACKOFF=LATER, **settings).run("run", "--max-jobs", jobs)[1]


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
    work(app, 2)
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
    work(app, len(images))
    for kind, (_, text) in OURS.items():
        row = row_of(app, images[kind])
        assert text in row["last_error"], kind
        assert text == row["last_error"] or "HTTP" not in text, kind
        assert (row["faces_checked"], app.rows.faces(images[kind])) == (0, []), kind
    released = take_all(app, f"{app.queue}.delay.600000")
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
    log = work(app, 1)
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
    work(app, len(images))
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
    work(app, len(images))
    assert sorted(row["uuid"] for row in app.failed()) == sorted([*second, first[-1]])
    assert (app.leftovers(), depth(app)) == (NOTHING_LEFT, 0)


WORLD = (401, 403, 404, 405, 408, 429, 502, 503, 504)


def test_the_world_s_faults_are_waited_out_and_cost_no_try(app: PhotoApp, api: ScriptedApi) -> None:
    """Each job has one try left, and needs two."""
    images = {status: scripted(app, api, says(status, error="away"), finds()) for status in WORLD}
    for image in images.values():
        app.push(image, attempts=2)
    log = work(app, len(images))
    assert app.rows.read("SELECT DISTINCT faces_checked, last_error FROM images") == [
        {"faces_checked": 1, "last_error": None}
    ]
    assert [len(api.times(name_of(app, image))) for image in images.values()] == [2] * len(WORLD)
    assert (app.leftovers(), app.failed(), depth(app)) == (NOTHING_LEFT, [], 0)
    assert log.count("no further job is taken until this is over") == len(WORLD)
    assert "is FACE_API_KEY right?" in log


def test_retry_after_is_waited_out(app: PhotoApp, api: ScriptedApi) -> None:
    image = scripted(app, api, says(503, {"Retry-After": "4"}, error="busy"), finds())
    app.push(image, attempts=2)
    work(app, 1)
    first, second = api.times(name_of(app, image))
    assert second - first >= 4
    assert (row_of(app, image)["faces_checked"], app.failed()) == (1, [])


def test_what_breaks_while_the_api_is_away_costs_no_try_even_the_last(
    app: PhotoApp, api: ScriptedApi, wait_for: Wait
) -> None:
    """Behind systemd's socket a dead API hangs or breaks off, it does not refuse."""
    image = scripted(app, api, Answer(breaks=True), finds())
    app.push(image, attempts=2)
    api.ready = False
    worker = app.worker()
    process = worker.start("run", "--max-jobs", 1)
    wait_for(lambda: row_of(app, image)["last_error"])
    assert app.leftovers()["locks"] == 0
    assert "does not answer any more" in row_of(app, image)["last_error"]
    api.ready = True
    worker.end_of(process)
    assert (row_of(app, image)["faces_checked"], app.failed(), app.leftovers()) == (1, [], NOTHING_LEFT)


def test_an_api_that_refuses_connections_gets_the_job_when_it_is_back(
    new_app: NewApp, mariadb: MariaDB, wait_for: Wait
) -> None:
    port = free_port()
    app = new_app(api_url=f"http://127.0.0.1:{port}")
    image = app.image(PHOTO)
    app.push(image, attempts=2)
    worker = app.worker()
    process = worker.start("run", "--max-jobs", 1)
    wait_for(lambda: "does not answer" in (row_of(app, image)["last_error"] or ""))
    with running_scripted_api(port):
        worker.end_of(process)
    assert (row_of(app, image)["faces_checked"], app.failed(), app.leftovers()) == (1, [], NOTHING_LEFT)


def test_a_job_that_waits_for_the_world_is_released_as_it_came_when_the_worker_is_to_stop(
    app: PhotoApp, api: ScriptedApi, wait_for: Wait
) -> None:
    image = scripted(app, api, says(503, error="away"))
    api.ready = False
    body = body_of(app, image)
    app.publish(body, attempts=2)
    worker = app.worker()
    process = worker.start("run")
    wait_for(lambda: row_of(app, image)["last_error"])
    process.send_signal(signal.SIGTERM)
    worker.end_of(process)
    (message,) = take_all(app, f"{app.queue}.delay.10000")
    assert (message.body, message.attempts) == (body, 2)
    assert (app.leftovers(), app.failed(), depth(app)) == (NOTHING_LEFT, [], 0)


def test_a_kept_connection_that_is_closed_without_a_word_costs_nothing(app: PhotoApp, api: ScriptedApi) -> None:
    first, second = scripted(app, api), scripted(app, api, Answer(breaks=True, only_on_kept=True), finds())
    app.push(first, attempts=2)
    app.push(second, attempts=2)
    log = work(app, 2)
    assert len(api.times(name_of(app, second))) == 2
    assert (row_of(app, second)["faces_checked"], row_of(app, second)["last_error"]) == (1, None)
    assert (app.failed(), "WARNING" in log) == ([], False)


def test_an_older_api_s_answer_200_with_an_error_is_noted_and_not_asked_again(app: PhotoApp, api: ScriptedApi) -> None:
    short = scripted(app, api, says(200, error="no GPU", encodings=[]))
    long = scripted(app, api, says(200, error="日本" * 3000))
    odd = scripted(app, api, says(200, error={"why": "object"}))
    for image in (short, long, odd):
        app.push(image)
    work(app, 3)
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
    work(app, 2)
    first, second = take_all(app, f"{app.queue}.delay.600000")
    assert (first.attempts, second.attempts, app.failed()) == (1, 1, [])
    (app.disk / "2020/late.jpg").write_bytes(PHOTO)
    app.rows.image(id=late, filename="late.jpg")
    app.publish(first.body, attempts=1)
    app.publish(second.body, attempts=2)
    work(app, 2)
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
    log = work(app, 5)
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
    log = work(app, 1)
    assert (app.rows.everything(), api.seen, "was done before" in log) == (before, [], True)
    app.push(bare)
    work(app, 1)
    assert [seen.filename for seen in api.seen] == [name_of(app, bare)]
    # Without debug pictures an image needs none to be done.
    app.push(bare)
    work(app, 1, FACE_DISK_ROOTS="", LARAVEL_STORAGE_PATH=str(app.folder))
    assert len(api.seen) == 1
    assert (app.leftovers(), app.failed(), depth(app)) == (NOTHING_LEFT, [], 0)


def test_redelivery_and_double_pushes_double_no_face(app: PhotoApp, api: ScriptedApi) -> None:
    image = scripted(app, api, finds(PEOPLE[0], PEOPLE[1]))
    body = body_of(app, image)
    for _ in range(3):
        app.publish(body)
    app.push(image)
    work(app, 4)
    assert [face["face_index"] for face in app.rows.faces(image)] == [0, 1]
    assert (app.leftovers(), app.failed(), depth(app)) == (NOTHING_LEFT, [], 0)


def test_a_message_is_base64_in_failed_jobs_where_it_is_no_text(app: PhotoApp, api: ScriptedApi) -> None:
    app.publish(b"\xff\x00", attempts=None)
    work(app, 1)
    (row,) = app.failed()
    assert base64.b64decode(row["payload"]) == b"\xff\x00"
