"""A message as RabbitMQ handed it over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pika.spec import BasicProperties


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that is ours until it is acked, rejected or given back, or its channel goes."""

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
        """The headers; empty where there are none."""
        return self.properties.headers or {}

    @property
    def correlation_id(self) -> str | None:
        """What Laravel sets to the payload's `id`."""
        found: str | None = self.properties.correlation_id
        return found

    @property
    def priority(self) -> int | None:
        """The message's priority, where it has one."""
        found: int | None = self.properties.priority
        return found

    @property
    def times_returned(self) -> int:
        """How often a quorum queue has taken it back; 0 in a classic queue, which does not count.

        Later RabbitMQs of 4 count what failed apart from what was merely handed out.
        """
        counts = (self.headers.get("x-delivery-count"), self.headers.get("x-acquired-count"))
        return max((count for count in counts if isinstance(count, int)), default=0)
