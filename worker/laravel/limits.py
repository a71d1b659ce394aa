"""The limits that a job's class sets for its retries, as the payload carries them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faces.errors import UnreadableMessage


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
            delay=_integer(payload, "delay"),
            timeout=_integer(payload, "timeout"),
            retry_until=_number(payload, "retryUntil"),
        )


def _number(payload: Mapping[str, Any], name: str) -> float | None:
    """A number, or a text that is one: a class may say `$tries = "3"`."""
    value = payload.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", value):
        return float(value)
    raise UnreadableMessage(f"the payload's {name} is {str(value)[:40]!r}, needed is a number or null")


def _integer(payload: Mapping[str, Any], name: str) -> int | None:
    number = _number(payload, name)
    return None if number is None else int(number)


def _backoff(value: Any) -> tuple[int, ...] | None:
    """The waits; a text is a list as `explode(",", …)` and `(int)` read it."""
    if value is None:
        return None
    waits = value if isinstance(value, list) else str(value).split(",")
    return tuple(max(0, _cast(str(wait))) for wait in waits) or (0,)


def _cast(text: str) -> int:
    """PHP's `(int)`: the number that a text begins with, else 0."""
    number = re.match(r"\s*([+-]?[0-9]{1,15})", text)
    return int(number[1]) if number else 0
