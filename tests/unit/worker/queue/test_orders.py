"""How a worker is told to leave by `queue:work`'s options, and which queue comes first."""

from __future__ import annotations

from tests.acceptance.steps import PHOTO, body_of, depth, row_of
from tests.stubs.app import StubApp


def is_done(app: StubApp, image: int) -> bool:
    return bool(row_of(app, image)["faces_checked"])


def push_new(app: StubApp) -> int:
    image = app.image(PHOTO)
    app.push(image)
    return image


def test_once_is_one_job_or_none(app: StubApp) -> None:
    worker = app.worker()
    assert "the queue is empty" in worker.run("run", "--once")[1]
    images = [push_new(app) for _ in range(2)]
    worker.run("run", "--once")
    assert [is_done(app, image) for image in images] == [True, False]
    assert depth(app) == 1
    missing = app.rabbitmq.new_name()
    worker.run("run", "--once", "--queue", missing)
    assert app.rabbitmq.depth(missing) is None


def test_max_jobs_stop_when_empty_and_max_time(app: StubApp) -> None:
    images = [push_new(app) for _ in range(3)]
    worker = app.worker()
    _, err = worker.run("run", "--max-jobs", 2)
    assert [is_done(app, image) for image in images] == [True, True, False]
    assert "2 jobs are done" in err
    _, err = worker.run("run", "--stop-when-empty")
    assert is_done(app, images[2])
    assert "the queue is empty" in err
    _, err = worker.run("run", "--max-time", 1)
    assert "1 s are over" in err


def test_the_first_of_several_queues_comes_first(app: StubApp) -> None:
    other, order = app.rabbitmq.new_queue(), []
    for queue in (other, other, app.queue, app.queue):
        order.append(app.image(PHOTO))
        app.publish(body_of(app, order[-1]), queue=queue)
    _, err = app.worker().run("run", "--queue", f"{app.queue},{other}", "--max-jobs", 4)
    places = [err.index(f"image={image} ") for image in order]
    assert sorted(range(4), key=lambda place: places[place]) == [2, 3, 0, 1]
    assert app.rows.one("SELECT sum(faces_checked) AS n FROM images")["n"] == 4
