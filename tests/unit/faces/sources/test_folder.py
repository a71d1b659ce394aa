import os
from pathlib import Path

import pytest

from faces.errors import RequestError
from faces.sources.folder import PhotoFile, Trouble, find_photos


def names(directory: Path) -> list[str]:
    return [one.name for one in find_photos(directory) if isinstance(one, PhotoFile)]


def troubles(directory: Path) -> list[Trouble]:
    return [one for one in find_photos(directory) if isinstance(one, Trouble)]


def test_photos_are_known_by_their_names_whatever_the_case(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.JPEG", "c.HeiC", "d.txt", "e", "f.mp4", "g.tiff"):
        (tmp_path / name).touch()
    assert names(tmp_path) == ["a.jpg", "b.JPEG", "c.HeiC", "g.tiff"]


def test_each_folders_photos_come_together_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b/1.jpg", "a/3.jpg", "z.jpg", "a/deep/0.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == ["z.jpg", "3.jpg", "0.jpg", "1.jpg", "2.jpg"]


def test_a_file_has_its_size_and_time_and_a_folder_without_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.jpg").write_bytes(b"12345")
    os.utime(tmp_path / "real/a.jpg", ns=(1, 1_600_000_000_123_456_789))
    (tmp_path / "way").symlink_to("real")
    assert list(find_photos(tmp_path / "way")) == [
        PhotoFile(str((tmp_path / "real").resolve()), "a.jpg", 5, 1_600_000_000_123_456_789)
    ]


def test_hidden_files_and_folders_and_thumbnail_folders_are_left_out(tmp_path: Path) -> None:
    for name in (".hidden.jpg", ".thumbnails/a.jpg", "@eaDir/b.jpg", "._c.jpg", "d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == ["d.jpg"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jpg").touch()
    (tmp_path / "in/out").symlink_to("..")
    (tmp_path / "in/self").symlink_to(".")
    assert names(tmp_path) == ["a.jpg"]
    assert troubles(tmp_path) == []


def test_a_link_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("a.jpg")
    (tmp_path / "folder").symlink_to("folder")
    assert [trouble.path.name for trouble in troubles(tmp_path)] == ["a.jpg", "folder"]


def test_a_link_to_a_folder_elsewhere_is_followed_once(tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    (tmp_path / "else/a.jpg").touch()
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "one").symlink_to(tmp_path / "else")
    (photos / "two").symlink_to(tmp_path / "else")
    assert names(photos) == ["a.jpg"]


def test_a_pipe_named_like_a_photo_is_told_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    assert troubles(tmp_path) == [Trouble(tmp_path / "a.jpg", "it is named like a photo, but is not a file")]


def test_a_broken_link_named_like_a_photo_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("gone.jpg")
    assert troubles(tmp_path) == [Trouble(tmp_path / "a.jpg", "No such file or directory")]


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.jpg")).touch()
    assert "not UTF-8" in troubles(tmp_path)[0].reason


def test_a_folder_that_cannot_be_read_is_told_and_the_next_one_is_looked_at(tmp_path: Path) -> None:
    """Its path is longer than the system allows, which stops root too."""
    (tmp_path / "z").mkdir()
    (tmp_path / "z/a.jpg").touch()
    start = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("b" * 250, dir_fd=start)
        below = os.open("b" * 250, os.O_RDONLY, dir_fd=start)
        os.close(start)
        start = below
    os.close(start)
    assert names(tmp_path) == ["a.jpg"]
    assert [trouble.reason for trouble in troubles(tmp_path)] == ["File name too long"]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="found no folder"):
        list(find_photos(tmp_path / "gone"))
