from __future__ import annotations

from typing import Any

import pytest

from faces.errors import UnreadableMessage
from worker.laravel.limits import JobLimits


def test_a_class_that_says_nothing_leaves_everything_to_the_worker() -> None:
    assert JobLimits.of({"maxTries": None, "failOnTimeout": False, "backoff": None}) == JobLimits()


@pytest.mark.parametrize(
    ("written", "waits"),
    [
        ("10,30,60", (10, 30, 60)),
        (5, (5,)),
        ("0", (0,)),
        ("", (0,)),
        ([], (0,)),
        ([1, "2"], (1, 2)),
        (" 7,x,-3,1.9,99999999999", (7, 0, 0, 1, 10**9)),
    ],
)
def test_waits_are_read_as_php_reads_them(written: Any, waits: tuple[int, ...]) -> None:
    assert JobLimits.of({"backoff": written}).backoff == waits


def test_numbers_may_be_texts_and_waits_without_end_are_thirty_years() -> None:
    limits = JobLimits.of({"maxTries": "3", "timeout": 2**62, "delay": -5, "retryUntil": 1893553445.5})
    assert limits == JobLimits(max_tries=3, timeout=10**9, delay=0, retry_until=1893553445.5)


@pytest.mark.parametrize("value", [True, [], {}, "3x", "1e5", 1e999, 10**400, float("nan")])
@pytest.mark.parametrize("name", ["maxTries", "maxExceptions", "delay", "timeout", "retryUntil"])
def test_what_is_no_number_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(UnreadableMessage, match=f"the payload's {name} is .*, needed is a number or null"):
        JobLimits.of({name: value})


@pytest.mark.parametrize("value", [True, {"a": 1}])
def test_what_is_no_list_of_waits_is_refused(value: Any) -> None:
    with pytest.raises(UnreadableMessage, match="the payload's backoff is"):
        JobLimits.of({"backoff": value})
