"""The properties of what we publish: as Laravel's driver sets them, or a copy of what came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pika.spec import BasicProperties

from worker.amqp.delivery import Delivery
from worker.amqp.properties import SameProperties
from worker.amqp.settings import QueueOptions

_PERSISTENT = 2

#: A priority is one byte.
_HIGHEST_PRIORITY = 255

#: Headers by which RabbitMQ speaks of this very copy, or would send a second one somewhere else.
_OF_THE_COPY = ("x-delivery-count", "x-acquired-count", "CC", "BCC")


#: All properties but `headers`, `user_id`, and `cluster_id`, which nobody uses.
_FIELDS = (
    *("content_type", "content_encoding", "delivery_mode", "priority", "correlation_id", "reply_to"),
    *("expiration", "message_id", "timestamp", "type", "app_id"),
)


def properties_of(
    correlation_id: str | None, attempts: int, priority: int | None, options: QueueOptions
) -> BasicProperties:
    """What the driver sends with a job; `priority` is the job's own, and goes before the counted one."""
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


def copied(delivery: Delivery) -> BasicProperties | SameProperties:
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
