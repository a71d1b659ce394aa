"""Where a delivery waits for the job's thread: between the connection that took it and the one who asks for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from worker.amqp.delivery import Delivery


class Inbox:
    """Belongs to the event loop. Outlives connections; whoever takes a delivery out asks whether it is still ours."""

    def __init__(self) -> None:
        self.hungry = asyncio.Event()
        """Set while somebody waits for a delivery and there is none."""
        self._arrived = asyncio.Event()
        self._deliveries: deque[Delivery] = deque()

    def put(self, delivery: Delivery) -> None:
        """A delivery has come."""
        self._deliveries.append(delivery)
        self.hungry.clear()
        self._arrived.set()

    async def take(self, seconds: float) -> Delivery | None:
        """The oldest delivery, waited for so long; None where there is none."""
        if not self._deliveries:
            self._arrived.clear()
            self.hungry.set()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), max(seconds, 0))
            self.hungry.clear()
        return self._deliveries.popleft() if self._deliveries else None

    def empty(self) -> list[Delivery]:
        """All that nobody took."""
        left = list(self._deliveries)
        self._deliveries.clear()
        return left
