from __future__ import annotations

import dataclasses
from pathlib import Path

from faces.system import env_file as face_env
from installer import first_settings
from installer.app import App
from installer.app_disks import FoundDisks
from installer.install_paths import Places
from installer.options import Options
from tests.unit.installer.test_checks import GOOD

EXAMPLE = (Path(__file__).resolve().parents[3] / "etc/face.env.example").read_text(encoding="utf-8")


def written(app: App | None, options: Options, cores: int = 4) -> dict[str, str]:
    machine = dataclasses.replace(GOOD, cores=cores)
    found = first_settings.values(machine, options, Places(), app)
    return face_env.parse(first_settings.filled(EXAMPLE, found).decode(), "face.env")


def test_without_an_app_only_the_state_has_a_place() -> None:
    assert written(None, Options()) == {"FACE_STATE_DIR": "/var/lib/face-sidecar"}


def test_the_apps_file_is_named_its_disks_are_listed_and_no_secret_is_copied(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    roots = {"local": tmp_path / "private", "gone": tmp_path / "gone"}
    app = App(tmp_path / ".env", {"DB_PASSWORD": "hidden"}, FoundDisks(roots))
    assert written(app, Options()) == {
        "FACE_STATE_DIR": "/var/lib/face-sidecar",
        "LARAVEL_ENV_FILE": f"{tmp_path}/.env",
        "FACE_DISK_ROOTS": f"local={tmp_path}/private",
    }


def test_processes_are_set_where_somebody_said_so_or_memory_is_short() -> None:
    assert written(None, Options(api_processes=3))["FACE_API_PROCESSES"] == "3"
    assert written(None, Options(), cores=32)["FACE_API_PROCESSES"] == "10"
