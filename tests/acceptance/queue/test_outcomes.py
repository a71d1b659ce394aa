"""What a job leaves in a real database: rows, their times, and texts that must fit their columns."""

from __future__ import annotations

import json
from typing import Any

from faces.laravel.last_error import without_request
from tests.acceptance.steps import body_of, depth, row_of, scripted, take_all, work
from tests.servers.people import PEOPLE
from tests.servers.photo_app import NOTHING_LEFT, PhotoApp
from tests.servers.scripted_api import Answer, ScriptedApi, finds, says

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
    empty = scripted(app, api, finds(debug_image_path="/p/2020/debug/debug_2.jpg"), **others, **old)
    app.push(image)
    app.push(empty)
    before = app.rows.read("SELECT * FROM images ORDER BY id")
    try_once(app, 2)
    changes = changed(app, before)
    moments = [changes[one].pop("updated_at") for one in (image, empty)]
    now = app.rows.one("SELECT UTC_TIMESTAMP() AS now")["now"]
    assert all(abs((now - moment).total_seconds()) < 60 for moment in moments)
    assert changes[image] == {"last_error": None, "faces_checked": 1, "debug_filename": "debug_1.jpg"}
    assert changes[empty] == {"last_error": None, "faces_checked": 1, "debug_filename": "debug_2.jpg"}
    assert [changes[one] for one in changes if one not in {image, empty}] == [{}]
    first, second = app.rows.faces(image)
    assert first["face_index"] == 0
    assert first["parent_id"] == master
    assert first["status"] == "process"
    assert second["face_index"] == 1
    assert second["parent_id"] is None
    assert second["name"] is None
    assert json.loads(first["encoding"]) == PEOPLE[0].tolist()
    assert json.loads(first["quality_details"]) == details
    assert '"size":7,' in first["quality_details"]
    assert first["created_at"] == first["updated_at"]
    assert app.rows.faces(empty) == []
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []
    assert depth(app) == 0


def test_the_last_try_fails_with_all_that_is_left_of_it_in_failed_jobs(app: PhotoApp, api: ScriptedApi) -> None:
    image = scripted(app, api, says(500, error="boom"))
    body = body_of(app, image)
    app.push(image)
    take_all(app, app.queue)
    app.publish(body, attempts=2)
    log = try_once(app, 1)
    (row,) = app.failed()
    assert row["uuid"] == json.loads(body)["uuid"]
    assert row["connection"] == "rabbitmq"
    assert row["queue"] == app.queue
    assert row["payload"].encode() == body
    assert "boom" in row["exception"].splitlines()[0]
    assert "attempt 3 of 3" in row["exception"]
    assert without_request(row_of(app, image)["last_error"]) == 'HTTP 500: {"error": "boom"}'
    assert "ERROR" in log
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0


def test_everything_fits_its_column(app: PhotoApp, api: ScriptedApi) -> None:
    emoji = scripted(app, api, Answer(409, ("😀" * 4000).encode()))
    bytes_ = scripted(app, api, Answer(409, b"\xff\xfe\x00\xed\xa0\x80" * 100))
    halves = scripted(app, api, Answer(409, b'{"error": "\\ud800 and \\u0000"}'))
    long_name = app.image(None, path="x" * 250)
    for image in (emoji, bytes_, halves, long_name):
        app.push(image, maxTries=1)
    crowd = scripted(app, api, finds(*PEOPLE[:258]))
    app.push(crowd, maxTries=1)
    log = try_once(app, 5)
    assert row_of(app, emoji)["last_error"] == "HTTP 409: " + "😀" * 100 + "..."
    assert all(row_of(app, image)["last_error"] for image in (bytes_, halves, long_name))
    assert len(app.failed()) == 4
    assert len(app.rows.faces(crowd)) == 256
    assert "2 of 258 found faces have no row" in log
    assert app.leftovers() == NOTHING_LEFT
    assert depth(app) == 0
