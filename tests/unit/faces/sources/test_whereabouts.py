"""What can be said of a photo that is not where its row says."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from faces.sources.whereabouts import Presence, Whereabouts, _Listing


def presence(path: Path, inodes: dict[Path, int] | None = None) -> Presence:
    known = {str(folder): inode for folder, inode in (inodes or {}).items()}
    return Whereabouts(known).presence(str(path.parent), path.name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").touch()
    return folder


def test_a_file_is_there_or_gone(folder: Path) -> None:
    assert presence(folder / "a.jpg") is Presence.THERE
    assert presence(folder / "b.jpg") is Presence.GONE
    assert presence(folder / "below/deep/b.jpg") is Presence.GONE


def test_a_file_in_the_place_of_a_folder_says_that_the_folder_is_gone(folder: Path) -> None:
    assert presence(folder / "a.jpg/b.jpg") is Presence.GONE


def test_an_empty_folder_is_one_that_was_emptied_if_it_is_the_one_that_was_seen(folder: Path) -> None:
    inode = folder.stat().st_ino
    (folder / "a.jpg").unlink()
    assert presence(folder / "a.jpg", {folder: inode}) is Presence.EMPTIED
    assert presence(folder / "a.jpg", {folder: inode + 1}) is Presence.UNREACHABLE


def test_an_empty_folder_that_was_never_seen_may_have_been_emptied(folder: Path) -> None:
    (folder / "a.jpg").unlink()
    assert presence(folder / "below/a.jpg") is Presence.EMPTIED


def test_the_empty_place_of_a_folder_that_was_seen_is_no_proof(folder: Path) -> None:
    """An automounter removes the folder of a disk, and leaves the one above, in which photos were never seen."""
    (folder / "a.jpg").unlink()
    assert presence(folder / "disk/a.jpg", {folder / "disk": 2}) is Presence.UNREACHABLE


def test_a_folder_that_is_named_and_cannot_be_entered_is_unreachable(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("/mnt/not there")
    whereabouts = Whereabouts({})
    for name in ("loop", "dangling"):
        assert whereabouts.presence(str(folder / name), "b.jpg") is Presence.UNREACHABLE
    assert whereabouts.reason(str(folder / "loop"), "b.jpg").endswith("loop: Too many levels of symbolic links")


def test_the_reason_names_the_folder_that_is_empty(folder: Path) -> None:
    (folder / "a.jpg").unlink()
    assert Whereabouts({}).reason(str(folder / "below"), "b.jpg") == f"{folder} is empty now"


def test_a_name_that_a_folder_has_without_listing_it_is_there() -> None:
    """As an automounter does it, and Linux with its threads."""
    thread = threading.get_native_id()
    found: list[Presence] = []
    other = threading.Thread(target=lambda: found.append(presence(Path(f"/proc/{threading.get_native_id()}/status"))))
    other.start()
    other.join()
    assert Path(f"/proc/{thread}").exists()
    assert found == [Presence.THERE]


def test_another_spelling_of_a_listed_name_is_not_there(folder: Path) -> None:
    """Where a file system ignores case it opens the file by either name and lists one: a hard link stands for that."""
    (folder / "A.JPG").hardlink_to(folder / "a.jpg")
    listed = Whereabouts({}, {str(folder): _Listing(frozenset({"A.JPG"}))})
    assert listed.presence(str(folder), "A.JPG") is Presence.THERE
    assert listed.presence(str(folder), "a.jpg") is Presence.GONE
