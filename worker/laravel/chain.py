"""New messages that we publish as PHP would: the next job of a chain, and a job of a class that we only name."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from faces.errors import UnreadableMessage
from faces.laravel import php_json
from faces.laravel.php_json import Json
from worker.laravel import encryption, moments, serialized
from worker.laravel.message import CONTEXT, HANDLER, UNIQUE_KEYS, Command
from worker.laravel.serialized import PhpArray, PhpObject, Value

#: The class's public limits and where the payload has them; a job shows those that differ from its class.
_LIMITS = {
    "maxTries": "tries",
    "maxExceptions": "maxExceptions",
    "failOnTimeout": "failOnTimeout",
    "backoff": "backoff",
    "timeout": "timeout",
    "retryUntil": "retryUntil",
}

#: What the chain's properties are in a class that sets nothing; the others are null.
_BY_DEFAULT = {"chained": b"a:0:{}"}


@dataclass(frozen=True, slots=True)
class NewJob:
    """A message to publish for the first time: attempts 0, `id` as its correlation id."""

    queue: str
    body: bytes = field(repr=False)
    id: str
    delay: int = 0  #: seconds


def _new_uuid() -> str:
    return str(uuid.uuid4())


def next_job(command: Command, now: int, default_queue: str, new_uuid: Callable[[], str] = _new_uuid) -> NewJob | None:
    """The job after this one, with the rest of the chain spliced in; None at the end of a chain.

    `now` is Unix time; `default_queue` is the connection's own, where PHP publishes what names no queue. What only the
    next job's class knows (its tries, its timeout) is null, so that its worker's options count. After an encrypted job
    the next one is encrypted too: PHP reads both, and nothing becomes public.

    Raises:
        UnreadableMessage: the next job is no object as PHP serializes it, or refers to places that would move.
    """
    if not command.chained:
        return None
    job = serialized.read(command.chained[0])
    if not isinstance(job, PhpObject):
        raise UnreadableMessage("the next job of the chain is no serialized object")
    queue = job.find("queue") or command.chain_queue or default_queue
    if not isinstance(queue, str):
        raise UnreadableMessage(f"the queue of the chain's next job is {type(queue).__name__}, needed is a text")
    content = _spliced(job, _handed_on(command, job))
    if command.key:
        content = encryption.encrypt(serialized.write_bytes(content), command.key).encode()
    payload = _payload(job.class_name, content, now, new_uuid, job.find("batchId")) | _limits_of(job)
    payload |= _context_of(command)
    return _published(payload, queue, moments.seconds_until(job.find("delay"), now))


def new_job(
    class_name: str,
    task_data: Mapping[str, int | str],
    queue: str,
    now: int,
    new_uuid: Callable[[], str] = _new_uuid,
) -> NewJob:
    """A job as `Class::dispatch($taskData)->onQueue($queue)` publishes it at `now` (Unix time)."""
    properties = {"\0*\0taskData": serialized.write(task_data), "queue": serialized.write(queue)}
    return _published(_payload(class_name, _object(class_name, properties), now, new_uuid), queue, 0)


def _handed_on(command: Command, job: PhpObject) -> dict[str, bytes]:
    """What Laravel sets on the next job: the rest of the chain, and where it is published; serialized."""
    rest = b"".join(b"i:%d;%s" % (place, serialized.write_bytes(one)) for place, one in enumerate(command.chained[1:]))
    return {
        "connection": _text(job.find("connection") or command.chain_connection),
        "queue": _text(job.find("queue") or command.chain_queue),
        "chained": b"a:%d:{%s}" % (len(command.chained) - 1, rest),
        "chainConnection": _text(command.chain_connection),
        "chainQueue": _text(command.chain_queue),
        "chainCatchCallbacks": command.chain_catch_callbacks or b"N;",
    }


def _text(value: Value) -> bytes:
    return serialized.write(value) if isinstance(value, str) else b"N;"


def _spliced(job: PhpObject, changes: Mapping[str, bytes]) -> bytes:
    """The job's own bytes with these properties set; what a class has anyway is left out, as PHP does."""
    if not all(isinstance(name, str) for name in job.entries):
        raise UnreadableMessage(f"the next job of the chain, {job.class_name}, serializes itself in a way of its own")
    old = {str(name): job.raw(name) for name in job.entries}
    new = {name: raw for name, raw in changes.items() if name in old or raw != _BY_DEFAULT.get(name, b"N;")}
    moved = any(old[name] != raw and not _is_one_value(old[name] + raw) for name, raw in new.items() if name in old)
    if (moved and _refers(job)) or _refers(serialized.read(changes["chainCatchCallbacks"])):
        raise UnreadableMessage("the chain's next job refers to places in its own bytes, which would move")
    return _object(job.class_name, old | new)


def _is_one_value(raw: bytes) -> bool:
    """Whether neither value has others within, so that one for the other moves no place that a reference counts."""
    return b"{" not in raw


def _refers(value: Value) -> bool:
    return any(True for _ in serialized.references(value))


def _object(class_name: str, properties: Mapping[str, bytes]) -> bytes:
    name = class_name.encode("utf-8", "surrogateescape")
    content = b"".join(serialized.write(key) + raw for key, raw in properties.items())
    return b'O:%d:"%s":%d:{%s}' % (len(name), name, len(properties), content)


def _limits_of(job: PhpObject) -> dict[str, Json]:
    """What the job itself shows of its limits: those that it sets other than its class."""
    found = {key: _limit(job.find(name)) for key, name in _LIMITS.items()}
    return {key: value for key, value in found.items() if value is not None}


def _limit(value: Value) -> Json:
    if isinstance(value, PhpObject):
        return int(moments.timestamp(value))
    if isinstance(value, PhpArray):
        return ",".join(str(_limit(entry)) for entry in value.entries.values())
    return value if isinstance(value, bool | int | float | str) else None


def _context_of(command: Command) -> dict[str, Json]:
    """Laravel's Context is handed on along a chain, without the unique lock's key, which is of the job before."""
    if not command.context:
        return {}
    hidden = command.context.get("hidden")
    kept = {key: value for key, value in hidden.items() if key not in UNIQUE_KEYS} if isinstance(hidden, dict) else {}
    return {CONTEXT: {**command.context, "hidden": kept}} if kept or command.context.get("data") else {}


def _payload(
    class_name: str, command: bytes, now: int, new_uuid: Callable[[], str], batch_id: Value = None
) -> dict[str, Json]:
    """The payload of a class whose limits we do not know; all keys that a Laravel from 10 to 13 reads."""
    try:
        data = {"commandName": class_name, "command": command.decode()}
    except UnicodeDecodeError as error:
        raise UnreadableMessage(f"the new job {class_name} is not UTF-8, so that JSON cannot hold it") from error
    if isinstance(batch_id, str):
        data["batchId"] = batch_id
    limits: dict[str, Json] = dict.fromkeys(_LIMITS)
    return {
        "uuid": new_uuid(),
        "displayName": class_name,
        "job": HANDLER,
        **limits,
        "failOnTimeout": False,
        "data": data,
        "createdAt": now,
        "id": new_uuid(),
        "delay": None,
    }


def _published(payload: Mapping[str, Json], queue: str, delay: int) -> NewJob:
    return NewJob(queue, php_json.dumps(payload).encode(), str(payload["id"]), delay)
