"""The properties of what we publish: as Laravel's driver sets them, or a copy of what came."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pika.spec import BasicProperties

from worker.amqp.delivery import Delivery
from worker.amqp.settings import QueueOptions

_PERSISTENT = 2

#: A priority is one byte.
_HIGHEST_PRIORITY = 255

#: Headers by which RabbitMQ speaks of this very copy, or would send a second one somewhere else.
_OF_THE_COPY = ("x-delivery-count", "x-acquired-count", "CC", "BCC")


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


def copied(delivery: Delivery) -> BasicProperties:
    """The same properties for another queue.

    `user_id` must be that of the publisher, else RabbitMQ closes the channel, so it stays behind.
    """
    properties = copy.copy(delivery.properties)
    properties.user_id = None
    headers = {name: value for name, value in delivery.headers.items() if name not in _OF_THE_COPY}
    properties.headers = headers or None
    return properties


def _attempts(headers: Mapping[str, Any]) -> int:
    laravel = headers.get("laravel")
    attempts = laravel.get("attempts") if isinstance(laravel, dict) else None
    return attempts if isinstance(attempts, int) else 0
