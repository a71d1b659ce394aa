"""Every way in which a photo's job can end: what the rows say, what the queue holds, whether a try was spent."""

from __future__ import annotations

import pytest

from faces.laravel import last_error
from tests.acceptance.steps import PHOTO, body_of, delay_queue, depth, name_of, row_of, scripted, take_all, work
from tests.servers.people import PEOPLE
from tests.servers.photo_app import NOTHING_LEFT
from tests.servers.scripted_api import Answer, finds, says
from tests.stubs.api import StubApi
from tests.stubs.app import StubApp

#: Seconds of a delay in which a released message stays where a test can look at it.
LATER = "600"


def try_once(app: StubApp, jobs: int, **settings: str) -> str:
    """A worker that does so many jobs, none of which comes back while the test looks; returns its log."""
    return work(app, jobs, FACE_WORKER_BACKOFF=LATER, **settings)


def said_of(app: StubApp, image: int) -> str:
    """What `last_error` says, but for the name of the request at its end."""
    return last_error.without_request(row_of(app, image)["last_error"])


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


def test_the_job_s_own_faults_are_noted_and_cost_a_try(app: StubApp, api: StubApi) -> None:
    images = {kind: scripted(app, api, answer) for kind, (answer, _) in OURS.items()}
    bodies = {kind: body_of(app, image) for kind, image in images.items()}
    for place, body in enumerate(bodies.values()):
        app.publish(body, attempts=place % 2)
    try_once(app, len(images))
    for kind, (_, text) in OURS.items():
        row, said = row_of(app, images[kind]), said_of(app, images[kind])
        assert text in said, kind
        assert text == said or "HTTP" not in text, kind
        assert row["faces_checked"] == 0, kind
        assert app.rows.faces(images[kind]) == [], kind
    released = take_all(app, delay_queue(app.queue, 600))
    assert [message.body for message in released] == list(bodies.values())
    assert [message.attempts for message in released] == [1 + place % 2 for place in range(len(images))]
    assert [message.correlation_id for message in released] == [message.payload["id"] for message in released]
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []
    assert depth(app) == 0


#: What is the photo's fault, by the API's own word.
PHOTOS = {
    400: ("damaged_photo", "the photo is damaged"),
    413: ("photo_too_large", "the photo has too many pixels"),
    415: ("unsupported_format", "no picture"),
    422: ("crashed_before", "this photo ended two processes"),
}


def test_the_photo_s_own_fault_fails_at_once_and_a_repetition_updates_the_row(app: StubApp, api: StubApi) -> None:
    answers = {status: says(status, error=text, code=code, retryable=False) for status, (code, text) in PHOTOS.items()}
    images = {status: scripted(app, api, answer) for status, answer in answers.items()}
    first = [app.push(image) for image in images.values()]
    try_once(app, len(images))
    rows = {row["uuid"]: row for row in app.failed()}
    assert list(rows) == first
    for uuid, (status, (_, text)) in zip(first, PHOTOS.items(), strict=True):
        assert said_of(app, images[status]) == f"HTTP {status}: {answers[status].body.decode()}"
        assert text in rows[uuid]["exception"].splitlines()[0]
        assert "attempt 1 of 3" in rows[uuid]["exception"]
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0
    # An hour later: the app pushes every image again that is not checked. One of them has another fault by now.
    api.answer(name_of(app, images[422]), says(422, error="another", retryable=False))
    second = [app.push(image) for image in images.values()]
    try_once(app, len(images))
    assert sorted(row["uuid"] for row in app.failed()) == sorted([*second, first[-1]])
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0


def test_an_older_api_s_answer_200_with_an_error_is_noted_and_not_asked_again(app: StubApp, api: StubApi) -> None:
    short = scripted(app, api, says(200, error="no GPU", encodings=[]))
    long = scripted(app, api, says(200, error="日本" * 3000))
    odd = scripted(app, api, says(200, error={"why": "object"}))
    for image in (short, long, odd):
        app.push(image)
    try_once(app, 3)
    texts = [said_of(app, image) for image in (short, long, odd)]
    assert texts[:2] == ["no GPU", ("日本" * 3000)[:255]]
    assert "object" in texts[2]
    assert app.rows.read("SELECT DISTINCT faces_checked FROM images") == [{"faces_checked": 0}]
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []
    assert depth(app) == 0


def test_a_missing_file_is_noted_and_tried_again_until_it_fails(app: StubApp, api: StubApi) -> None:
    missing, outside, odd_disk = app.image(None), app.image(PHOTO, path="../.."), app.image(PHOTO, disk="nowhere")
    uuids = [app.push(image) for image in (missing, outside, odd_disk)]
    log = app.worker().run("run", "--max-jobs", 9)[1]
    assert sorted(row["uuid"] for row in app.failed()) == sorted(uuids)
    texts = [row_of(app, image)["last_error"] for image in (missing, outside, odd_disk)]
    assert "there is no file" in texts[0]
    assert all(texts)
    assert all("attempt 3 of 3" in row["exception"] for row in app.failed())
    assert log.count("started") == 9
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0
    assert api.seen == []


