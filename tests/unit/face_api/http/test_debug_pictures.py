"""What FACE_DEBUG_PICTURES makes of a request with `original_path`, before its photo is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from face_api.http.debug_pictures import NOT_ASKED, PicturePlace, PicturePlaces
from faces.errors import NoDiskForPicture, OutsideDisks
from faces.laravel.disks import Disks
from faces.settings import DebugPictures

ALL: tuple[DebugPictures, ...] = ("required", "best_effort", "off")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "dfotos"
    (root / "2024").mkdir(parents=True)
    (root / "taken").mkdir()
    (root / "taken/debug").touch()
    (root / "link").mkdir()
    (root / "link/debug").symlink_to(tmp_path)
    return root


def places(setting: DebugPictures, root: Path | None) -> PicturePlaces:
    return PicturePlaces(Disks.of({"dfotos": root, "away": root.parent / "away"} if root else {}), setting)


@pytest.mark.parametrize("setting", ALL)
@pytest.mark.parametrize("path", [None, ""])
def test_who_names_no_original_gets_no_picture_and_no_word_of_it(setting: DebugPictures, path: str | None) -> None:
    assert places(setting, None).place(path, None, "debug") == NOT_ASKED


@pytest.mark.parametrize("setting", ["required", "best_effort"])
def test_a_picture_with_a_place_gets_it_and_nothing_is_made_yet(setting: DebugPictures, root: Path) -> None:
    for path, directory in (("2024/a.jpg", root / "2024/debug"), ("new/2025/a.jpg", root / "new/2025/debug")):
        found = places(setting, root).place(path, "dfotos", "debug")
        assert found == PicturePlace(str(directory), "a.jpg", None)
    assert sorted(entry.name for entry in root.rglob("*")) == ["2024", "debug", "debug", "link", "taken"]


#: Each reason why a picture has no place: the request, and the sentence's beginning.
NO_PLACE: dict[str, tuple[dict[str, Any], str]] = {
    "below no root": ({"original_path": "/etc/a.jpg"}, "no debug picture: /etc/debug is not below a root of"),
    "a root that is not there": ({"original_path": "a.jpg", "original_disk": "away"}, "no debug picture: "),
    "a link off the disk": ({"original_path": "link/a.jpg", "original_disk": "dfotos"}, "no debug picture: "),
    "relative": ({"original_path": "a.jpg", "original_disk": "s3"}, "no debug picture: 'a.jpg' is relative, and 's3'"),
    "no folder": ({"original_path": "/a.jpg", "subdir": "."}, "no debug picture: image_debug_subdir is '.'"),
    "no file": ({"original_path": "/"}, "no debug picture: original_path is '/', need a file's path"),
}


@pytest.mark.parametrize("kind", NO_PLACE)
def test_a_picture_without_a_place_is_an_error_that_names_both_settings(root: Path, kind: str) -> None:
    fields, beginning = NO_PLACE[kind]
    request = {"original_disk": None, "subdir": "debug"} | fields
    with pytest.raises(NoDiskForPicture) as refused:
        places("required", root).place(**request)
    assert str(refused.value).startswith(beginning)
    assert "FACE_DISK_ROOTS" in str(refused.value)
    assert "FACE_DEBUG_PICTURES" in str(refused.value)
    found = places("best_effort", root).place(**request)
    assert found.directory is None
    assert str(found.warning).startswith(beginning)


def test_without_any_disk_it_is_an_error_too_and_best_effort_says_so() -> None:
    with pytest.raises(NoDiskForPicture, match="no debug picture: FACE_DISK_ROOTS names no disk; needed a disk"):
        places("required", None).place("/dfotos/a.jpg", None, "debug")
    found = places("best_effort", None).place("/dfotos/a.jpg", None, "debug")
    assert found.warning == "no debug picture: FACE_DISK_ROOTS names no disk"


def test_a_place_that_takes_no_file_is_an_error_at_once(root: Path) -> None:
    with pytest.raises(NoDiskForPicture, match="taken/debug was not written: Not a directory; needed a disk"):
        places("required", root).place("taken/a.jpg", "dfotos", "debug")
    # Whether it can be written is only found out by the picture itself.
    assert places("best_effort", root).place("taken/a.jpg", "dfotos", "debug").directory == str(root / "taken/debug")


def test_switched_off_none_is_written_anywhere_and_a_warning_says_so(root: Path) -> None:
    for path in ("/etc/a.jpg", str(root / "2024/a.jpg"), "/"):
        found = places("off", root).place(path, None, "debug")
        assert found == PicturePlace(None, "", "no debug picture: FACE_DEBUG_PICTURES is off")


@pytest.mark.parametrize("setting", ALL)
def test_a_path_that_leaves_its_folder_is_refused_whatever_is_set(setting: DebugPictures, root: Path) -> None:
    for disks in (root, None):
        with pytest.raises(OutsideDisks):
            places(setting, disks).place("/dfotos/../a.jpg", None, "debug")
