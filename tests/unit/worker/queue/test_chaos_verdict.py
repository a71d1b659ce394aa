"""What a soak finds wrong in the end: each kind of harm is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from tests.acceptance.steps import PHOTO, scripted
from tests.chaos import verdict
from tests.chaos.jobs import Expected
from tests.servers.people import PEOPLE
from tests.servers.photo_app import dedup_key
from tests.servers.scripted_api import finds, says
from tests.stubs.api import StubApi
from tests.stubs.app import StubApp


@dataclass
class Ended:
    """A world whose two jobs have ended: one done, one failed."""

    app: StubApp
    expected: Expected = field(default_factory=Expected)
    redis: None = None
    said: str = ""

    @property
    def rabbitmq(self) -> Any:
        lines = [f"{name}\t{number}" for name, number in self.app.server.waiting().items()]
        return SimpleNamespace(control=lambda *_: "\n".join(lines))

    def log(self) -> str:
        return self.said


@pytest.fixture
def ended(app: StubApp, api: StubApi) -> Ended:
    good = scripted(app, api, finds(PEOPLE[0], PEOPLE[1], debug_image_path="/photos/2020/debug/1.jpg"))
    bad = scripted(app, api, says(422, error="no", code="damaged_photo", retryable=False))
    app.push(good)
    uuid = app.push(bad)
    app.worker().run_until_quiet()
    return Ended(app, Expected({good: [PEOPLE[0], PEOPLE[1]]}, {uuid: "damaged"}, {bad: "damaged"}))


def test_a_good_end_has_nothing_wrong(ended: Ended) -> None:
    world: Any = ended
    assert verdict.wrong(world, ended.expected) == []
    assert verdict.is_over(world, ended.expected)


HARM: dict[str, tuple[Callable[[Ended], object], str]] = {
    "an image that is not done": (
        lambda it: it.app.rows.run("UPDATE images SET faces_checked = 0 WHERE id = 1"),
        "image 1: faces_checked is 0",
    ),
    "an error that stayed": (lambda it: it.app.rows.run("UPDATE images SET last_error = 'x' WHERE id = 1"), "error x"),
    "a face twice": (lambda it: it.app.rows.face(1, PEOPLE[0]), "has 3 faces that are not the 2"),
    "a face that is lost": (lambda it: it.app.rows.run("DELETE FROM faces WHERE face_index = 1"), "has 1 faces"),
    "another's faces": (lambda it: it.app.rows.run("UPDATE faces SET encoding = '[1]'"), "that are not the 2"),
    "a wrong number": (lambda it: it.app.rows.run("UPDATE faces SET face_index = 5 WHERE face_index = 1"), "[0, 5]"),
    "faces of a bad job": (lambda it: it.app.rows.face(2, PEOPLE[0]), "image 2 (damaged): has 1 faces"),
    "a failure that is lost": (lambda it: it.app.rows.run("DELETE FROM failed_jobs"), "is 0 times in failed_jobs"),
    "a good job that failed": (
        lambda it: it.app.rows.run(
            "INSERT INTO failed_jobs (uuid, connection, queue, payload, exception) VALUES ('u', '', '', '', 'why')"
        ),
        "the good job u is in failed_jobs: why",
    ),
    "a lock": (
        lambda it: it.app.rows.run("INSERT INTO cache_locks VALUES ('k', 'o', UNIX_TIMESTAMP() + 60)"),
        "1 locks are left",
    ),
    "a dedup key": (
        lambda it: it.app.rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=dedup_key(1)),
        "1 dedup keys are left",
    ),
    "a mark": (
        lambda it: it.app.rows.run("INSERT INTO cache VALUES ('x_face-crash:u', '', UNIX_TIMESTAMP() + 60)"),
        "1 marks are left",
    ),
    "a message": (lambda it: it.app.push(it.app.image(PHOTO), dedup=False), "1 messages are in"),
    "a traceback": (
        lambda it: setattr(it, "said", "ERROR a fault of our own\nTraceback (most recent call last):\n"),
        "a worker's log has a traceback: ERROR a fault of our own",
    ),
}


@pytest.mark.parametrize("kind", HARM)
def test_harm_is_seen(ended: Ended, kind: str) -> None:
    harm, words = HARM[kind]
    harm(ended)
    world: Any = ended
    assert [fault for fault in verdict.wrong(world, ended.expected) if words in fault], kind
