"""Two workers that both believe they hold an image: the row decides, and the image gets one result."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.acceptance.held import Held
from tests.acceptance.steps import delay_queue, depth
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp

Wait = Callable[..., None]

#: What happens to a lock behind its owner's back.
LOSSES = {
    "deleted": "DELETE FROM cache_locks",
    "run out": "UPDATE cache_locks SET expiration = UNIX_TIMESTAMP() - 1",
    "another's": "UPDATE cache_locks SET owner = 'somebody', expiration = UNIX_TIMESTAMP() + 8",
}

#: Where the loss is still noticed, because the row is taken later.
BEFORE_THE_ROW = ("marked", "image read", "encoded", "candidates read")


def push_twice(app: PhotoApp, photo: bytes) -> int:
    """Two messages for one image, as `images:reprocess` makes them."""
    image = app.image(photo)
    app.push(image)
    app.push(image, dedup=False)
    return image


def put_off(app: PhotoApp) -> str:
    """Where jobs wait whose image somebody else has."""
    return delay_queue(app.queue, 10)


def is_done(app: PhotoApp) -> bool:
    return app.rows.one("SELECT faces_checked FROM images") == {"faces_checked": 1} and app.leftovers() == NOTHING_LEFT


def has_one_result(app: PhotoApp, image: int) -> None:
    assert [face["face_index"] for face in app.rows.faces(image)] == [0]
    assert app.rows.one("SELECT faces_checked, last_error FROM images") == {"faces_checked": 1, "last_error": None}
    assert app.leftovers() == NOTHING_LEFT
    assert app.failed() == []


@pytest.mark.parametrize("loss", LOSSES)
def test_who_lost_the_lock_writes_nothing_and_spends_no_try(
    new_app: NewApp, portrait: bytes, wait_for: Wait, loss: str
) -> None:
    apps = {step: new_app() for step in BEFORE_THE_ROW}
    images = {step: push_twice(app, portrait) for step, app in apps.items()}
    first = {step: Held(app, step, FACE_WORKER_TRIES="1") for step, app in apps.items()}
    wait_for(lambda: all(worker.waits() for worker in first.values()), 60)
    for app in apps.values():
        app.rows.run(LOSSES[loss])
    if loss != "another's":
        second = [app.worker().start("run", "--max-jobs", "1") for app in apps.values()]
        assert [process.wait(60) for process in second] == [0] * len(apps)
    before = {step: app.rows.everything() for step, app in apps.items()}
    for worker in first.values():
        worker.let_go()
    for step, app in apps.items():
        wait_for(lambda app=app: depth(app, put_off(app)), 60)
        assert app.rows.everything() == before[step], step
    for step, app in apps.items():
        wait_for(lambda app=app: (is_done(app), depth(app), depth(app, put_off(app))) == (True, 0, 0), 60)
        assert "is another's by now: nothing was written" in first[step].stop(), step
        has_one_result(app, images[step])


def test_who_has_the_row_writes_and_the_other_one_finds_it_done(
    new_app: NewApp, portrait: bytes, wait_for: Wait
) -> None:
    apps = {step: new_app() for step in ("image locked", "rows written")}
    images = {step: push_twice(app, portrait) for step, app in apps.items()}
    first = {step: Held(app, step, "--max-jobs", "1") for step, app in apps.items()}
    wait_for(lambda: all(worker.waits() for worker in first.values()), 60)
    for app in apps.values():
        app.rows.run(LOSSES["deleted"])
    second = {step: Held(app, "candidates read", "--max-jobs", "1") for step, app in apps.items()}
    wait_for(lambda: all(worker.waits() for worker in second.values()), 60)
    for step in apps:
        second[step].let_go()
        first[step].let_go()
    for step, app in apps.items():
        first[step].end()
        assert "was done before" in second[step].end(), step
        has_one_result(app, images[step])


@pytest.mark.parametrize("step", ["encoded", "candidates read"])
def test_workers_without_locks_meet_at_the_row(app: PhotoApp, portrait: bytes, wait_for: Wait, step: str) -> None:
    images = [push_twice(app, portrait)]
    app.push(images[0], dedup=False)
    workers = [Held(app, step, "--max-jobs", "1", FACE_LOCK="none") for _ in range(3)]
    wait_for(lambda: all(worker.waits() for worker in workers), 60)
    for worker in workers:
        worker.let_go()
    notes = sorted("was done before" in worker.end() for worker in workers)
    assert notes == [False, True, True]
    has_one_result(app, images[0])
