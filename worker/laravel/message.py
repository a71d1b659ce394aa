"""A message of Laravel's queue: the JSON around it, and the job that it carries. Reads; decides nothing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from faces.errors import UnreadableMessage
from faces.laravel import php_json
from faces.laravel.php_json import Json
from worker.laravel import encryption, serialized
from worker.laravel.limits import JobLimits
from worker.laravel.serialized import Key, PhpArray, PhpObject, Value

#: What runs every job that is an object. Other jobs are texts, `Class@method`.
HANDLER = "Illuminate\\Queue\\CallQueuedHandler@call"

#: Where a payload has Laravel's Context, and what a job that is ShouldBeUnique hides in it.
CONTEXT = "illuminate:log:context"
UNIQUE_KEY = "laravel_unique_job_key"
UNIQUE_KEYS = (UNIQUE_KEY, "laravel_unique_job_cache_store")

#: Bytes of a body that are read; the app's largest has some thousand.
_LONGEST_BODY = 4 * 1024 * 1024

#: Bytes that an AMQP property and the column `failed_jobs.uuid` hold.
_LONGEST_ID = 255

#: A header's largest integer has room for one more after this.
_MOST_ATTEMPTS = 2**63 - 2

#: The highest id of an unsigned bigint column.
_HIGHEST_ID = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a message says of its job before the job itself is read: whose class it is, its limits, how it is called.

    Read of every delivery; the command in it is read only where the class is one of ours.
    """

    body: bytes = field(repr=False)  #: as it came: a release carries the same bytes
    uuid: str | None
    id: str  #: the correlation id; the uuid where the payload has none, else empty
    class_name: str
    command: bytes = field(repr=False)  #: the serialized, perhaps encrypted job; empty where the job is a text
    limits: JobLimits
    batch_id: str | None
    unique_key: str | None  #: of the lock of a job that is ShouldBeUnique, without the cache's prefix
    context: Mapping[str, Any] | None = field(repr=False, default=None)  #: Laravel's Context, handed on along a chain

    @classmethod
    def decode(cls, body: bytes) -> Envelope:
        """Read a body. A job that is a text, `Class@method`, has the name of its class and no command.

        Raises:
            UnreadableMessage: not JSON, or not a job as Laravel writes it.
        """
        payload = _object(body)
        handler, data = _text(payload, "job"), payload.get("data")
        uuid, context = _id(payload, "uuid"), payload.get(CONTEXT)
        if handler != HANDLER:
            class_name, command = handler.partition("@")[0], ""
        elif isinstance(data, dict):
            class_name, command = _text(data, "commandName"), _text(data, "command")
        else:
            raise UnreadableMessage(f"the payload's data is {_shown(data)}, needed is an object")
        return cls(
            body=body,
            uuid=uuid,
            id=_id(payload, "id") or uuid or "",
            class_name=class_name,
            command=command.encode(),
            limits=JobLimits.of(payload),
            batch_id=_id(data, "batchId") if isinstance(data, dict) else None,
            unique_key=_unique_key(context, class_name),
            context=context if isinstance(context, dict) else None,
        )


def attempts_of(headers: Mapping[str, Any] | None) -> int:
    """How often the job was tried before, as its publisher says; 0 where it says nothing of use."""
    laravel = (headers or {}).get("laravel")
    attempts = laravel.get("attempts") if isinstance(laravel, Mapping) else None
    if not isinstance(attempts, int) or isinstance(attempts, bool):
        return 0
    return min(max(0, attempts), _MOST_ATTEMPTS)


