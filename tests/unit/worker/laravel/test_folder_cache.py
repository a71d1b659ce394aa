from __future__ import annotations

import time
from pathlib import Path

import pytest

from faces.errors import CacheUnavailable, SettingsError
from worker.laravel.folder_cache import FolderCache


@pytest.fixture
def cache(tmp_path: Path) -> FolderCache:
    return FolderCache(tmp_path / "cache")


def test_a_value_is_kept_for_other_processes(cache: FolderCache, tmp_path: Path) -> None:
    cache.put("a:b/../c", b's:1:"\n";', 60)
    assert FolderCache(tmp_path / "cache").get("a:b/../c") == b's:1:"\n";'


def test_what_is_forgotten_or_was_never_there_is_nothing(cache: FolderCache) -> None:
    cache.put("a", b"i:1;", 60)
    cache.forget("a")
    cache.forget("b")
    assert cache.get("a") is None


def test_a_value_is_added_only_where_there_is_none(cache: FolderCache) -> None:
    assert [cache.add("a", b"i:1;", 60), cache.add("a", b"i:2;", 60)] == [True, False]
    assert cache.get("a") == b"i:1;"


def test_a_value_that_another_one_took_the_place_of_is_not_forgotten(cache: FolderCache) -> None:
    cache.put("a", b"i:1;", 60)
    cache.forget_this("a", b"i:2;")
    assert cache.get("a") == b"i:1;"
    cache.forget_this("a", b"i:1;")
    cache.forget_this("a", b"i:1;")
    assert cache.get("a") is None


def test_a_value_goes_with_its_time(cache: FolderCache, tmp_path: Path) -> None:
    cache.put("a", b"i:1;", 1)
    end = time.monotonic() + 10
    while cache.get("a") is not None:
        assert time.monotonic() < end
        time.sleep(0.05)
    FolderCache(tmp_path / "cache")
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["guard"]


def test_counting_goes_on_where_it_was(cache: FolderCache, tmp_path: Path) -> None:
    assert [cache.increment("a", 60), FolderCache(tmp_path / "cache").increment("a", 60)] == [1, 2]
    assert cache.get("a") == b"i:2;"


def test_a_folder_that_cannot_be_made_is_refused_by_the_settings_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="FACE_STATE_DIR"):
        FolderCache(tmp_path / "file/cache")


def test_a_folder_that_went_away_is_a_cache_that_is_away(cache: FolderCache, tmp_path: Path) -> None:
    (tmp_path / "cache/guard").unlink()
    (tmp_path / "cache").rmdir()
    with pytest.raises(CacheUnavailable):
        cache.put("a", b"i:1;", 60)
