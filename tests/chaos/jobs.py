"""The jobs of a soak: good ones of several kinds and what their rows must say in the end, and poison among them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tests.acceptance.steps import push_chain
from tests.chaos.world import World
from tests.servers.photo_app import CLASS, PhotoApp, command_of, dedup_key, payload_of
from tests.servers.scripted_api import Answer, finds, says

#: What lies on the disk: the scripted API looks at names only.
_PHOTO = b"no photo"

#: How long the API takes for a photo at most, seconds: long enough to be met by a fault.
_SECONDS = 0.4


@dataclass
class Expected:
    """What must be there in the end."""

    people: dict[int, list[np.ndarray]] = field(default_factory=dict)
    """The encodings of each good image, in their order."""
    failed: dict[str, str] = field(default_factory=dict)
    """The uuid of each job that ends in failed_jobs, and its kind."""
    bad: dict[int, str] = field(default_factory=dict)
    """The image of each of those, which has no faces, and the job's kind."""


class Jobs:
    """Publishes jobs one after the other; `expected` grows with them."""

    def __init__(self, world: World, dice: random.Random, poison: tuple[str, ...]) -> None:
        self._world, self._app, self._dice = world, world.app, dice
        self._poison = poison
        self._people = np.random.default_rng(dice.randrange(2**32))
        self.expected = Expected()
        self.pushed = 0
        for name in poison:
            POISON[name].prepare(self._app)

    def push(self, number: int) -> None:
        """So many jobs, some of them of a kind of poison."""
        for _ in range(number):
            self.pushed += 1
            if self._poison and self._dice.random() < _POISONED:
                self._push_poison(self._dice.choice(self._poison))
            else:
                self._dice.choices(list(_GOOD), list(_GOOD.values()))[0](self)

    def _push_poison(self, name: str) -> None:
        kind = POISON[name]
        image = self._app.image(_PHOTO)
        self._world.api.answer(f"{image}.jpg", kind.answer)
        self.expected.failed[kind.push(self._app, image)] = name
        if kind.image_is_done:
            self.expected.people[image] = []
        else:
            self.expected.bad[image] = name

    def new_image(self, *before: Answer) -> int:
        """An image with no, one or two faces that no other has; `before` are answers that come first."""
        image = self._app.image(_PHOTO)
        people = [self._people.normal(size=128) for _ in range(self._dice.randrange(3))]
        self.expected.people[image] = people
        answer = finds(*people, debug_image_path=f"/photos/2020/debug/{image}.jpg")
        slow = Answer(answer.status, answer.body, answer.headers, seconds=self._dice.uniform(0, _SECONDS))
        self._world.api.answer(f"{image}.jpg", *before, slow)
        return image

    def plain(self) -> None:
        self._app.push(self.new_image())

    def twice(self) -> None:
        """Two messages for one image, as `images:reprocess` makes them."""
        image = self.new_image()
        self._app.push(image)
        self._app.push(image, dedup=False)

    def broken_once(self) -> None:
        """The API fails at its first try; tries may not run out where a worker is killed after it."""
        self._app.push(self.new_image(says(500, error="a fault", retryable=True)), maxTries=9)

    def busy_once(self) -> None:
        self._app.push(self.new_image(says(503, {"Retry-After": "1"}, error="not now", retryable=True)))

    def chained(self) -> None:
        """One that another one follows."""
        first, second = self.new_image(), self.new_image()
        self._app.rows.run("INSERT INTO queues (queue_key) VALUES (:key)", key=dedup_key(first))
        push_chain(self._app, first, command_of(second, self._app.queue))


#: Kinds of good jobs, and how often each comes.
_GOOD: dict[Callable[[Jobs], None], int] = {
    Jobs.plain: 10,
    Jobs.twice: 2,
    Jobs.broken_once: 1,
    Jobs.busy_once: 1,
    Jobs.chained: 2,
}

#: The part of all jobs that is poison.
_POISONED = 0.08


def _nothing(_: PhotoApp) -> None:
    pass


def _push(app: PhotoApp, image: int) -> str:
    return app.push(image)


@dataclass(frozen=True)
class Poison:
    """A kind of job that must end in failed_jobs, and hold nobody up."""

    push: Callable[[PhotoApp, int], str] = _push
    """Publishes the image's job; returns its uuid."""
    prepare: Callable[[PhotoApp], None] = _nothing
    """Once, before all: what makes the database refuse it."""
    answer: Answer = field(default_factory=finds)
    image_is_done: bool = False
    """Whether it is what follows the image's commit that fails."""


def _push_foreign(app: PhotoApp, image: int) -> str:
    name = "App\\Jobs\\SomebodyElses"
    payload = payload_of(command_of(image, app.queue, class_name=name), name)
    app.publish(json.dumps(payload).encode())
    return str(payload["uuid"])


def _push_broken(app: PhotoApp, image: int) -> str:
    payload = payload_of(f'O:{len(CLASS)}:"{CLASS}":1:{{s:11:"\0*\0taskData"')
    app.publish(json.dumps(payload).encode())
    return str(payload["uuid"])


def _push_emoji(app: PhotoApp, image: int) -> str:
    payload = payload_of(command_of(image, app.queue), note="😀")
    app.publish(json.dumps(payload, ensure_ascii=False).encode())
    return str(payload["uuid"])


def _push_to_long_name(app: PhotoApp, image: int) -> str:
    return push_chain(app, image, command_of(image, "q" * 300))


def _check(app: PhotoApp) -> None:
    app.rows.run("ALTER TABLE images ADD CONSTRAINT no_poison CHECK (debug_filename <> 'poison.jpg')")


def _trigger(app: PhotoApp) -> None:
    app.rows.run(
        "CREATE TRIGGER no_poison BEFORE INSERT ON faces FOR EACH ROW BEGIN "
        "IF JSON_EXTRACT(NEW.encoding, '$[0]') = 7 THEN "
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no poison'; END IF; END"
    )


def _without_emoji(app: PhotoApp) -> None:
    app.rows.run("ALTER TABLE failed_jobs CONVERT TO CHARACTER SET utf8mb3")


_DAMAGED = says(422, error="the photo is damaged", code="damaged_photo", retryable=False)

POISON: dict[str, Poison] = {
    "damaged photo": Poison(answer=_DAMAGED),
    "api's fault": Poison(answer=says(418, error="a fault", retryable=True)),
    "foreign job": Poison(_push_foreign),
    "broken command": Poison(_push_broken),
    "check": Poison(prepare=_check, answer=finds(np.ones(128), debug_image_path="/photos/2020/debug/poison.jpg")),
    "trigger": Poison(prepare=_trigger, answer=finds(np.full(128, 7.0), debug_image_path="/photos/2020/debug/a.jpg")),
    "long queue name": Poison(_push_to_long_name, image_is_done=True),
    "emoji": Poison(_push_emoji, _without_emoji, _DAMAGED),
}

#: Those of a soak that is told no others.
USUAL = tuple(POISON)
