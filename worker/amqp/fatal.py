"""What made RabbitMQ close the whole connection, so that it does not happen for ever."""

from __future__ import annotations

import time

from faces.errors import BrokerRefused

#: Seconds for which nothing more is published there; after them RabbitMQ may have been set up otherwise.
_SECONDS = 60.0

#: The first code that is an error of what was sent; below are the broker's own reasons, as its shutdown.
_FIRST_ERROR = 500


class Fatal:
    """Per queue that was published to. Outlives connections: the next one would only be lost to the same message."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._refusals: dict[str, tuple[float, str]] = {}

    def note(self, queue: str, code: int, why: str) -> None:
        """RabbitMQ closed the connection with this code while something was published to the queue."""
        if code >= _FIRST_ERROR:
            self._refusals[queue] = (time.monotonic() + _SECONDS, why)

    def require_none(self, queue: str) -> None:
        """Refuse to publish to a queue for which the connection was lost a moment ago.

        Raises:
            BrokerRefused: with the broker's words.
        """
        until, why = self._refusals.get(queue, (0.0, ""))
        if time.monotonic() < until:
            raise BrokerRefused(f"RabbitMQ closed the connection over what was published to {queue}: {why}")
        self._refusals.pop(queue, None)
