"""How RabbitMQ is, for `status`, its metrics and a person: the report, and what it says of single queues."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BrokerReport:
    """The connection at one moment; `since` is Unix seconds."""

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


class Troubles:
    """The queues that nothing can be taken from now, and why: logged once, and not looked at all the time.

    Those of one connection. Belongs to the event loop; only `missing` and `refused` may be read by other threads.
    """

    def __init__(self) -> None:
        self.missing: tuple[str, ...] = ()
        self.refused: str | None = None
        """In RabbitMQ's own words."""
        self._refusals: dict[str, str] = {}
        self._put_off: dict[str, float] = {}

    def put_off(self, queue: str) -> bool:
        """Whether it is too early to look at the queue again."""
        return time.monotonic() < self._put_off.get(queue, 0)

    def has_refused(self, queue: str) -> bool:
        """Whether the last attempt to take something from the queue was refused."""
        return queue in self._refusals

    def is_missing(self, queue: str, seconds: float) -> None:
        """There is no such queue; it is looked for again after so many seconds."""
        if queue not in self.missing:
            log.warning("found no queue %s, waiting for the app to create it with its next job", queue)
            self.missing = (*self.missing, queue)
        self.is_open(queue)
        self._put_off[queue] = time.monotonic() + seconds

    def is_there(self, queue: str) -> None:
        """The queue was found."""
        self._put_off.pop(queue, None)
        if queue in self.missing:
            log.info("the queue %s is there", queue)
            self.missing = tuple(one for one in self.missing if one != queue)

    def is_refused(self, queue: str, why: str, seconds: float) -> None:
        """RabbitMQ lets nothing be taken from the queue; it is asked again after so many seconds."""
        if self._refusals.get(queue) != why:
            log.warning("%s", why)
        self._refusals[queue] = why
        self._put_off[queue] = time.monotonic() + seconds
        self._summarize()

    def is_open(self, queue: str) -> None:
        """Nothing is refused there: it was taken from, or would have been if there were a message in it."""
        if self._refusals.pop(queue, None) is not None:
            self._summarize()

    def _summarize(self) -> None:
        self.refused = "; ".join(self._refusals.values()) or None
