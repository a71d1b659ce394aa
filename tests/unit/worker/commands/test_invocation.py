from __future__ import annotations

from pathlib import Path

import pytest

from faces.settings import load
from worker.commands.invocation import Invocation
from worker.commands.output import Output


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app's .env, named in the environment."""
    for name in ("FACE_DATABASE_URL", "FACE_API_URL", "DB_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / ".env"
    file.write_text(
        "DB_CONNECTION=mysql\nDB_HOST=db\nDB_DATABASE=photo\nDB_USERNAME=app\nDB_PASSWORD=secret\n"
        "FACE_API_URL=http://faces:5000\nCACHE_STORE=database\n"
    )
    monkeypatch.setenv("LARAVEL_ENV_FILE", str(file))
    return file


def invocation() -> Invocation:
    return Invocation(load(), Output(as_json=False))


def test_commands_find_the_apps_database_api_and_disks_by_its_env_file(env_file: Path) -> None:
    assert invocation().database_url.startswith("mysql+pymysql://app:secret@db")
    assert invocation().api_url == "http://faces:5000"
    assert invocation().disks.roots["public"] == env_file.parent / "storage/app/public"


def test_our_own_settings_win_over_the_apps(env_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_DATABASE_URL", "sqlite:///own.db")
    monkeypatch.setenv("FACE_API_URL", "http://own:1")
    monkeypatch.setenv("FACE_DISK_ROOTS", f"public={tmp_path}")
    assert invocation().database_url == "sqlite:///own.db"
    assert invocation().api_url == "http://own:1"
    assert invocation().disks.roots["public"] == tmp_path


def test_without_an_app_there_is_a_file_of_our_own(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LARAVEL_ENV_FILE")
    env_file.unlink()
    assert invocation().database_url == "sqlite:///faces.db"
    assert invocation().api_url is None
    assert invocation().disks.roots == {}


def test_the_apps_threshold_and_debug_folder_count_until_ours_are_set(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invocation().threshold == 0.6
    assert invocation().debug_subdir == "debug"
    with env_file.open("a") as file:
        file.write("FACE_RECOGNITION_THRESHOLD=0.45\nIMAGE_DEBUG_SUBDIR=drawn\n")
    assert invocation().linking.threshold == 0.45
    assert invocation().debug_subdir == "drawn"
    monkeypatch.setenv("FACE_THRESHOLD", "0.6")
    monkeypatch.setenv("FACE_DEBUG_SUBDIR", "debug")
    assert invocation().linking.threshold == 0.6
    assert invocation().debug_subdir == "debug"
    monkeypatch.delenv("LARAVEL_ENV_FILE")
    monkeypatch.delenv("FACE_THRESHOLD")
    assert invocation().threshold == 0.6
