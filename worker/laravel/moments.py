"""Delays and moments as PHP serializes them in a job: seconds, a DateTime or Carbon, a DateInterval."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from faces.errors import UnreadableMessage
from worker.laravel.serialized import PhpObject, Value

#: `timezone_type` of a DateTime whose `timezone` is an offset such as +02:00.
_OFFSET = 1


def seconds_until(delay: Value, now: int) -> int:
    """The whole seconds that a job's `delay` asks to wait from `now` (Unix time), as Laravel counts them; 0 for none.

    Raises:
        UnreadableMessage: it is no delay.
    """
    if delay is None:
        return 0
    if isinstance(delay, int):
        return max(0, delay)
    if isinstance(delay, PhpObject) and "invert" in delay.entries:
        return max(0, math.floor((_after(delay, now) - _utc(now)).total_seconds()))
    return max(0, math.floor(timestamp(delay)) - now)


def timestamp(moment: Value) -> float:
    """The Unix time of a DateTime or Carbon.

    Raises:
        UnreadableMessage: it is none, or in a time zone that this machine does not know.
    """
    if not isinstance(moment, PhpObject) or "date" not in moment.entries:
        raise UnreadableMessage(f"found {type(moment).__name__}, needed is a moment or a number of seconds")
    try:
        kept = datetime.strptime(str(moment.entries["date"]), "%Y-%m-%d %H:%M:%S.%f")
        return kept.replace(tzinfo=_zone(moment)).timestamp()
    except (ValueError, KeyError, OverflowError, OSError) as error:
        raise UnreadableMessage(f"found a moment that cannot be read: {error}") from error


def _zone(moment: PhpObject) -> tzinfo:
    name = str(moment.entries.get("timezone"))
    if moment.entries.get("timezone_type") == _OFFSET:
        return datetime.strptime(name, "%z").tzinfo or timezone.utc
    return ZoneInfo(name)


def _utc(now: int) -> datetime:
    return datetime.fromtimestamp(now, timezone.utc)


def _after(interval: PhpObject, now: int) -> datetime:
    """The moment an interval after now; a day that its month lacks runs over into the next, as in PHP."""
    sign = -1 if interval.entries.get("invert") else 1
    part: dict[str, Any] = {name: interval.entries.get(name) for name in "ymdhis"}
    try:
        start, years, months = _utc(now), *(sign * part.pop(name) for name in "ym")
        year, month = divmod(start.year * 12 + start.month - 1 + 12 * years + months, 12)
        days, hours, minutes, seconds = part.values()
        span = sign * timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return start.replace(year=year, month=month + 1, day=1) + timedelta(days=start.day - 1) + span
    except (TypeError, ValueError, OverflowError) as error:
        raise UnreadableMessage(f"found an interval that cannot be read: {error}") from error
