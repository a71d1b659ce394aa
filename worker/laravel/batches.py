"""What a batch's row says in PHP's words: its `options`."""

from __future__ import annotations

from faces.errors import UnreadableMessage
from worker.laravel import serialized
from worker.laravel.serialized import PhpArray


def allows_failures(options: bytes) -> bool:
    """Whether the batch goes on when one of its jobs fails; what cannot be read does not say so."""
    try:
        read = serialized.read(options)
    except UnreadableMessage:
        return False
    return isinstance(read, PhpArray) and bool(read.entries.get("allowFailures"))
