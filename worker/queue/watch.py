"""Looks once a second how the connection to RabbitMQ is, whatever the main thread is busy with, and tells `status`."""

from __future__ import annotations

import threading
from collections.abc import Callable

from worker.amqp.report import BrokerReport

_SECONDS = 1.0


class Watch:
    """Begins at once and ends with `close`."""

    def __init__(self, look: Callable[[], BrokerReport], tell: Callable[[BrokerReport], None]) -> None:
        """Tell what a look gives."""
        self._look, self._tell = look, tell
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """The worker ends in order."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.is_set():
            self._tell(self._look())
            self._ended.wait(_SECONDS)
