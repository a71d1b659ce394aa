"""What an upgrade asks of each disk before it changes anything. As root the kernel is asked, as the service's user."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from installer import checks, notes, pictures
from installer.app import App
from installer.app_disks import FoundDisks
from installer.face_env import FaceEnv
from installer.options import Options
from installer.sentence import Language
from installer.situation import Situation
from tests.unit.installer.situations import free_port, situation


@pytest.fixture
def disk(app_folder: Path) -> Path:
    """A disk of the app's that the service may write."""
    disk = app_folder / "photos"
    disk.mkdir()
    disk.chmod(0o777)
    return disk


def upgrade(tmp_path: Path, app: App | None, *, dry_run: bool = False, **variables: str) -> Situation:
    """A service of ours is there, with these settings."""
    settings = FaceEnv({"FACE_API_ADDRESS": f"127.0.0.1:{free_port()}"} | variables)
    return situation(tmp_path, options=Options(dry_run=dry_run), app=app, settings=settings, holds_ports=True)


def app_with(folder: Path, **disks: Path) -> App:
    (folder / ".env").touch()
    (folder / ".env").chmod(0o644)
    return App(folder / ".env", {}, FoundDisks(disks))


def said(sentences: Any) -> list[str]:
    return [Language().render(sentence) for sentence in sentences]


def refusals(at: Situation) -> list[str]:
    return said(pictures.refusals(at))


def everything(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def test_a_disk_that_takes_a_picture_is_left_as_it_was(tmp_path: Path, disk: Path, app_folder: Path) -> None:
    (disk / "2024/debug").mkdir(parents=True)
    (disk / "2024/debug").chmod(0o777)
    for app in (None, app_with(app_folder, photos=disk)):
        before = everything(disk)
        assert refusals(upgrade(tmp_path, app, FACE_DISK_ROOTS=f"photos={disk}")) == []
        assert everything(disk) == before


@pytest.mark.parametrize("app_is_known", [True, False])
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_disk_that_takes_none_stops_it_and_both_ways_out_are_named(
    tmp_path: Path, disk: Path, app_folder: Path, *, app_is_known: bool, dry_run: bool
) -> None:
    disk.chmod(0o555)
    app = app_with(app_folder, photos=disk) if app_is_known else None
    at = upgrade(tmp_path, app, dry_run=dry_run, FACE_DISK_ROOTS=f"photos={disk}")
    (sentence,) = refusals(at)
    assert sentence.startswith(
        f"disk photos: found that www-data cannot write a debug picture in {disk} (Permission denied), needed that"
    )
    assert "chgrp web and chmod 2775" in sentence
    assert f"FACE_DEBUG_PICTURES=best_effort in {at.places.env_file}" in sentence
    assert sentence in said(checks.refusals(at))
    assert everything(disk) == []


def test_photos_may_lie_in_folders_that_are_ours_below_a_root_that_is_not(tmp_path: Path, disk: Path) -> None:
    (disk / "2024/debug").mkdir(parents=True)
    (disk / "2024/debug").chmod(0o777)
    disk.chmod(0o555)
    at = upgrade(tmp_path, None, FACE_DISK_ROOTS=f"photos={disk}")
    assert refusals(at) == []
    (sentence,) = refusals(upgrade(tmp_path, None, FACE_DISK_ROOTS=f"photos={disk}", FACE_DEBUG_SUBDIR="drawn"))
    assert f"in {disk} (" in sentence


def test_a_disk_of_the_app_that_the_service_does_not_know_stops_it(
    tmp_path: Path, disk: Path, app_folder: Path
) -> None:
    app = app_with(app_folder, photos=disk, gone=app_folder / "gone")
    for roots in ("", f"other={app_folder}/photos-2"):
        (app_folder / "photos-2").mkdir(exist_ok=True)
        (app_folder / "photos-2").chmod(0o777)
        at = upgrade(tmp_path, app, FACE_DISK_ROOTS=roots)
        (sentence,) = refusals(at)
        assert sentence.startswith(
            f"disk photos: found no root of FACE_DISK_ROOTS above {disk}, needed photos={disk} there"
        )
    assert refusals(upgrade(tmp_path, app, FACE_DISK_ROOTS=f"all={app_folder}/")) != []
    app_folder.chmod(0o777)
    assert refusals(upgrade(tmp_path, app, FACE_DISK_ROOTS=f"all={app_folder}/")) == []


def test_a_disk_of_the_settings_whose_folder_is_away_stops_it(tmp_path: Path, disk: Path) -> None:
    at = upgrade(tmp_path, None, FACE_DISK_ROOTS=f"photos={disk},nas=/nowhere/nas")
    assert refusals(at) == [
        f"disk nas: found no folder /nowhere/nas, needed it, or FACE_DISK_ROOTS in {at.places.env_file} without it"
    ]


@pytest.mark.parametrize("setting", ["best_effort", "off"])
def test_where_pictures_are_not_required_nothing_is_asked(
    tmp_path: Path, disk: Path, app_folder: Path, setting: str
) -> None:
    disk.chmod(0o555)
    app = app_with(app_folder, photos=disk, other=app_folder)
    at = upgrade(tmp_path, app, FACE_DISK_ROOTS=f"photos={disk}", FACE_DEBUG_PICTURES=setting)
    assert refusals(at) == []


def test_a_first_install_and_settings_that_cannot_be_read_stop_nothing(
    tmp_path: Path, disk: Path, app_folder: Path
) -> None:
    disk.chmod(0o555)
    at = upgrade(tmp_path, app_with(app_folder, photos=disk), FACE_DISK_ROOTS=f"photos={disk}")
    first = dataclasses.replace(at, holds_ports=False)
    assert refusals(first) == []
    (note,) = said(notes.notes(first))
    assert "so that photos in it have no debug pictures and are refused: chgrp web" in note
    assert refusals(dataclasses.replace(at, settings=FaceEnv({}))) == []


def test_without_an_app_and_disks_a_note_says_what_is_refused(tmp_path: Path) -> None:
    for is_upgrade in (True, False):
        at = dataclasses.replace(upgrade(tmp_path, None), holds_ports=is_upgrade)
        assert refusals(at) == []
        assert said(notes.notes(at)) == [
            "FACE_DISK_ROOTS names no disk: photos that come with their place in an app (original_path) are refused "
            f"until it does, in {at.places.env_file}"
        ]
    assert said(notes.notes(upgrade(tmp_path, None, FACE_DEBUG_PICTURES="off"))) == []


def test_a_dry_run_says_what_it_does_not_try(tmp_path: Path, disk: Path) -> None:
    at = upgrade(tmp_path, None, dry_run=True, FACE_DISK_ROOTS=f"photos={disk}")
    assert refusals(at) == []
    assert said(notes.notes(at)) == [
        f"disk photos: before any change www-data writes a debug picture in {disk} and removes it; not tried: --dry-run"
    ]
    real = dataclasses.replace(at, options=Options())
    assert said(notes.notes(real)) == []
