from __future__ import annotations

from datetime import datetime, timezone

import pytest

from faces.errors import UnreadableMessage
from worker.laravel.moments import seconds_until, timestamp
from worker.laravel.serialized import PhpArray, PhpObject, Value

#: 2026-01-31 12:00:00 UTC.
NOW = int(datetime(2026, 1, 31, 12, tzinfo=timezone.utc).timestamp())


def moment(date: str, kind: int = 3, zone: str = "UTC") -> PhpObject:
    return PhpObject({"date": date, "timezone_type": kind, "timezone": zone}, class_name="Carbon\\Carbon")


def interval(**parts: int) -> PhpObject:
    zero = dict.fromkeys("ymdhis", 0)
    return PhpObject({**zero, "f": 0.0, "invert": 0, "days": False, **parts}, class_name="DateInterval")


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        (None, 0),
        (60, 60),
        (-5, 0),
        (moment("2026-01-31 12:01:00.000000"), 60),
        (moment("2026-01-31 13:01:00.000000", zone="Europe/Berlin"), 60),
        (moment("2026-01-31 14:01:00.900000", 1, "+02:00"), 60),
        (moment("2026-01-31 12:01:00.000000", 2, "UTC"), 60),
        (moment("2026-01-31 11:59:00.000000"), 0),
        (interval(i=5, s=1), 301),
        (interval(d=1, h=1), 90_000),
        (interval(m=1), 31 * 86_400),  # February has no 31st: the 3rd of March
        (interval(y=1, m=11), 699 * 86_400),
        (interval(i=5, invert=1), 0),
    ],
)
def test_a_delay_is_counted_in_whole_seconds_from_now(delay: Value, seconds: int) -> None:
    assert seconds_until(delay, NOW) == seconds


@pytest.mark.parametrize(
    "delay",
    [
        "soon",
        1.5,
        PhpArray({"date": "x"}),
        PhpObject({}, class_name="Delay"),
        moment("yesterday"),
        moment("2026-01-31 12:00:00.000000", zone="Mars/Olympus"),
        moment("2026-01-31 12:00:00.000000", zone="../etc"),
        moment("2026-01-31 12:00:00.000000", 1, "two"),
        interval(y=99_999),
        PhpObject({"invert": 0}, class_name="DateInterval"),
        PhpObject({**interval().entries, "d": "many"}, class_name="DateInterval"),
        PhpObject({**interval().entries, "d": 10**30}, class_name="DateInterval"),
    ],
)
def test_what_is_no_delay_is_refused(delay: Value) -> None:
    with pytest.raises(UnreadableMessage, match="found"):
        seconds_until(delay, NOW)


def test_a_moment_has_a_unix_time() -> None:
    assert timestamp(moment("1970-01-01 00:00:01.500000")) == 1.5
