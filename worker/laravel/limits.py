"""The limits that a job's class sets for its retries, as the payload carries them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faces.errors import UnreadableMessage

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
        return cls(
            max_tries=_integer(payload, "maxTries"),
            max_exceptions=_integer(payload, "maxExceptions"),
            fail_on_timeout=bool(payload.get("failOnTimeout")),
            backoff=_backoff(payload.get("backoff")),
            delay=_seconds(_integer(payload, "delay")),
            timeout=_seconds(_integer(payload, "timeout")),
            retry_until=_number(payload, "retryUntil"),
        )


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


def _seconds(number: int | None) -> int | None:
    return None if number is None else min(max(0, number), _LONGEST)


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
