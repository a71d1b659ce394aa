"""How a worker is told to wait or to leave: artisan's orders, `queue:work`'s options, signals."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.acceptance.held import state_of
from tests.acceptance.steps import PHOTO, body_of, depth, name_of, row_of, take_all
from tests.servers.app_in_php import AppInPhp, app_in_php
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.scripted_api import Answer, ScriptedApi

Wait = Callable[..., None]


def is_done(app: PhotoApp, image: int) -> bool:
    return bool(row_of(app, image)["faces_checked"])


def push_new(app: PhotoApp) -> int:
    image = app.image(PHOTO)
    app.push(image)
    return image


def hang(app: PhotoApp, api: ScriptedApi) -> int:
    """A queued image whose answer comes when the test lets go."""
    image = app.image(PHOTO)
    api.answer(name_of(app, image), Answer(hangs=True))
    app.push(image)
    return image


def test_queue_restart_ends_the_worker(stored: PhotoApp, php: AppInPhp, wait_for: Wait) -> None:
    """One that was given before the start does not."""
    php.forever("illuminate:queue:restart", 1795219566)
    worker = stored.worker()
    process = worker.start("run")
    image = push_new(stored)
    wait_for(lambda: is_done(stored, image))
    php.restart()
    assert "queue:restart was given" in worker.end_of(process)[1]


def test_queue_restart_lets_the_job_in_hand_come_to_its_end(app: PhotoApp, api: ScriptedApi, wait_for: Wait) -> None:
    worker = app.worker()
    process = worker.start("run")
    first = push_new(app)
    wait_for(lambda: is_done(app, first))
    in_hand = hang(app, api)
    wait_for(lambda: len(api.seen) == 2)
    with app_in_php(app) as php:
        php.restart()
    # Longer than the three seconds between two looks at orders: the next one is due when the job ends.
    end_of_pause = app.rows.one("SELECT SLEEP(3.2) AS slept")
    api.let_go()
    worker.end_of(process)
    assert end_of_pause["slept"] == 0
    assert is_done(app, in_hand)
    assert app.leftovers() == NOTHING_LEFT


def test_queue_pause_holds_jobs_up_until_resume(stored: PhotoApp, php: AppInPhp, wait_for: Wait) -> None:
    key = f"illuminate:queue:paused:rabbitmq:{stored.queue}"
    php.forever(key, value=True)
    image = push_new(stored)
    worker = stored.worker()
    process = worker.start("run", "--max-jobs", 1)
    wait_for(lambda: state_of(stored) == "ordered to wait")
    # What RabbitMQ had pushed before goes back a moment later.
    wait_for(lambda: depth(stored) == 1)
    assert not is_done(stored, image)
    php.forget(key)
    _, err = worker.end_of(process)
    assert is_done(stored, image)
    assert f"paused: {stored.queue}" in err


@pytest.mark.parametrize("driver", ["file", "cache"])
def test_artisan_down_holds_jobs_up_until_up(new_app: NewApp, wait_for: Wait, driver: str) -> None:
    app = new_app(variables={"APP_MAINTENANCE_DRIVER": driver})
    worker = app.worker()
    process = worker.start("run", "--max-jobs", 2)
    first = push_new(app)
    wait_for(lambda: is_done(app, first))
    down = app.folder / "storage/framework/down"
    down.parent.mkdir(parents=True)
    with app_in_php(app) as php:
        down.touch() if driver == "file" else php.forever("illuminate:foundation:down", {"retry": None})
        wait_for(lambda: state_of(app) == "ordered to wait")
        second = push_new(app)
        assert depth(app) == 1
        down.unlink() if driver == "file" else php.forget("illuminate:foundation:down")
    worker.end_of(process)
    assert is_done(app, second)
    assert app.leftovers() == NOTHING_LEFT


def test_a_worker_that_has_grown_leaves_after_its_job_with_12(app: PhotoApp) -> None:
    first, second = push_new(app), push_new(app)
    _, err = app.worker().run("run", "--memory", 1, code=12)
    assert is_done(app, first)
    assert not is_done(app, second)
    assert depth(app) == 1
    assert "MB: leaving" in err


def test_a_paused_queue_of_several_is_left_out(app: PhotoApp, wait_for: Wait) -> None:
    other = app.rabbitmq.new_queue()
    paused = push_new(app)
    open_ = app.image(PHOTO)
    app.publish(body_of(app, open_), queue=other)
    with app_in_php(app) as php:
        php.forever(f"illuminate:queue:paused:rabbitmq:{app.queue}", value=True)
        app.worker().run("run", "--queue", f"{app.queue},{other}", "--max-jobs", 1)
    assert not is_done(app, paused)
    assert is_done(app, open_)
    assert depth(app) == 1


def in_hand(app: PhotoApp, api: ScriptedApi, wait_for: Wait) -> tuple[int, subprocess.Popen[str]]:
    """A worker with a job in hand that waits for its answer."""
    image = hang(app, api)
    process = app.worker().start("run")
    wait_for(lambda: len(api.seen) == 1)
    return image, process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGINT])
def test_a_signal_lets_the_job_in_hand_come_to_its_end(
    app: PhotoApp, api: ScriptedApi, wait_for: Wait, number: signal.Signals
) -> None:
    image, process = in_hand(app, api, wait_for)
    process.send_signal(number)
    later = push_new(app)
    api.let_go()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped" in err
    assert is_done(app, image)
    assert not is_done(app, later)
    assert depth(app) == 1
    assert app.leftovers() == NOTHING_LEFT | {"dedup keys": 1}


def test_a_second_sigterm_gives_the_job_back_at_once(
    stored: PhotoApp, php: AppInPhp, api: ScriptedApi, wait_for: Wait
) -> None:
    """The API still has the photo: nobody waits for its answer. Lock and mark are gone, no try is spent."""
    app = stored
    image, process = in_hand(app, api, wait_for)
    assert not php.lock(f"face-processing:{image}", "a" * 16)

    def is_gone() -> bool:
        gone = process.poll() is not None
        process.send_signal(signal.SIGTERM)
        return gone

    # Of two signals at the same moment the kernel may deliver one.
    wait_for(is_gone, pause=1.5)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "told twice to stop" in err
    assert "Traceback" not in err
    assert php.lock(f"face-processing:{image}", "a" * 16)
    assert php.unlock(f"face-processing:{image}", "a" * 16)
    assert app.leftovers() == NOTHING_LEFT | {"dedup keys": 1}
    assert not is_done(app, image)
    (message,) = take_all(app, app.queue)
    assert message.attempts == 0
    app.publish(message.body)
    api.let_go()
    app.worker().run("run", "--max-jobs", 1)
    assert is_done(app, image)
    assert app.failed() == []
