"""Folders of known people as they are: with trash, thumbnails, and what cannot be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.errors import FileMissing, RequestError
from faces.sources.known_portraits import find_portraits, photo_file, photos_at

#: No system has a file of this name, and none even says that there is none.
TOO_LONG = "x" * 300


def people(folder: Path) -> list[str]:
    told: list[str] = []
    found = [portrait.name for portrait in find_portraits(folder, told.append)]
    assert told == []
    return found


@pytest.mark.parametrize("folder", ["#recycle", "@eaDir", "$RECYCLE.BIN", "lost+found", "old.photoslibrary"])
def test_what_no_scan_enters_is_no_person(tmp_path: Path, folder: str) -> None:
    for name in ("Ann.jpg", "Bob/1.jpg", f"{folder}/deep/1.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert people(tmp_path) == ["Ann", "Bob"]


def test_a_person_without_a_letter_is_told(tmp_path: Path) -> None:
    for name in ("Ann.jpg", " .jpg"):
        (tmp_path / name).touch()
    told: list[str] = []
    assert [portrait.name for portrait in find_portraits(tmp_path, told.append)] == ["Ann"]
    assert told == [f"{tmp_path}/ .jpg: found no letter in its name, needed a person's"]


def test_what_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    (tmp_path / "Ann.jpg").touch()
    (tmp_path / "Bob").symlink_to(TOO_LONG)
    told: list[str] = []
    assert [portrait.name for portrait in find_portraits(tmp_path, told.append)] == ["Ann"]
    assert told == [f"{tmp_path}/Bob: File name too long"]


def test_a_folder_that_cannot_be_looked_at_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read: File name too long"):
        find_portraits(tmp_path / TOO_LONG, pytest.fail)
    with pytest.raises(RequestError, match="found no folder"):
        find_portraits(tmp_path / "none", pytest.fail)


def test_a_portrait_that_cannot_be_looked_at_is_taken_for_a_file_which_is_then_missing(tmp_path: Path) -> None:
    (photo,) = photos_at(tmp_path / TOO_LONG, pytest.fail)
    with pytest.raises(FileMissing, match="File name too long"):
        photo_file(photo)
