"""A message: as RabbitMQ hands it over, with its properties byte for byte, and the properties of what we publish."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pika.exceptions import AMQPError
from pika.frame import Header
from pika.spec import FRAME_END, FRAME_HEADER, BasicProperties

from faces.settings import QueueOptions

_PERSISTENT = 2

#: A priority is one byte.
_HIGHEST_PRIORITY = 255

#: Headers in which RabbitMQ counts the deliveries of this very copy, or by which it would route further copies.
_OF_THE_COPY = ("x-delivery-count", "x-acquired-count", "CC", "BCC")

#: All properties but `headers`, `user_id`, and `cluster_id`, which is unused.
_FIELDS = (
    *("content_type", "content_encoding", "delivery_mode", "priority", "correlation_id", "reply_to"),
    *("expiration", "message_id", "timestamp", "type", "app_id"),
)

#: Bytes of a frame before its payload (type, channel, size), and of a content header before its properties.
_FRAME_START = 7
_HEADER_START = 12

#: What pika raises on fields that it does not know or cannot express: NaN, years after 9999, other types.
_UNREADABLE = (AMQPError, ValueError, OverflowError, OSError, TypeError, struct.error, RecursionError)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that is ours until it is acked, rejected or given back, or its channel closes."""

    body: bytes = field(repr=False)
    queue: str
    """The queue that it was taken from."""
    redelivered: bool
    tag: int
    channel: int
    """Which of our channels it came on; a tag means nothing on another."""
    properties: BasicProperties = field(repr=False, compare=False)
    """Everything that came with it, for a copy that differs in nothing."""

    @property
    def headers(self) -> Mapping[str, Any]:
        """Empty where there are none."""
        return self.properties.headers or {}

    @property
    def correlation_id(self) -> str | None:
        """What Laravel sets to the payload's `id`."""
        found: str | None = self.properties.correlation_id
        return found

    @property
    def priority(self) -> int | None:
        """None where it has none."""
        found: int | None = self.properties.priority
        return found

    @property
    def times_returned(self) -> int:
        """How often a quorum queue has taken it back; 0 in a classic queue, which does not count.

        Later RabbitMQs of 4 count what failed apart from what was merely handed out.
        """
        counts = (self.headers.get("x-delivery-count"), self.headers.get("x-acquired-count"))
        return max((count for count in counts if isinstance(count, int)), default=0)


class ReceivedProperties(BasicProperties):  # type: ignore[misc] # pika's types are not published
    """Those of a delivery; without fields where pika cannot read them, so that no message can end the connection."""

    raw: bytes = b""
    """The bytes that came."""

    @classmethod
    def read(cls, raw: bytes) -> ReceivedProperties:
        """Read the bytes of a content header's properties."""
        properties = cls()
        try:
            properties.decode(raw)
        except _UNREADABLE:
            properties = cls()
        properties.raw = raw
        return properties


class SameProperties:
    """The bytes that came, to be published where pika wants properties: for a copy that differs in nothing."""

    INDEX = BasicProperties.INDEX

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def encode(self) -> list[bytes]:
        """What pika puts into the frame."""
        return [self._raw]


#: What is published with a message.
Properties: TypeAlias = BasicProperties | SameProperties


def content_header(buffer: bytes) -> tuple[int, Header] | None:
    """The content header at the start of what was received, and its length; None where there is no whole one."""
    if len(buffer) < _FRAME_START or buffer[0] != FRAME_HEADER:
        return None
    _, channel, size = struct.unpack_from(">BHL", buffer)
    end = _FRAME_START + size + 1
    if size < _HEADER_START or len(buffer) < end or buffer[end - 1] != FRAME_END:
        return None
    (body_size,) = struct.unpack_from(">Q", buffer, _FRAME_START + 4)
    raw = bytes(buffer[_FRAME_START + _HEADER_START : end - 1])
    return end, Header(channel, body_size, ReceivedProperties.read(raw))


def properties_of(
    correlation_id: str | None, attempts: int, priority: int | None, options: QueueOptions
) -> BasicProperties:
    """What Laravel's driver sends with a job; `priority` is the job's own, and precedes the counted one."""
    if priority is None and options.prioritize_delayed:
        priority = attempts
    return BasicProperties(
        content_type="application/json",
        delivery_mode=_PERSISTENT,
        correlation_id=correlation_id,
        priority=None if priority is None else min(max(priority, 0), _HIGHEST_PRIORITY),
        headers={"laravel": {"attempts": attempts}},
    )


def own_priority(delivery: Delivery, options: QueueOptions) -> int | None:
    """The priority that the job's class gave it; None where the driver counted attempts, or there is none."""
    if options.prioritize_delayed and delivery.priority == _attempts(delivery.headers):
        return None
    return delivery.priority


def copied(delivery: Delivery) -> Properties:
    """The same properties for another queue, byte for byte where nothing must stay behind.

    `user_id` must: RabbitMQ closes the channel when it is not the publisher's.
    """
    raw = getattr(delivery.properties, "raw", None)
    if raw and delivery.properties.user_id is None and not any(name in delivery.headers for name in _OF_THE_COPY):
        return SameProperties(raw)
    properties = BasicProperties(**{name: getattr(delivery.properties, name) for name in _FIELDS})
    headers = {name: value for name, value in delivery.headers.items() if name not in _OF_THE_COPY}
    properties.headers = headers or None
    return properties


def _attempts(headers: Mapping[str, Any]) -> int:
    laravel = headers.get("laravel")
    attempts = laravel.get("attempts") if isinstance(laravel, dict) else None
    return attempts if isinstance(attempts, int) else 0
