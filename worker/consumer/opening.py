"""Opening what a worker needs, which may start before it: waits, says why, and can be told to stop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from faces.errors import Unavailable
from worker.consumer.stop import Stop

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds between two attempts.
_PAUSE = 2.0


class NotOpened(Exception):
    """The worker was told to stop before everything was there."""


def wait_for(what: str, opened: Callable[[], T], stop: Stop) -> T:
    """What `opened` gives, as soon as it does not raise Unavailable.

    Raises:
        NotOpened: told to stop before that.
        FacesError: all else that `opened` raises: waiting would not help.
    """
    said: str | None = None
    while not stop.is_set():
        try:
            return opened()
        except Unavailable as error:
            if str(error) != said:
                _log.warning("waiting for the %s: %s", what, error)
            said = str(error)
        stop.wait(_PAUSE)
    raise NotOpened
