from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faces import settings
from faces.errors import SettingsError
from faces.laravel import app_settings
from faces.settings import Settings
from faces.store.database import Store
from worker.laravel.folder_cache import FolderCache
from worker.laravel.open_cache import OpenedCache, open_cache


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'faces.db'}", create=True)
    yield store
    store.close()


def opened(store: Store, given: Settings, **variables: str) -> OpenedCache:
    cache = open_cache(app_settings.load(variables).cache, store, given)
    store.close()
    return cache


@pytest.mark.parametrize("name", ["file", "array", "memcached", "dynamodb"])
def test_a_store_whose_locks_we_cannot_share_stops_the_start(store: Store, name: str) -> None:
    with pytest.raises(SettingsError, match=f"CACHE_STORE: found {name}, .* FACE_LOCK=none"):
        opened(store, settings.load(), CACHE_STORE=name)


def test_a_database_without_the_tables_stops_the_start(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"CACHE_STORE: found database, but no table cache and cache_locks in"):
        opened(store, settings.load())


@pytest.mark.parametrize("name", ["file", "database"])
def test_without_the_lock_values_are_kept_in_a_folder_of_ours(store: Store, name: str, tmp_path: Path) -> None:
    cache = opened(store, settings.load(lock="none", state_dir=tmp_path / "state"), CACHE_STORE=name)
    assert cache.locks is None
    assert isinstance(cache.values, FolderCache)
    assert (tmp_path / "state/cache").is_dir()
