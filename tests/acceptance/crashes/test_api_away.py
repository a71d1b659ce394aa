"""The face API away at the start, killed at any step, or not now: no try is spent, the queue keeps its messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.held import Held, state_of
from tests.acceptance.steps import depth, name_of
from tests.servers.people import PEOPLE
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.running_api import RunningApi
from tests.servers.scripted_api import finds, running_scripted_api, says

Wait = Callable[..., None]

#: A second try would fail the job.
ONE_TRY = {"FACE_WORKER_TRIES": "1"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> Iterator[RunningApi]:
    """To be killed."""
    running = RunningApi(tmp_path_factory.mktemp("api"), {"FACE_DISK_ROOTS": f"photos={disk}"})
    running.wait_until_ready()
    yield running
    running.stop()


def are_done(app: PhotoApp, images: int) -> bool:
    checked = app.rows.read("SELECT id FROM images WHERE faces_checked AND last_error IS NULL")
    return (len(checked), depth(app), app.leftovers()) == (images, 0, NOTHING_LEFT)


def consumers(app: PhotoApp) -> int:
    with app.rabbitmq.channel() as channel:
        found: int = channel.queue_declare(app.queue, passive=True).method.consumer_count
        return found


def test_jobs_wait_in_their_queue_while_the_api_is_away(
    app: PhotoApp, api: RunningApi, small_photo: bytes, wait_for: Wait
) -> None:
    api.kill()
    home = app.worker(**ONE_TRY)
    worker = home.start("run")
    # Before it is connected it waits, too, and says so.
    said = f"waiting: the face API at {api.url} does not answer"
    for away in ("at the start", "later"):
        for _ in range(3):
            app.push(app.image(small_photo))
        wait_for(lambda: state_of(app) == "waiting", 60)
        wait_for(lambda: said in app.worker().run("status")[0], 60, "the API as the reason")
        wait_for(lambda: (depth(app), consumers(app)) == (2, 0), 60, "the end of consuming")
        api.start()
        wait_for(lambda: are_done(app, len(app.rows.read("SELECT id FROM images"))), 90, f"the jobs after {away}")
        api.kill()
    api.start()
    worker.terminate()
    _, log = home.end_of(worker)
    assert app.failed() == []
    assert log.count("no further job is taken until this is over") == 2


def test_the_api_killed_at_any_step_costs_no_try(
    new_app: NewApp, api: RunningApi, portrait: bytes, slow_photo: bytes, wait_for: Wait
) -> None:
    api.wait_until_ready()
    steps = ("locked", "marked", "image read", "file found", "encoded", "rows written")
    apps = {step: new_app() for step in steps}
    for app in apps.values():
        app.push(app.image(portrait))
    workers = {step: Held(app, step, **ONE_TRY) for step, app in apps.items()}
    wait_for(lambda: all(worker.waits() for worker in workers.values()), 60)
    apps["asked"] = new_app()
    apps["asked"].push(apps["asked"].image(slow_photo))
    asking = apps["asked"].worker(**ONE_TRY)
    process = asking.start("run")
    wait_for(api.in_hand, 60, "the photo in the API's hands")
    api.kill()
    for worker in workers.values():
        worker.let_go()
    for step in ("locked", "marked", "image read", "file found", "asked"):
        wait_for(lambda step=step: state_of(apps[step]) == "waiting", 60)
    api.start()
    for step, app in apps.items():
        wait_for(lambda app=app: are_done(app, 1), 90, f"the job whose API was killed at {step!r}")
        assert app.failed() == []
        assert len(app.rows.faces(1)) == (step != "asked")
    for worker in workers.values():
        worker.stop()
    process.terminate()
    asking.end_of(process)


def test_what_retry_after_says_is_waited_out(new_app: NewApp, wait_for: Wait) -> None:
    with running_scripted_api() as api:
        app = new_app(api_url=api.url)
        image = app.image(b"the scripted API looks at names only")
        busy = says(503, {"Retry-After": "4"}, error="not now", retryable=True)
        api.answer(name_of(app, image), busy, finds(PEOPLE[0], debug_image_path="/photos/2020/debug/1.jpg"))
        app.push(image)
        app.worker().run("run", "--max-jobs", 1, **ONE_TRY)
        first, second = api.times(name_of(app, image))
        assert second - first >= 4
        assert app.failed() == []
        assert len(app.rows.faces(image)) == 1
        assert app.leftovers() == NOTHING_LEFT
