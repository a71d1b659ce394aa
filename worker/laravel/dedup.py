"""The key under which the app notes in `queues` that a job is queued already."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from faces.errors import UnreadableMessage
from faces.laravel import php_json
from faces.laravel.php_json import Json
from worker.laravel.serialized import Key, PhpArray, Value


def key_of(class_name: str, task_data: Mapping[Key, Value]) -> bytes:
    """The 16 bytes of PHP's `md5(json_encode(['class' => class] + $taskData))`.

    Data that `json_encode` refuses (an infinite number, text that is not UTF-8) has the md5 of nothing, as in PHP.

    Raises:
        UnreadableMessage: the data holds an object, and only its class knows how its JSON looks.
    """
    try:
        others = {_text(key): _json(value) for key, value in task_data.items() if key != "class"}
        written = php_json.dumps({"class": class_name, **others})
    except ValueError:
        written = ""
    return hashlib.md5(written.encode(), usedforsecurity=False).digest()


def _text(text: Key) -> str:
    """The text itself, which must be UTF-8: bytes that are not stand in it as lone surrogates."""
    return str(text).encode().decode()


def _json(value: Value) -> Json:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, PhpArray):
        raise UnreadableMessage(f"the job's data holds {type(value).__name__}, whose JSON only its class knows")
    if list(value.entries) == list(range(len(value.entries))):
        return [_json(entry) for entry in value.entries.values()]
    return {_text(key): _json(entry) for key, entry in value.entries.items()}
