from __future__ import annotations

from pathlib import Path

import pytest

from faces.laravel import app_settings
from worker.laravel.folder_cache import FolderCache
from worker.laravel.orders import Orders


@pytest.fixture
def values(tmp_path: Path) -> FolderCache:
    return FolderCache(tmp_path / "cache")


def orders_of(values: FolderCache, folder: Path, **variables: str) -> Orders:
    (folder / ".env").touch()
    return Orders(values, app_settings.load({"LARAVEL_ENV_FILE": str(folder / ".env"), **variables}))


def test_a_restart_that_was_given_before_we_started_is_not_ours(values: FolderCache, tmp_path: Path) -> None:
    values.put("illuminate:queue:restart", b"i:1;", 60)
    orders = orders_of(values, tmp_path)
    assert [orders.should_restart(), orders.should_restart()] == [False, False]


@pytest.mark.parametrize("before", [None, b"i:1;"])
def test_a_restart_since_then_is(values: FolderCache, tmp_path: Path, before: bytes | None) -> None:
    if before:
        values.put("illuminate:queue:restart", before, 60)
    orders = orders_of(values, tmp_path)
    orders.should_restart()
    values.put("illuminate:queue:restart", b"i:2;", 60)
    assert orders.should_restart()


def test_a_queue_is_paused_until_it_is_resumed(values: FolderCache, tmp_path: Path) -> None:
    orders = orders_of(values, tmp_path)
    values.put("illuminate:queue:paused:rabbitmq:faces", b"b:1;", 60)
    assert orders.is_paused("rabbitmq", "faces")
    assert not orders.is_paused("rabbitmq", "images")
    assert orders.paused(["images", "faces"]) == ("faces",)
    values.forget("illuminate:queue:paused:rabbitmq:faces")
    assert orders.paused(["images", "faces"]) == ()


def test_an_app_that_is_down_by_its_file_lets_us_wait(values: FolderCache, tmp_path: Path) -> None:
    orders = orders_of(values, tmp_path)
    assert not orders.is_down()
    (tmp_path / "storage/framework").mkdir(parents=True)
    (tmp_path / "storage/framework/down").write_text("{}")
    assert orders.is_down()


def test_an_app_that_is_down_by_its_cache_lets_us_wait(values: FolderCache, tmp_path: Path) -> None:
    orders = orders_of(values, tmp_path, APP_MAINTENANCE_DRIVER="cache")
    assert not orders.is_down()
    values.put("illuminate:foundation:down", b"a:0:{}", 60)
    assert orders.is_down()
