"""What the queue's tests do and look at beside the app itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.servers.photo_app import CLASS, PhotoApp, command_of, payload_of
from tests.servers.scripted_api import Answer, ScriptedApi

#: What lies on the disk where the API is a scripted one, which looks at names only.
PHOTO = b"no photo"


@dataclass(frozen=True)
class Message:
    """What lies in a queue."""

    body: bytes
    headers: dict[str, Any]
    correlation_id: str | None

    @property
    def attempts(self) -> Any:
        return self.headers["laravel"]["attempts"]

    @property
    def payload(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


def take_all(app: PhotoApp, queue: str) -> list[Message]:
    """All messages of a queue, taken out of it."""
    found: list[Message] = []
    with app.rabbitmq.channel() as channel:
        while True:
            method, properties, body = channel.basic_get(queue, auto_ack=True)
            if method is None:
                return found
            found.append(Message(body, dict(properties.headers or {}), properties.correlation_id))


def delay_queue(queue: str, seconds: int) -> str:
    """Where jobs of the queue wait for so long."""
    return f"{queue}.delay.{seconds * 1000}.sidecar"


def depth(app: PhotoApp, queue: str | None = None) -> int:
    """Messages in a queue, the app's own without a name; 0 where there is no such queue."""
    return app.rabbitmq.depth(queue or app.queue) or 0


def body_of(app: PhotoApp, image_id: int, **changes: Any) -> bytes:
    """A message as the app publishes it."""
    return json.dumps(payload_of(command_of(image_id, app.queue), **changes)).encode()


def name_of(app: PhotoApp, image_id: int) -> str:
    """The image's file name."""
    return str(row_of(app, image_id)["filename"])


def row_of(app: PhotoApp, image_id: int) -> dict[str, Any]:
    return app.rows.one("SELECT * FROM images WHERE id = :id", id=image_id)


def chained_to(*commands: str) -> str:
    """The property `chained`: what follows a job."""
    entries = "".join(_entry(place, command) for place, command in enumerate(commands))
    return f's:7:"chained";a:{len(commands)}:{{{entries}}}'


def _entry(place: int, command: str) -> str:
    return f'i:{place};s:{len(command.encode())}:"{command}";'


def push_chain(app: PhotoApp, image_id: int, *following: str, more: str = "", count: int = 0, **changes: Any) -> str:
    """Queue a job that others follow, given serialized; `more` are `count` further properties. Returns its uuid."""
    command = command_of(image_id, app.queue, chained_to(*following) + more, count=3 + count, class_name=CLASS)
    payload = payload_of(command, **changes)
    app.publish(json.dumps(payload).encode())
    return str(payload["uuid"])


def scripted(app: PhotoApp, api: ScriptedApi, *answers: Answer, **values: Any) -> int:
    """An image for which the scripted API has these answers, one after the other."""
    image = app.image(PHOTO, **values)
    api.answer(name_of(app, image), *answers)
    return image


def work(app: PhotoApp, jobs: int, **settings: str) -> str:
    """Run a worker that does so many jobs, those that come again counted; returns its log."""
    return app.worker(**settings).run("run", "--max-jobs", jobs)[1]
