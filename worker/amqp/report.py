"""How the connection to RabbitMQ is, for whoever asks: `status`, its metrics, and a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BrokerReport:
    """One moment of it; `since` is Unix seconds."""

    connected: bool
    since: float
    """Since when it is so, connected or not."""
    reason: str | None = None
    """Why it is not connected, in the broker's own words; None while it is."""
    blocked: str | None = None
    """Why RabbitMQ takes no messages from us though it is connected (an alarm), in its words; None while it does."""
    refused: str | None = None
    """Why nothing can be taken from a queue though it is connected, in its words; None while it can."""
    missing: tuple[str, ...] = ()
    """Queues that are not there."""
