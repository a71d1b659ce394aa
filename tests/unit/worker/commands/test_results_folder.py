"""Results of one folder of photos are never mixed with another's, and nobody's own folder is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.errors import RequestError
from worker.commands.results_folder import claimed

ONE, OTHER = Path("/photos/Summer"), Path("/photos/Winter")


def leave(results: Path, photos: Path, name: str) -> list[str]:
    """A run that leaves a file; returns what it said."""
    said: list[str] = []
    with claimed(results, photos, said.append):
        (results / name).write_text(name)
    return said


def test_a_second_run_over_the_same_photos_finds_the_results_of_the_first(tmp_path: Path) -> None:
    assert leave(tmp_path / "out", ONE, "first") == []
    assert leave(tmp_path / "out", ONE, "second") == []
    assert (tmp_path / "out/first").exists()


def test_results_of_other_photos_are_set_aside_and_come_back(tmp_path: Path) -> None:
    out = tmp_path / "out"
    leave(out, ONE, "one")
    said = leave(out, OTHER, "other")
    assert len(said) == 1
    assert "/photos/Summer" in said[0]
    assert not (out / "one").exists()
    leave(out, ONE, "again")
    assert sorted(file.name for file in out.iterdir()) == [".face-sidecar", "again", "one", "photos-of.txt"]
    leave(out, OTHER, "again")
    assert sorted(file.name for file in out.iterdir()) == [".face-sidecar", "again", "other", "photos-of.txt"]
    assert len(list(tmp_path.iterdir())) == 2


def test_folders_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for photos in (Path("/a/Summer"), Path("/b/Summer"), Path("/c/Summer"), Path("/")):
        leave(out, photos, "x")
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_that_is_no_results_folder_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(RequestError, match="not a folder of results: move it away"):
        leave(out, ONE, "x")
    assert [file.name for file in out.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_is_taken_and_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    leave(tmp_path / "out", ONE, "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="is a file"):
        leave(tmp_path / "file", ONE, "x")


@pytest.mark.parametrize("photos", [ONE, OTHER])
def test_two_demos_do_not_write_to_one_folder_at_a_time(tmp_path: Path, photos: Path) -> None:
    with (
        claimed(tmp_path / "out", ONE, lambda _: None),
        pytest.raises(RequestError, match="another demo is writing"),
        claimed(tmp_path / "out", photos, lambda _: None),
    ):
        raise AssertionError
    assert (tmp_path / "out").is_dir()


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be written"), claimed(tmp_path / "no/out", ONE, lambda _: None):
        raise AssertionError
