"""The two lines of a job's life in the log: its start, and what became of it with all that a person asks for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from faces.errors import FacesError
from worker.amqp.delivery import Delivery
from worker.queue.outcome import Done, Failed, Forward, Outcome, Release

#: Named for the reader of the log, who does not care where it is written.
_log = logging.getLogger("worker.job")


class JobLog:
    """Knows a job from its delivery to its end; `facts` go into JSON logs as fields, into text as `name=value`."""

    def __init__(self, delivery: Delivery, on_start: Callable[..., None]) -> None:
        """Begin to count the seconds; `on_start` hears the facts of a job that begins."""
        self._start, self._on_start = time.monotonic(), on_start
        self._started = False
        self._facts: dict[str, Any] = {"queue": delivery.queue}
        if delivery.redelivered:
            self._facts["redelivered"] = True

    def know(self, **facts: Any) -> None:
        """Remember what was learned of the job; None is nothing."""
        self._facts |= {name: value for name, value in facts.items() if value is not None}

    def started(self) -> None:
        """The first line; a job that waited for the world and begins again has only one."""
        self._on_start(**self._facts)
        if not self._started:
            _log.info("started", extra={"facts": dict(self._facts)})
        self._started = True

    def ended(self, outcome: Outcome) -> None:
        """The last line."""
        if isinstance(outcome, Done):
            self._say(logging.INFO, f"done: {outcome.note}" if outcome.note else "done")
        elif isinstance(outcome, Release):
            self._say(logging.WARNING, f"again in {outcome.delay} s: {outcome.reason}")
        elif isinstance(outcome, Failed):
            self._say(logging.ERROR, f"failed: {outcome.reason}")
        elif isinstance(outcome, Forward):
            self._say(logging.INFO, f"not ours, handed on to {outcome.queue}")

    def given_up(self) -> None:
        """The last line of a job that was left because somebody wanted the worker's end at once."""
        self._say(logging.WARNING, "given back: the worker was told twice to stop")

    def left_to_redelivery(self, error: FacesError) -> None:
        """The last line where the broker hands the job out again: its connection went."""
        self._say(logging.WARNING, f"left to the next delivery: {error}")

    def not_published(self, error: FacesError) -> None:
        """A line more where something that has to be published is not taken."""
        self._say(logging.WARNING, f"not published: {error}")

    def given_back(self, error: FacesError) -> None:
        """The last line where nothing at all of the job was taken."""
        self._say(logging.ERROR, f"given back: {error}")

    def _say(self, level: int, words: str) -> None:
        seconds = round(time.monotonic() - self._start, 2)
        _log.log(level, "%s", words, extra={"facts": self._facts | {"seconds": seconds}})
