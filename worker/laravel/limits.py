"""How often a job is tried and when: what its payload says, and the worker's settings where it says nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faces.errors import UnreadableMessage
from faces.settings import Settings

#: Seconds that stand for "for ever": thirty years, which every clock and timer can still hold.
_LONGEST = 10**9


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What the class says of tries, waits and times; None where it leaves that to the worker. Seconds throughout."""

    max_tries: int | None = None
    max_exceptions: int | None = None
    fail_on_timeout: bool = False
    backoff: tuple[int, ...] | None = None  #: the wait after each attempt; the last one serves all later ones
    delay: int | None = None  #: the wait of a payload without `backoff`
    timeout: int | None = None
    retry_until: float | None = None  #: Unix time

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> JobLimits:
        """Read them from a payload.

        Raises:
            UnreadableMessage: one of them is no number.
        """
        tries, exceptions = _integer(payload, "maxTries"), _integer(payload, "maxExceptions")
        backoff = _backoff(payload.get("backoff"))
        delay, timeout = _integer(payload, "delay"), _integer(payload, "timeout")
        return cls(
            max_tries=tries,
            max_exceptions=exceptions,
            fail_on_timeout=bool(payload.get("failOnTimeout")),
            backoff=backoff,
            delay=None if delay is None else min(max(0, delay), _LONGEST),
            timeout=None if timeout is None else min(max(0, timeout), _LONGEST),
            retry_until=_number(payload, "retryUntil"),
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """A job's limits as Laravel's worker reads them; attempts count from 1, times are Unix seconds."""

    tries: int
    """0: no limit."""
    backoff: tuple[int, ...]
    """Seconds before the second attempt, the third …; the last one holds for all further ones."""
    timeout: float
    """Seconds for the work itself; waiting for the lock is not counted."""
    retry_until: float | None = None
    max_exceptions: int | None = None
    fail_on_timeout: bool = False

    @classmethod
    def of(cls, said: JobLimits, settings: Settings) -> Limits:
        """What the message says, else the settings."""
        delay = None if said.delay is None else (said.delay,)
        return cls(
            tries=settings.worker_tries if said.max_tries is None else said.max_tries,
            backoff=said.backoff or delay or settings.worker_backoff,
            timeout=said.timeout or settings.worker_timeout,
            retry_until=said.retry_until or None,
            max_exceptions=said.max_exceptions or None,
            fail_on_timeout=said.fail_on_timeout,
        )

    def forbid(self, attempt: int, now: float) -> bool:
        """Whether this attempt may not even begin; a moment to retry until replaces the number of tries."""
        if self.retry_until is not None:
            return now > self.retry_until
        return 0 < self.tries < attempt

    def are_spent(self, attempt: int, now: float, exceptions: int) -> bool:
        """Whether an attempt that ended in an error was the last; `exceptions` counts all of the job's errors."""
        if self.max_exceptions is not None and exceptions >= self.max_exceptions:
            return True
        if self.retry_until is not None:
            return now >= self.retry_until
        return 0 < self.tries <= attempt

    def delay_after(self, attempt: int) -> int:
        """Seconds until the next attempt."""
        return self.backoff[min(attempt, len(self.backoff)) - 1] if self.backoff else 0

    def attempt_of(self, attempt: int) -> str:
        """Words for a person: which attempt of how many."""
        return f"attempt {attempt} of {self.tries}" if self.tries and self.retry_until is None else f"attempt {attempt}"


def _number(payload: Mapping[str, Any], name: str) -> float | None:
    """A number, or a text that is one: a class may say `$tries = "3"`."""
    value = payload.get(name)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", value):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    if value is None:
        return None
    raise UnreadableMessage(f"the payload's {name} is {repr(value)[:60]}, needed is a number or null")


def _integer(payload: Mapping[str, Any], name: str) -> int | None:
    number = _number(payload, name)
    return None if number is None else int(number)


def _backoff(value: Any) -> tuple[int, ...] | None:
    """The waits; a text is a list, read as PHP's `explode(",", …)` and `(int)` do."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | list):
        raise UnreadableMessage(f"the payload's backoff is {repr(value)[:60]}, needed is a number or a list of them")
    waits = value if isinstance(value, list) else str(value).split(",")
    return tuple(min(_leading_number(str(wait)), _LONGEST) for wait in waits) or (0,)


def _leading_number(text: str) -> int:
    """The number that a text begins with, else 0; less than 0 waits no shorter than 0."""
    number = re.match(r"\s*\+?([0-9]{1,15})", text)
    return int(number[1]) if number else 0