def test_a_missing_image_takes_the_ordinary_retries_and_may_still_come(app: StubApp, api: StubApi) -> None:
    """A worker that is pushed to can be quicker than the COMMIT of PHP that dispatched the job."""
    late, never = 1001, 1002
    app.push(late)
    uuid = app.push(never)
    try_once(app, 2)
    first, second = take_all(app, delay_queue(app.queue, 600))
    assert first.attempts == 1
    assert second.attempts == 1
    assert app.failed() == []
    (app.disk / "2020/late.jpg").write_bytes(PHOTO)
    app.rows.image(id=late, filename="late.jpg")
    app.publish(first.body, attempts=1)
    app.publish(second.body, attempts=2)
    try_once(app, 2)
    assert row_of(app, late)["faces_checked"] == 1
    (row,) = app.failed()
    assert row["uuid"] == uuid
    assert "found no image 1002" in row["exception"]
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0


def test_a_job_that_is_done_already_asks_nothing_and_still_settles(app: StubApp, api: StubApi) -> None:
    done = scripted(app, api, faces_checked=1, debug_filename="debug.jpg")
    app.rows.face(done, PEOPLE[0], status="ok", name="Ada")
    bare = scripted(app, api, finds(PEOPLE[0]), faces_checked=1)
    before = app.rows.everything()
    app.push(done, attempts=2)
    log = try_once(app, 1)
    assert app.rows.everything() == before
    assert api.seen == []
    assert "was done before" in log
    app.push(bare)
    try_once(app, 1)
    assert [seen.filename for seen in api.seen] == [name_of(app, bare)]
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []
    assert depth(app) == 0


@pytest.mark.parametrize(
    ("setting", "roots", "is_asked"),
    [
        ("required", "photos=/photos", True),
        ("required", "", True),
        ("best_effort", "photos=/photos", True),
        ("best_effort", "", False),
        ("off", "photos=/photos", False),
    ],
)
def test_an_image_without_its_picture_is_not_done_where_it_is_to_have_one(
    app: StubApp, api: StubApi, setting: str, roots: str, is_asked: bool
) -> None:
    bare = scripted(app, api, finds(PEOPLE[0]), disk="local", faces_checked=1)
    named = app.rows.face(bare, PEOPLE[0], status="ok", name="Ada")
    (app.folder / "app/private/2020").mkdir(parents=True)
    (app.folder / "app/private/2020" / name_of(app, bare)).write_bytes(PHOTO)
    app.push(bare)
    settings = {"FACE_DISK_ROOTS": roots, "FACE_DEBUG_PICTURES": setting}
    try_once(app, 1, LARAVEL_STORAGE_PATH=str(app.folder), **settings)
    assert len(api.seen) == is_asked
    assert bool(row_of(app, bare)["debug_filename"]) == is_asked
    assert [(row["id"], row["name"]) for row in app.rows.faces(bare)] == [(named, "Ada")]
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []


#: Answers without a debug picture: of an API with another setting, of an older one, of one that names none.
NO_PICTURE = {
    "null, with a warning": finds(PEOPLE[0], debug_image_path=None, warnings=["no debug picture: a reason"]),
    "no such field": says(200, encodings=[PEOPLE[0].tolist()]),
    "an empty name": finds(PEOPLE[0], debug_image_path=""),
    "a folder's": finds(PEOPLE[0], debug_image_path="/"),
    "of a photo without faces": finds(debug_image_path=None),
}


@pytest.mark.parametrize("kind", NO_PICTURE)
def test_a_reply_without_the_picture_never_becomes_rows(app: StubApp, api: StubApi, kind: str) -> None:
    image = scripted(app, api, NO_PICTURE[kind])
    app.push(image)
    log = app.worker().run("run", "--stop-when-empty")[1]
    assert "original_path" in api.seen[0].fields
    assert row_of(app, image)["faces_checked"] == 0
    assert row_of(app, image)["debug_filename"] is None
    assert "wrote no debug picture" in said_of(app, image)
    assert "FACE_DEBUG_PICTURES=required there" in log
    assert app.rows.faces(image) == []
    assert app.failed() == []
    (message,) = take_all(app, delay_queue(app.queue, 10))
    assert message.attempts == 0, "no try is spent"


@pytest.mark.parametrize("setting", ["best_effort", "off"])
def test_where_pictures_are_not_required_a_reply_without_one_becomes_rows(
    app: StubApp, api: StubApi, setting: str
) -> None:
    image = scripted(app, api, NO_PICTURE["null, with a warning"])
    app.push(image)
    log = try_once(app, 1, FACE_DEBUG_PICTURES=setting)
    assert "original_path" in api.seen[0].fields, "the API's setting says what it draws"
    assert row_of(app, image)["faces_checked"] == 1
    assert row_of(app, image)["debug_filename"] is None
    assert len(app.rows.faces(image)) == 1
    assert "no debug picture: a reason" in log


def test_redelivery_and_double_pushes_double_no_face(app: StubApp, api: StubApi) -> None:
    image = scripted(app, api, finds(PEOPLE[0], PEOPLE[1]))
    body = body_of(app, image)
    for _ in range(3):
        app.publish(body)
    app.push(image)
    try_once(app, 4)
    assert [face["face_index"] for face in app.rows.faces(image)] == [0, 1]
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []
    assert depth(app) == 0


def test_a_message_that_is_no_text_is_kept_whole_beside_and_its_row_says_where(app: StubApp) -> None:
    app.publish(b"\xff\x00", attempts=None)
    try_once(app, 1)
    (row,) = app.failed()
    assert f"is whole in RabbitMQ's queue {app.queue}.unrecorded" in row["exception"]
    (message,) = take_all(app, f"{app.queue}.unrecorded")
    assert message.body == b"\xff\x00"
    assert depth(app) == 0
