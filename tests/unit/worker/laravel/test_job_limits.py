from __future__ import annotations

from typing import Any

import pytest

from faces.settings import load
from worker.laravel.limits import JobLimits, Limits

NOW = 1_800_000_000.0


def limits(**said: Any) -> Limits:
    return Limits.of(JobLimits(**said), load())


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
