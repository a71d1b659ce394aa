"""Operators' orders to the workers, where Laravel leaves them: restart, pause, wait while the app is down."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from faces.laravel.app_settings import LaravelSettings
from worker.laravel.app_cache import Values

_log = logging.getLogger(__name__)

#: Laravel's keys.
RESTART = "illuminate:queue:restart"
_PAUSED = "illuminate:queue:paused"
_DOWN = "illuminate:foundation:down"

#: PHP's false: an order that was revoked by being overwritten.
_FALSE = b"b:0;"


class Orders:
    """Asked by the worker's loop between jobs, and read anew each time.

    Each method raises CacheUnavailable while the app's cache does not answer.
    """

    def __init__(self, values: Values, laravel: LaravelSettings) -> None:
        """Nothing is read before the first question."""
        self._values, self._laravel = values, laravel
        self._at_start: tuple[bytes | None] | None = None

    def should_restart(self) -> bool:
        """Whether `queue:restart` was given since the first time that this was asked."""
        restarted = self._values.get(RESTART)
        if self._at_start is None:
            self._at_start = (restarted,)
        return (restarted,) != self._at_start

    def is_paused(self, connection: str, queue: str) -> bool:
        """Whether `queue:pause connection:queue` holds."""
        return self._values.get(f"{_PAUSED}:{connection}:{queue}") not in {None, _FALSE}

    def is_down(self) -> bool:
        """Whether `php artisan down` holds."""
        if self._laravel.maintenance_in_cache:
            return self._values.get(_DOWN) is not None
        try:
            return self._laravel.storage is not None and (self._laravel.storage / "framework/down").exists()
        except OSError as error:
            # A folder that we may not look into tells nothing; jobs that find no photo there say so.
            _log.debug("whether the app is down cannot be seen: %s", error)
            return False

    def paused(self, queues: Sequence[str]) -> tuple[str, ...]:
        """Those of the queues that `queue:pause` has paused."""
        return tuple(queue for queue in queues if self.is_paused(self._laravel.connection_name, queue))
