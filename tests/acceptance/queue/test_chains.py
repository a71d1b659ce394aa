"""What follows a job of PHP's, and one that PHP takes up; jobs that wait for their time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.acceptance.steps import PHOTO, depth, name_of, row_of, work
from tests.servers.app_in_php import AppInPhp, app_in_php
from tests.servers.photo_app import CLASS, NOTHING_LEFT, PhotoApp
from tests.servers.scripted_api import ScriptedApi, says

Wait = Callable[..., None]


def test_a_chain_comes_to_its_end_through_several_workers_and_php(app: PhotoApp, wait_for: Wait) -> None:
    """Ours, PHP's, ours, ours, PHP's: PHP publishes the first and reads what we publish."""
    images = [app.image(PHOTO) for _ in range(5)]
    photos = app.rabbitmq.new_queue()
    ours, theirs = {"queue": app.queue}, {"queue": photos}
    chain = [("Face", ours), ("Image", theirs), ("Face", ours), ("Face", ours), ("Image", theirs)]
    jobs = [
        {"class": f"{kind}ProcessJob", "image": image, "properties": properties}
        for image, (kind, properties) in zip(images, chain, strict=True)
    ]
    workers = [app.worker() for _ in range(2)]
    for worker in workers:
        worker.start("run")
    with app_in_php(app) as php:
        php.dispatch(*jobs)
        for place in (1, 4):
            wait_for(lambda: depth(app, photos))
            assert php.work(photos) == {"class": "App\\Jobs\\ImageProcessJob", "data": {"image_id": images[place]}}
        assert php.work(photos) is None
    assert [row_of(app, image)["faces_checked"] for image in images] == [1, 0, 1, 1, 0]
    wait_for(lambda: app.leftovers() == NOTHING_LEFT)
    assert depth(app) == 0
    assert app.failed() == []


def push_unique(app: PhotoApp, image: int, **changes: Any) -> str:
    """Queue a job as ShouldBeUnique has it; returns the key of its lock."""
    key = f"laravel_unique_job:{CLASS}:{image}"
    changes["illuminate:log:context"] = {"data": [], "hidden": {"laravel_unique_job_key": f's:{len(key)}:"{key}";'}}
    app.push(image, **changes)
    return key


def test_a_unique_job_s_lock_goes_with_its_end_and_stays_over_a_release(
    stored: PhotoApp, php: AppInPhp, api: ScriptedApi
) -> None:
    app = stored
    done, failing, released = (app.image(PHOTO) for _ in range(3))
    for image in (failing, released):
        api.answer(name_of(app, image), says(500, error="boom"))
    keys = [push_unique(app, done), push_unique(app, failing, maxTries=1), push_unique(app, released, backoff=600)]
    for key in keys:
        assert php.lock(key, "a" * 16, 600)
    work(app, 3)
    # Not ours any more is what PHP can take.
    assert [php.lock(key, "b" * 16, 600) for key in keys] == [True, True, False]


def test_a_job_that_php_delays_is_done_when_its_time_has_come(app: PhotoApp) -> None:
    image = app.image(PHOTO)
    worker = app.worker()
    process = worker.start("run", "--max-jobs", 1)
    with app_in_php(app) as php:
        php.dispatch({"class": "FaceProcessJob", "image": image, "properties": {"queue": app.queue, "delay": 1}})
    worker.end_of(process)
    assert row_of(app, image)["faces_checked"] == 1
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []
