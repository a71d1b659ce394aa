"""The Laravel photo app as our worker meets it: its tables, its `.env`, its messages, its photos on a disk."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pika
import sqlalchemy as sa

from tests.servers.app_schema import V2
from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.rows import Rows
from tests.servers.worker_process import Worker

CLASS = "App\\Jobs\\FaceProcessJob"


def command_of(image_id: int, queue: str, more: str = "", count: int = 2, class_name: str = CLASS) -> str:
    """What PHP's `serialize` makes of the job: `more` is further properties, `count` how many there are in all."""
    data = f's:11:"\0*\0taskData";a:1:{{s:8:"image_id";i:{image_id};}}'
    return f'O:{len(class_name)}:"{class_name}":{count}:{{{data}s:5:"queue";s:{len(queue)}:"{queue}";{more}}}'


def payload_of(command: str, class_name: str = CLASS, **changes: Any) -> dict[str, Any]:
    """The message around it, as Laravel's queue makes it."""
    return {
        **{"uuid": str(uuid.uuid4()), "displayName": class_name},
        **{"job": "Illuminate\\Queue\\CallQueuedHandler@call", "maxTries": None, "maxExceptions": None},
        **{"failOnTimeout": False, "backoff": None, "timeout": None, "retryUntil": None},
        **{"data": {"commandName": class_name, "command": command}, "createdAt": int(time.time())},
        **{"id": str(uuid.uuid4()), "delay": None},
        **changes,
    }


def dedup_key(image_id: int) -> bytes:
    """The app's key of a plain job."""
    text = json.dumps({"class": CLASS, "image_id": image_id}, separators=(",", ":"))
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


@dataclass
class PhotoApp:
    """One app with a database, a queue and a disk of its own."""

    mariadb: MariaDB
    rabbitmq: RabbitMQ
    folder: Path
    api_url: str
    schema: tuple[str, ...] = V2
    variables: dict[str, str] = field(default_factory=dict)
    """What its `.env` says beside the usual."""

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.disk = self.folder / "photos"
        (self.disk / "2020").mkdir(parents=True)
        self.url = self.mariadb.new_database(*self.schema)
        self.rows = Rows(self.url)
        self.queue = self.rabbitmq.new_queue()
        self.env_file = self.folder / ".env"
        self.write_env()
        self._numbers = itertools.count(1)
        self._workers: list[Worker] = []

    def write_env(self) -> None:
        database = sa.make_url(self.url)
        lines = {
            "APP_NAME": '"Photo App"',
            "APP_KEY": "base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            **{"DB_CONNECTION": "mysql", "DB_HOST": "127.0.0.1", "DB_PORT": str(database.port)},
            **{"DB_DATABASE": str(database.database), "DB_USERNAME": "root", "DB_PASSWORD": ""},
            **{"QUEUE_CONNECTION": "rabbitmq", "RABBITMQ_HOST": "127.0.0.1", "RABBITMQ_PORT": str(self.rabbitmq.port)},
            **{"RABBITMQ_USER": "guest", "RABBITMQ_PASSWORD": "guest", "RABBITMQ_VHOST": "/"},
            **{"CACHE_STORE": "database", "QUEUE_FACES": self.queue},
            **self.variables,
        }
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    def worker(self, **settings: str) -> Worker:
        """A worker's home; each `start("run", …)` there is a process."""
        settings = {
            "LARAVEL_ENV_FILE": str(self.env_file),
            "FACE_API_URL": self.api_url,
            "FACE_DISK_ROOTS": f"photos={self.disk}",
            "FACE_STATE_DIR": str(self.folder / "state"),
            "FACE_WORKER_BACKOFF": "0",
        } | settings
        worker = Worker(self.folder / f"home{len(self._workers)}", settings)
        self._workers.append(worker)
        return worker

    def image(self, photo: bytes | None, **values: Any) -> int:
        """A row, and the photo's file unless there is none."""
        name = f"{next(self._numbers)}.jpg"
        if photo is not None:
            (self.disk / "2020" / name).write_bytes(photo)
        return self.rows.image(filename=name, **values)

    def push(self, image_id: int, *, attempts: int = 0, dedup: bool = True, **changes: Any) -> str:
        """Queue the image's job as the app does; `changes` are the payload's. Returns its uuid."""
        if dedup:
            self.rows.run("INSERT IGNORE INTO queues (queue_key) VALUES (:key)", key=dedup_key(image_id))
        body = payload_of(command_of(image_id, self.queue), **changes)
        self.publish(json.dumps(body).encode(), attempts)
        return str(body["uuid"])

    def publish(self, body: bytes, attempts: int | None = 0, queue: str | None = None) -> None:
        headers = {} if attempts is None else {"laravel": {"attempts": attempts}}
        properties = pika.BasicProperties(content_type="application/json", delivery_mode=2, headers=headers)
        with self.rabbitmq.channel() as channel:
            channel.basic_publish("", queue or self.queue, body, properties, mandatory=True)

    def take(self, queue: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The next message of a queue: its payload and headers."""
        with self.rabbitmq.channel() as channel:
            method, properties, body = channel.basic_get(queue, auto_ack=True)
            if method is None:
                return None
            assert properties is not None
            assert body is not None
            return json.loads(body), dict(properties.headers or {})

    def is_quiet(self) -> bool:
        """Whether the queue is empty and no consumer has a message in hand."""
        return self.rabbitmq.depth(self.queue) == 0

    def failed(self) -> list[dict[str, Any]]:
        return self.rows.read("SELECT * FROM failed_jobs ORDER BY id")

    def leftovers(self) -> dict[str, int]:
        """What must be gone when every job has ended: locks, dedup keys, marks of crashes, counts of refusals."""
        return {
            "locks": len(self.rows.read("SELECT * FROM cache_locks WHERE expiration > UNIX_TIMESTAMP()")),
            "dedup keys": len(self.rows.read("SELECT * FROM queues")),
            "marks": len(self.rows.read("SELECT * FROM cache WHERE `key` LIKE '%face-crash:%'")),
            "refusals": len(self.rows.read("SELECT * FROM cache WHERE `key` LIKE '%face-refused:%'")),
        }

    def end(self) -> None:
        for worker in self._workers:
            worker.end()
        self.rows.close()


NewApp = Callable[..., PhotoApp]
NOTHING_LEFT = {"locks": 0, "dedup keys": 0, "marks": 0, "refusals": 0}
