from __future__ import annotations

from typing import Any

import pytest

from faces.errors import UnreadableMessage
from faces.settings import load
from worker.laravel.limits import JobLimits, Limits

NOW = 1_800_000_000.0


def limits(**said: Any) -> Limits:
    return Limits.of(JobLimits(**said), load())


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
    said = JobLimits.of({"maxTries": "3", "timeout": 2**62, "delay": -5, "retryUntil": 1893553445.5})
    assert said == JobLimits(max_tries=3, timeout=10**9, delay=0, retry_until=1893553445.5)


@pytest.mark.parametrize("value", [True, [], {}, "3x", "1e5", 1e999, 10**400, float("nan")])
@pytest.mark.parametrize("name", ["maxTries", "maxExceptions", "delay", "timeout", "retryUntil"])
def test_what_is_no_number_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(UnreadableMessage, match=f"the payload's {name} is .*, needed is a number or null"):
        JobLimits.of({name: value})


@pytest.mark.parametrize("value", [True, {"a": 1}])
def test_what_is_no_list_of_waits_is_refused(value: Any) -> None:
    with pytest.raises(UnreadableMessage, match="the payload's backoff is"):
        JobLimits.of({"backoff": value})


def test_what_the_message_does_not_say_the_settings_say() -> None:
    assert limits() == Limits(tries=3, backoff=(10, 60, 300), timeout=360)
    said = limits(max_tries=5, backoff=(1, 2), timeout=120, retry_until=7, max_exceptions=2, fail_on_timeout=True)
    assert said == Limits(5, (1, 2), 120, retry_until=7, max_exceptions=2, fail_on_timeout=True)


def test_a_job_without_a_backoff_uses_its_delay_as_laravel_does() -> None:
    assert limits(delay=7).backoff == (7,)
    assert limits(delay=7, backoff=(3,)).backoff == (3,)
    assert limits(backoff=(0,)).delay_after(1) == 0


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 10), (2, 60), (3, 300), (4, 300), (99, 300)])
def test_the_last_pause_of_the_list_stays(attempt: int, seconds: int) -> None:
    assert limits().delay_after(attempt) == seconds


@pytest.mark.parametrize(("tries", "attempt", "forbidden", "spent"), [
    (3, 2, False, False), (3, 3, False, True), (3, 4, True, True), (1, 1, False, True), (0, 99, False, False),
])  # fmt: skip
def test_tries_are_counted_as_laravel_counts_them(tries: int, attempt: int, forbidden: bool, spent: bool) -> None:
    one = limits(max_tries=tries)
    assert one.forbid(attempt, NOW) == forbidden
    assert one.are_spent(attempt, NOW, exceptions=attempt) == spent


@pytest.mark.parametrize(
    ("until", "forbidden", "spent"), [(NOW + 1, False, False), (NOW, False, True), (NOW - 1, True, True)]
)
def test_a_moment_to_retry_until_replaces_the_tries(until: float, forbidden: bool, spent: bool) -> None:
    one = limits(retry_until=until, max_tries=1)
    assert one.forbid(9, NOW) == forbidden
    assert one.are_spent(9, NOW, exceptions=9) == spent


def test_too_many_exceptions_end_a_job_before_its_tries() -> None:
    one = limits(max_tries=9, max_exceptions=2)
    assert [one.are_spent(attempt, NOW, exceptions=attempt) for attempt in (1, 2)] == [False, True]
    assert limits(retry_until=NOW + 9, max_exceptions=1).are_spent(1, NOW, exceptions=1)
