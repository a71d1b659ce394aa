"""Metadata that the app writes after the faces is waited for, and taken over by the next look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from faces.library.upkeep.refresh import Differences, Refresh
from tests.integration.faces.library.upkeep.changing_app import ENCODINGS, ChangingApp, Process
from tests.integration.faces.library.upkeep.derived import Derived
from tests.integration.faces.library.upkeep.happenings import emptied

METADATA = '{"EXIF": {"DateTimeOriginal": "2021:05:17 14:03:21"}}'
TAKEN = datetime(2021, 5, 17, 14, 3, 21)


@pytest.fixture
def app(server_url: str) -> Iterator[ChangingApp]:
    with emptied(server_url) as (app, _):
        yield app


@pytest.fixture
def process(app: ChangingApp) -> Process:
    return Process.start(app.store)


def next_look(app: ChangingApp, process: Process) -> int:
    """Half a minute later, as between two jobs; how many images were brought up to date."""
    app.half_a_minute_later()
    process.clock.now += 1000
    looked = process.changes.look_if_due()
    assert looked is not None
    assert looked.complete
    return looked.updated


def taken(app: ChangingApp, image: int) -> object:
    row = app.rows.one("SELECT DISTINCT taken_at FROM face_sidecar_face_index WHERE image_id = :id", id=image)
    return row["taken_at"]


def waiting(app: ChangingApp) -> list[int]:
    return [row["image_id"] for row in app.rows.read("SELECT image_id FROM face_sidecar_pending_images ORDER BY id")]


VERSIONS = pytest.mark.parametrize("server_url", ["v1", "v5"], indirect=True)


@VERSIONS
def test_metadata_that_the_app_writes_after_the_faces_is_taken_over_by_the_next_look(
    app: ChangingApp, process: Process
) -> None:
    image, other = app.our_job(process, 1, 14), app.our_job(process, 2)
    assert waiting(app) == [image, other]
    next_look(app, process)
    assert next_look(app, process) == 0
    app.rows.run("UPDATE images SET metadata = :text WHERE id = :id", text=METADATA, id=image)
    assert next_look(app, process) == 1
    assert taken(app, image) == TAKEN
    assert waiting(app) == [other]
    assert next_look(app, process) == 0
    Derived(app).check()
    assert Refresh(process.arrivals, keep=False).run() == Differences()


@VERSIONS
def test_metadata_without_a_time_ends_the_waiting(app: ChangingApp, process: Process) -> None:
    app.our_job(process, 1)
    app.rows.run("UPDATE images SET metadata = '[]'")
    next_look(app, process)
    assert waiting(app) == []


@VERSIONS
def test_an_image_that_is_brought_up_to_date_often_is_waited_for_once(app: ChangingApp, process: Process) -> None:
    image = app.our_job(process, 1)
    process.arrivals.update_images([image, image])
    assert waiting(app) == [image]


@VERSIONS
def test_an_image_that_is_gone_is_waited_for_no_more(app: ChangingApp, process: Process) -> None:
    app.our_job(process, 1)
    app.force_delete_image(0)
    next_look(app, process)
    assert waiting(app) == []


@VERSIONS
def test_metadata_is_waited_for_a_week_and_of_older_images_not_at_all(app: ChangingApp, process: Process) -> None:
    old = app.image()
    long_ago = datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(days=8)
    app.rows.run("UPDATE images SET created_at = :day WHERE id = :id", day=long_ago, id=old)
    app.rows.face(old, ENCODINGS[1])
    process.arrivals.update_images([old])
    assert waiting(app) == []
    image = app.our_job(process, 2)
    assert waiting(app) == [image]
    app.rows.run("UPDATE face_sidecar_pending_images SET awaits_until = '2020-01-01 00:00:00'")
    next_look(app, process)
    assert waiting(app) == []


@pytest.mark.parametrize("server_url", ["v5"], indirect=True)
def test_of_many_that_wait_each_look_asks_about_the_next_thousand(app: ChangingApp, process: Process) -> None:
    app.our_job(process, 1)
    for _ in range(11):
        app.rows.run(
            "INSERT INTO face_sidecar_pending_images (image_id, awaits_until) "
            "SELECT image_id, awaits_until FROM face_sidecar_pending_images"
        )
    last = app.our_job(process, 2)
    app.rows.run("UPDATE images SET metadata = :text WHERE id = :id", text=METADATA, id=last)
    assert [next_look(app, process) for _ in range(3)] == [0, 0, 1]
    assert taken(app, last) == TAKEN


@pytest.mark.parametrize("server_url", ["v5"], indirect=True)
def test_a_verb_that_settles_asks_about_all_that_wait(app: ChangingApp, process: Process) -> None:
    for number in range(3):
        app.our_job(process, number)
    app.rows.run("UPDATE images SET metadata = :text", text=METADATA)
    process.changes.look()
    assert waiting(app) == []