@dataclass(frozen=True, slots=True)
class Command:
    """The job itself, as far as we read it: its image, its dedup key and its chain. No class is built."""

    class_name: str
    task_data: Mapping[Key, Value]
    encrypted: bool = False
    queue: str | None = None
    delay: Value = None
    chained: tuple[bytes, ...] = ()  #: the jobs after this one, serialized
    chain_queue: str | None = None
    chain_connection: str | None = None
    chain_catch_callbacks: bytes | None = None  #: serialized
    batch_id: str | None = None
    context: Mapping[str, Any] | None = field(repr=False, default=None)
    key: bytes | None = field(repr=False, default=None)  #: what the next job of an encrypted one is encrypted with

    @classmethod
    def read(cls, envelope: Envelope, keys: Sequence[bytes] = ()) -> Command:
        """Read an envelope's job, decrypted under one of the keys where it is encrypted.

        Raises:
            UnreadableMessage: no object, of another class than the envelope says, or a key is missing.
        """
        encrypted = not envelope.command.startswith(b"O:")
        job = serialized.read(_decrypted(envelope.command, keys) if encrypted else envelope.command)
        if not isinstance(job, PhpObject) or job.class_name != envelope.class_name:
            raise UnreadableMessage(f"the command is {_class_of(job)}, its envelope says {envelope.class_name}")
        data, callbacks = job.find("taskData"), job.entries.get("chainCatchCallbacks")
        return cls(
            class_name=job.class_name,
            task_data=data.entries if isinstance(data, PhpArray) else {},
            encrypted=encrypted,
            queue=_text_or_none(job, "queue"),
            delay=job.find("delay"),
            chained=_chained(job),
            chain_queue=_text_or_none(job, "chainQueue"),
            chain_connection=_text_or_none(job, "chainConnection"),
            chain_catch_callbacks=None if callbacks is None else job.raw("chainCatchCallbacks"),
            batch_id=_text_or_none(job, "batchId") or envelope.batch_id,
            context=envelope.context,
            key=keys[0] if encrypted else None,
        )

    @property
    def image_id(self) -> int:
        """The image that the job is about; a form's post sends it as a text of digits.

        Raises:
            UnreadableMessage: there is none, or it is no id.
        """
        found = self.task_data.get("image_id")
        if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= len(str(_HIGHEST_ID)):
            found = int(found)
        if isinstance(found, int) and not isinstance(found, bool) and 0 < found <= _HIGHEST_ID:
            return found
        raise UnreadableMessage(f"the job's image_id is {_shown(found)}, needed is a number from 1")

    @property
    def dedup_key(self) -> bytes:
        """The 16 bytes under which the app notes in `queues` that the job is queued already.

        They are PHP's `md5(json_encode(['class' => class] + $taskData))`; data that `json_encode` refuses (an infinite
        number, text that is not UTF-8) has the md5 of nothing, as there.

        Raises:
            UnreadableMessage: the data holds an object, and only its class knows how its JSON looks.
        """
        try:
            others = {_utf8(key): _json(value) for key, value in self.task_data.items() if key != "class"}
            written = php_json.dumps({"class": self.class_name, **others})
        except ValueError:
            written = ""
        return hashlib.md5(written.encode(), usedforsecurity=False).digest()


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > _LONGEST_BODY:
        raise UnreadableMessage(f"found a body of {len(body)} bytes, read are at most {_LONGEST_BODY}")
    try:
        payload = json.loads(body.decode(), parse_constant=_no_number)
        json.dumps(payload, ensure_ascii=False).encode()  # refuses halves of characters, as PHP does
    except UnicodeDecodeError as error:
        raise UnreadableMessage(f"the body is not UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableMessage(f"the body is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise UnreadableMessage(f"the body is {_shown(payload)}, needed is an object")
    return payload


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"found {word}")


def _shown(value: object) -> str:
    return "missing" if value is None else repr(value)[:60]


def _text(data: Mapping[str, Any], name: str) -> str:
    text = data.get(name)
    if not isinstance(text, str) or not text:
        raise UnreadableMessage(f"the payload's {name} is {_shown(text)}, needed is a text")
    return text


def _id(data: Mapping[str, Any], name: str) -> str | None:
    if data.get(name) is None:
        return None
    text = _text(data, name)
    if len(text.encode()) > _LONGEST_ID:
        raise UnreadableMessage(f"the payload's {name} is longer than {_LONGEST_ID} bytes")
    return text


def _unique_key(context: object, class_name: str) -> str | None:
    """The lock's key, which Laravel hides in the context, where it also leaves the key of a chain's earlier job."""
    hidden = context.get("hidden") if isinstance(context, dict) else None
    key = hidden.get(UNIQUE_KEY) if isinstance(hidden, dict) else None
    try:
        value = serialized.read(key.encode()) if isinstance(key, str) else None
    except UnreadableMessage:
        return None
    owner = value.split(":")[1] if isinstance(value, str) and ":" in value else ""
    return str(value) if owner == class_name or re.fullmatch("[0-9a-f]{32}", owner) else None


def _decrypted(command: bytes, keys: Sequence[bytes]) -> bytes:
    """The serialized job; Laravel encrypts the serialization of that text."""
    text = serialized.read(encryption.decrypt(command.decode(), keys))
    if not isinstance(text, str):
        raise UnreadableMessage(f"the decrypted command is {_class_of(text)}, needed is a serialized job as a text")
    return text.encode("utf-8", "surrogateescape")


def _class_of(value: Value) -> str:
    return value.class_name if isinstance(value, PhpObject) else type(value).__name__


def _text_or_none(job: PhpObject, name: str) -> str | None:
    value = job.find(name)
    return value if value and isinstance(value, str) else None


def _chained(job: PhpObject) -> tuple[bytes, ...]:
    chained = job.find("chained")
    jobs = chained.entries.values() if isinstance(chained, PhpArray) else ()
    if (chained is not None and not isinstance(chained, PhpArray)) or not all(isinstance(one, str) for one in jobs):
        raise UnreadableMessage("the job's chained is no list of serialized jobs")
    return tuple(str(one).encode("utf-8", "surrogateescape") for one in jobs)


def _utf8(text: Key) -> str:
    """The text itself, which must be UTF-8: bytes that are not stand in it as lone surrogates."""
    return str(text).encode().decode()


def _json(value: Value) -> Json:
    if isinstance(value, str):
        return _utf8(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, PhpArray):
        raise UnreadableMessage(f"the job's data holds {type(value).__name__}, whose JSON only its class knows")
    if list(value.entries) == list(range(len(value.entries))):
        return [_json(entry) for entry in value.entries.values()]
    return {_utf8(key): _json(entry) for key, entry in value.entries.items()}
