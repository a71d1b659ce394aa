from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from faces.errors import EngineError, FaceApiUnavailable, FacesError, StoreRefused
from worker.laravel.folder_cache import FolderCache
from worker.queue.evidence import Evidence, Verdict

REFUSED = StoreRefused("a trigger does not want this row")


class Clock:
    """A time that a test turns."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def values(tmp_path: Path) -> FolderCache:
    return FolderCache(tmp_path / "cache")


@pytest.fixture
def evidence(values: FolderCache, clock: Clock) -> Evidence:
    return Evidence(values, clock)


def api_failed() -> EngineError:
    error = EngineError("HTTP 500")
    error.of_the_api = True
    return error


def test_while_no_job_is_done_it_is_the_world_however_often(evidence: Evidence) -> None:
    refusals = [evidence.refused("job", REFUSED) for _ in range(6)]
    assert refusals == [Verdict(False, delay) for delay in (10, 60, 300, 300, 300, 300)]


def test_refused_three_times_while_another_was_done_a_job_is_refused_by_itself(evidence: Evidence) -> None:
    first = evidence.refused("job", REFUSED)
    evidence.done()
    later = [evidence.refused("job", REFUSED) for _ in range(2)]
    assert [refusal.counts_as_try for refusal in (first, *later)] == [False, False, True]


def test_what_was_done_before_its_first_refusal_tells_nothing(evidence: Evidence) -> None:
    evidence.done()
    assert not any(evidence.refused("job", REFUSED).counts_as_try for _ in range(5))


def test_two_that_are_to_blame_do_not_excuse_each_other(evidence: Evidence) -> None:
    for job in ("one", "two"):
        evidence.refused(job, REFUSED)
    evidence.done()
    first = [evidence.refused(job, REFUSED).counts_as_try for job in ("one", "two")]
    later = [evidence.refused(job, REFUSED).counts_as_try for job in ("one", "two", "one", "two")]
    assert first == [False, False]
    assert later == [False, True, True, True]


def test_once_it_is_refused_by_itself_each_refusal_is_a_try_until_a_new_one_is_refused_too(evidence: Evidence) -> None:
    for _ in range(2):
        evidence.refused("job", REFUSED)
    evidence.done()
    own = [evidence.refused("job", REFUSED).counts_as_try for _ in range(3)]
    evidence.refused("another", REFUSED)
    own += [evidence.refused("job", REFUSED).counts_as_try]
    evidence.done()
    assert [*own, evidence.refused("job", REFUSED).counts_as_try] == [True, True, True, False, True]


def test_the_api_s_word_that_it_takes_no_photos_is_never_a_job_s_own(evidence: Evidence) -> None:
    away = FaceApiUnavailable("503", answered=True)
    for _ in range(5):
        assert not evidence.refused("job", away).counts_as_try
        evidence.done()


def test_an_api_that_does_not_answer_to_one_photo_alone_may_be_ended_by_it(evidence: Evidence) -> None:
    for _ in range(2):
        evidence.refused("job", FaceApiUnavailable("does not answer any more"))
    evidence.done()
    assert evidence.refused("job", FaceApiUnavailable("does not answer any more")).counts_as_try


def test_workers_share_what_was_done_and_refused(values: FolderCache, clock: Clock) -> None:
    one, two, three = (Evidence(values, clock) for _ in range(3))
    one.refused("job", REFUSED)
    two.refused("job", REFUSED)
    three.done()
    three.share()
    assert one.refused("job", REFUSED).counts_as_try


def test_a_settled_job_begins_anew(evidence: Evidence) -> None:
    for _ in range(2):
        evidence.refused("job", REFUSED)
    evidence.settled("job", came_again=False)
    evidence.settled("another", came_again=False)
    evidence.done()
    assert evidence.refused("job", REFUSED) == Verdict(False, 10)


def test_what_another_worker_counted_is_forgotten_too(values: FolderCache, clock: Clock) -> None:
    one, two = Evidence(values, clock), Evidence(values, clock)
    one.refused("job", REFUSED)
    two.settled("job", came_again=False)
    assert values.get("face-refused:job")
    two.settled("job", came_again=True)
    assert values.get("face-refused:job") is None


def test_while_the_cache_does_not_answer_nothing_is_counted(
    evidence: Evidence, values: FolderCache, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").touch()
    assert [evidence.refused("job", REFUSED) for _ in range(5)] == [Verdict(False, 10)] * 5
    evidence.settled("job", came_again=True)


@pytest.mark.parametrize("nonsense", [b"i:5;", b's:3:"x:y";', b"\xff", b's:9:"3:nowhere";'])
def test_a_value_that_is_no_count_counts_nothing(evidence: Evidence, values: FolderCache, nonsense: bytes) -> None:
    values.put("face-refused:job", nonsense, 60)
    values.put("face-done", nonsense, 60)
    assert evidence.refused("job", REFUSED).delay in {10, 300}


def test_an_api_that_fails_over_three_photos_in_a_row_is_to_blame_for_ten_minutes(
    evidence: Evidence, clock: Clock
) -> None:
    assert [evidence.blames_api(job, api_failed()) for job in "aabc"] == [False, False, False, True]
    clock.now += 590
    assert evidence.blames_api("d", api_failed())
    clock.now += 20
    assert not evidence.blames_api("e", api_failed())
    evidence.done()
    assert [evidence.blames_api(job, api_failed()) for job in "abc"] == [False, False, True]


def test_a_photo_that_is_done_between_clears_the_api(evidence: Evidence) -> None:
    assert not any(evidence.blames_api(job, api_failed()) for job in "ab")
    evidence.done()
    assert not any(evidence.blames_api(job, api_failed()) for job in "cd")


@pytest.mark.parametrize("error", [EngineError("no answer at all"), REFUSED, RuntimeError("a fault of ours")])
def test_other_errors_say_nothing_of_the_api(evidence: Evidence, error: FacesError) -> None:
    assert not any(evidence.blames_api(job, error) for job in "abcdef")
