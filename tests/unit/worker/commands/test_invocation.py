from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faces.errors import SettingsError
from faces.people.cohort import read_cohort
from faces.settings import load
from faces.store.database import Store
from tests.servers.app_schema import SQLITE_V2
from tests.servers.rows import Rows
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


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    """A new file of our own."""
    with closing(Store.open(f"sqlite:///{tmp_path}/own.db", create=True)) as store:
        yield store


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Store]:
    """An app's database, which has no tables of ours."""
    rows = Rows(f"sqlite:///{tmp_path}/app.db")
    for statement in SQLITE_V2:
        rows.run(statement)
    rows.close()
    with closing(Store.open(f"sqlite:///{tmp_path}/app.db")) as store:
        yield store


def test_new_files_of_our_own_link_by_calibrated_and_older_ones_as_before(own: Store, tmp_path: Path) -> None:
    assert invocation().match_rule(own) == "calibrated"
    rows = Rows(f"sqlite:///{tmp_path}/own.db")
    rows.run("UPDATE library SET match_rule = 'nearest'")
    rows.close()
    with closing(Store.open(f"sqlite:///{tmp_path}/own.db")) as older:
        assert invocation().match_rule(older) == "nearest"


def test_an_app_without_our_tables_links_the_nearest(apps: Store) -> None:
    assert invocation().match_rule(apps) == "nearest"


def test_the_setting_of_the_rule_wins_over_the_library(own: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_MATCH", "nearest")
    assert invocation().match_rule(own) == "nearest"


def test_calibrated_without_our_tables_is_refused(apps: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_MATCH", "calibrated")
    refusal = r"FACE_MATCH: found calibrated, .* has none: `worker tables --create` makes them"
    with pytest.raises(SettingsError, match=refusal):
        invocation().match_rule(apps)
    with pytest.raises(SettingsError, match=refusal), invocation().tools(apps):
        pass


def test_a_cohort_of_ones_own_is_read_and_a_wrong_one_refused_by_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invocation().cohort().version == read_cohort().version
    (tmp_path / "own.npz").write_text("a text")
    monkeypatch.setenv("FACE_COHORT", str(tmp_path / "own.npz"))
    with pytest.raises(SettingsError, match=r"FACE_COHORT: .*own\.npz: .*; script/cohort makes such a file"):
        invocation().cohort()
