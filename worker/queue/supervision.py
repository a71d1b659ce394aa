"""How the outside tells a worker to stop and sees what it does, from its first moment on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from faces.errors import Unavailable
from worker.queue.changes import Changes
from worker.queue.circuit import waited_for
from worker.queue.pulse import Pulse
from worker.queue.status import Status
from worker.queue.stop import Stop

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds between two attempts to open something.
_PAUSE = 2.0


class NotOpened(Exception):
    """The worker is to stop before everything was there."""


@dataclass(frozen=True, slots=True)
class Supervision:
    """Four ways between a worker's main thread and the outside, handed together to whatever runs for long.

    `stop` is the shutdown request, `pulse` tells systemd that the worker lives, `status` says what it does and waits
    for, `changes` notices that the app's settings or tables are no longer those of the start.
    """

    stop: Stop
    pulse: Pulse
    status: Status
    changes: Changes

    def wait_for(self, what: str, opened: Callable[[], T]) -> T:
        """What `opened` gives, as soon as it does not raise Unavailable; says meanwhile what is waited for and why.

        Raises:
            NotOpened: told to stop before that, or the settings changed meanwhile.
            FacesError: all else that `opened` raises: waiting would not help.
        """
        said: str | None = None
        while not self.stop.is_set():
            self.pulse.back_after(0)
            try:
                found = opened()
            except Unavailable as error:
                if str(error) != said:
                    _log.warning("waiting for the %s: %s", what, error)
                said = str(error)
                self.status.waiting(f"the {what}: {error}", waited_for(error, "start"))
                if reason := self.changes.reason_to_leave(refusing=True):
                    _log.warning("leaving, to be started anew: %s", reason)
                    raise NotOpened from error
            else:
                self.status.starting()
                return found
            self.stop.wait(_PAUSE)
        raise NotOpened
