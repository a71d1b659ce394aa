"""What is due beside the jobs is done when a delivery has ended, and no job suffers by it."""

from __future__ import annotations

from collections.abc import Callable

from faces.store.database import Store
from tests.acceptance.steps import PHOTO, row_of
from tests.servers.photo_app import NOTHING_LEFT
from tests.stubs.app import StubApp
from tests.stubs.faults import Faults
from tests.stubs.worker import StubWorker
from tests.unit.worker.queue.note_job import NoteJob

NAME = "App\\Jobs\\NoteJob"


class Aside(NoteJob):
    """Notes which steps were reached when it was called, and breaks then."""

    def __init__(self, store: Store, faults: Faults, breaks: bool) -> None:
        super().__init__(store)
        self.faults, self.fails = faults, breaks
        self.called_after: list[str] = []

    def between_jobs(self, _is_told_to_stop: Callable[[], bool]) -> None:
        self.called_after += self.faults.steps[-1:]
        if self.fails:
            raise ZeroDivisionError


def with_aside(app: StubApp, faults: Faults, *, breaks: bool = False) -> tuple[StubWorker, list[Aside]]:
    """A worker, and the job class that it makes when it starts."""
    made, asides = app.worker(), list[Aside]()

    def more(store: Store) -> dict[str, Aside]:
        asides.append(Aside(store, faults, breaks))
        return {NAME: asides[0]}

    made.more_jobs = more
    return made, asides


def test_it_is_done_after_the_ack(app: StubApp, faults: Faults) -> None:
    app.push(app.image(PHOTO))
    worker, asides = with_aside(app, faults)
    worker.run("run", "--max-jobs", 1)
    assert asides[0].called_after == ["acked"]


def test_a_fault_in_it_is_told_and_hurts_no_job(app: StubApp, faults: Faults) -> None:
    images = [app.image(PHOTO), app.image(PHOTO)]
    for image in images:
        app.push(image)
    log = with_aside(app, faults, breaks=True)[0].run("run", "--max-jobs", 2)[1]
    assert [row_of(app, image)["faces_checked"] for image in images] == [1, 1]
    assert log.count("a fault of our own between two jobs") == 2
    assert app.failed() == []
    assert app.leftovers() == NOTHING_LEFT
