"""The world's faults that come and go while a job is in hand."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.acceptance.steps import PHOTO, body_of, delay_queue, depth, name_of, row_of, scripted, take_all, work
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.rabbitmq import free_port
from tests.servers.scripted_api import Answer, ScriptedApi, finds, running_scripted_api, says

Wait = Callable[..., None]


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
    wait_for(lambda: app.leftovers()["locks"] == 0)
    assert "does not answer any more" in row_of(app, image)["last_error"]
    api.ready = True
    worker.end_of(process)
    assert row_of(app, image)["faces_checked"] == 1
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT


def test_an_api_that_refuses_connections_gets_the_job_when_it_is_back(new_app: NewApp, wait_for: Wait) -> None:
    port = free_port()
    app = new_app(api_url=f"http://127.0.0.1:{port}")
    image = app.image(PHOTO)
    app.push(image, attempts=2)
    worker = app.worker()
    process = worker.start("run", "--max-jobs", 1)
    wait_for(lambda: "does not answer" in (row_of(app, image)["last_error"] or ""))
    with running_scripted_api(port):
        worker.end_of(process)
    assert row_of(app, image)["faces_checked"] == 1
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT


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
    (message,) = take_all(app, delay_queue(app.queue, 10))
    assert message.body == body
    assert message.attempts == 2
    assert app.leftovers() == NOTHING_LEFT | {"refusals": 1}
    assert app.failed() == []
    assert depth(app) == 0


def test_a_kept_connection_that_is_closed_without_a_word_costs_nothing(app: PhotoApp, api: ScriptedApi) -> None:
    first, second = scripted(app, api), scripted(app, api, Answer(breaks=True, only_on_kept=True), finds())
    app.push(first, attempts=2)
    app.push(second, attempts=2)
    log = work(app, 2)
    assert len(api.times(name_of(app, second))) == 2
    assert row_of(app, second)["faces_checked"] == 1
    assert row_of(app, second)["last_error"] is None
    assert app.failed() == []
    assert "WARNING" not in log
