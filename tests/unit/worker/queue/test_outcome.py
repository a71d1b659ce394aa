from __future__ import annotations

from dataclasses import replace

import pytest

from faces import errors
from worker.jobs.context import Done
from worker.laravel.limits import Limits
from worker.queue.outcome import LOCK_DELAY, Failed, Outcome, Refused, Release, outcome_of

NOW = 1_800_000_000.0
LIMITS = Limits(tries=3, backoff=(10, 60), timeout=360)


def outcome(error: Exception, attempt: int = 1, limits: Limits = LIMITS) -> Outcome:
    return outcome_of(error, attempt, limits, NOW, exceptions=attempt)


@pytest.mark.parametrize(
    "error",
    [
        errors.FaceApiUnavailable("refused", retry_after=7),
        errors.StoreUnavailable("away"),
        errors.CacheUnavailable("away"),
        errors.SchemaError("a column is gone"),
        errors.SettingsError("the time zone is gone"),
    ],
)
def test_the_world_being_away_costs_no_try(error: errors.FacesError) -> None:
    assert outcome(error, attempt=3) == Refused(error)


@pytest.mark.parametrize("error", [errors.StoreRefused("a trigger"), errors.SchemaError("a column is gone")])
def test_what_others_show_to_be_the_job_s_own_is_a_try(error: errors.FacesError) -> None:
    first = outcome_of(error, 1, LIMITS, NOW, 0, counts_as_try=True)
    last = outcome_of(error, 3, LIMITS, NOW, 0, counts_as_try=True)
    assert first == Release(10, attempts=1, reason=f"attempt 1 of 3: {error}")
    assert last == Failed(f"attempt 3 of 3: {error}")


@pytest.mark.parametrize("error", [errors.LockHeld("another worker has it"), errors.LockLost("it ran out")])
def test_a_lock_that_somebody_else_holds_costs_no_try(error: errors.FacesError) -> None:
    assert outcome(error, attempt=3) == Release(LOCK_DELAY, attempts=2, reason=str(error))


@pytest.mark.parametrize(
    "error",
    [
        errors.DamagedPhoto("cut off"),
        errors.CrashedBefore("twice"),
        errors.UnreadableMessage("not JSON"),
        errors.TriedTooOften("4 of 3"),
        errors.CrashedTooOften("3 workers"),
    ],
)
def test_the_photos_and_the_messages_fault_is_final(error: errors.FacesError) -> None:
    assert outcome(error) == Failed(f"attempt 1 of 3: {error}")


@pytest.mark.parametrize(
    "error",
    [
        errors.EngineError("HTTP 500"),
        errors.AnswerLost("cut", timed_out=True),
        errors.ImageMissing("not committed yet"),
        errors.FileMissing("not copied yet"),
        errors.OutsideDisks("no such disk"),
        RuntimeError("a fault of ours"),
    ],
)
def test_all_else_is_tried_again_until_the_last_attempt(error: Exception) -> None:
    assert outcome(error, 1) == Release(10, attempts=1, reason=f"attempt 1 of 3: {error}")
    assert outcome(error, 2) == Release(60, attempts=2, reason=f"attempt 2 of 3: {error}")
    assert outcome(error, 3) == Failed(f"attempt 3 of 3: {error}")


def test_a_job_that_must_not_time_out_fails_at_once() -> None:
    strict = replace(LIMITS, fail_on_timeout=True)
    assert isinstance(outcome(errors.AnswerLost("late", timed_out=True), limits=strict), Failed)
    assert isinstance(outcome(errors.AnswerLost("cut", timed_out=False), limits=strict), Release)


def test_an_answer_that_declined_is_done() -> None:
    assert outcome(errors.PhotoDeclined("CUDA_OOM")) == Done(note="declined: CUDA_OOM")
