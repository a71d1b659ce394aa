from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from faces.errors import CacheUnavailable
from worker.laravel.folder_cache import FolderCache
from worker.laravel.lock_and_mark import CrashMarks


@pytest.fixture
def values(tmp_path: Path) -> FolderCache:
    return FolderCache(tmp_path / "cache")


def test_a_first_run_follows_no_crash(values: FolderCache) -> None:
    assert CrashMarks(values, "one").begin("job") == 0


def test_each_worker_that_ended_under_the_job_counts_once(values: FolderCache) -> None:
    assert [CrashMarks(values, name).begin("job") for name in ("one", "two", "three", "four")] == [0, 1, 2, 3]


def test_our_own_mark_is_no_crash(values: FolderCache) -> None:
    CrashMarks(values, "one").begin("job")
    marks = CrashMarks(values, "two")
    assert [marks.begin("job"), marks.begin("job")] == [1, 1]


def test_an_orderly_end_leaves_nothing(values: FolderCache) -> None:
    CrashMarks(values, "one").begin("job")
    marks = CrashMarks(values, "two")
    marks.begin("job")
    marks.end("job")
    assert CrashMarks(values, "three").begin("job") == 0


def test_another_job_is_not_to_blame(values: FolderCache) -> None:
    CrashMarks(values, "one").begin("job")
    assert CrashMarks(values, "two").begin("other") == 0


def test_the_mark_of_one_who_took_the_job_over_stays(values: FolderCache) -> None:
    first, second = CrashMarks(values, "one"), CrashMarks(values, "two")
    first.begin("job")
    second.begin("job")
    first.end("job")
    assert CrashMarks(values, "three").begin("job") == 2


def test_a_mark_that_could_not_be_removed_is_removed_first_thing_when_the_cache_is_back(
    values: FolderCache, tmp_path: Path
) -> None:
    marks = CrashMarks(values, "one")
    marks.begin("job")
    shutil.move(tmp_path / "cache", tmp_path / "away")
    (tmp_path / "cache").touch()
    marks.end("job")
    with pytest.raises(CacheUnavailable):
        marks.begin("other")
    (tmp_path / "cache").unlink()
    shutil.move(tmp_path / "away", tmp_path / "cache")
    marks.begin("other")
    assert CrashMarks(values, "two").begin("job") == 0


def test_a_value_that_is_no_mark_counts_nothing(values: FolderCache) -> None:
    values.put("face-crash:job", b"i:5;", 60)
    assert CrashMarks(values, "one").begin("job") == 0


def test_dropped_deliveries_are_counted_beside_until_the_job_is_settled(values: FolderCache) -> None:
    one, two = CrashMarks(values, "one"), CrashMarks(values, "two")
    one.count_dropped("job")
    two.begin("job")
    two.end("job")
    two.count_dropped("job")
    assert one.dropped("job") == 2
    assert one.dropped("other") == 0
    assert two.begin("job") == 0
    one.forget_dropped("job")
    assert two.dropped("job") == 0
