from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faces.system import atomic_file


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[int]:
    """The folder, opened."""
    directory = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield directory
    os.close(directory)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_is_replaced_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    for data in (b"a longer text", b"short"):
        atomic_file.replace(tmp_path / "a", data)
        assert (tmp_path / "a").read_bytes() == data
    assert names(tmp_path) == ["a"]


def test_what_cannot_take_the_name_leaves_nothing(tmp_path: Path, opened: int) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    with pytest.raises(OSError, match="director"):
        atomic_file.replace(tmp_path / "a", b"data")
    with pytest.raises(OSError, match="director"):
        atomic_file.replace_within(opened, "a", b"data", ".new-")
    assert names(tmp_path) == ["a"]


def test_rights_are_the_umasks(tmp_path: Path, opened: int) -> None:
    before = os.umask(0o027)
    try:
        atomic_file.replace(tmp_path / "a", b"data")
        atomic_file.replace_within(opened, "b", b"data", ".new-")
    finally:
        os.umask(before)
    for name in ("a", "b"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o640


def test_within_a_directory_a_link_is_replaced_and_not_followed(tmp_path: Path, opened: int) -> None:
    (tmp_path / "other").write_bytes(b"kept")
    (tmp_path / "a").symlink_to("other")
    atomic_file.replace_within(opened, "a", b"data", ".new-")
    assert not (tmp_path / "a").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"data"
    assert (tmp_path / "other").read_bytes() == b"kept"
    assert names(tmp_path) == ["a", "other"]


def test_a_private_file_is_its_users_alone_and_replaces_links_and_what_a_kill_left(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"kept")
    for link in (tmp_path / "a", atomic_file.beside(tmp_path / "a")):
        link.symlink_to("other")
    before = os.umask(0)
    try:
        atomic_file.replace_privately(tmp_path / "a", [b"da", memoryview(b"ta")])
    finally:
        os.umask(before)
    assert not (tmp_path / "a").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"data"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "other").read_bytes() == b"kept"
    assert names(tmp_path) == ["a", "other"]


def test_pieces_become_one_file_and_an_error_among_them_leaves_the_old_one(tmp_path: Path) -> None:
    def pieces(*, fail: bool) -> Iterator[bytes]:
        yield b"a "
        if fail:
            raise ValueError("lost")
        yield b"whole"

    atomic_file.replace_by(tmp_path / "a", pieces(fail=False))
    with pytest.raises(ValueError, match="lost"):
        atomic_file.replace_by(tmp_path / "a", pieces(fail=True))
    assert (tmp_path / "a").read_bytes() == b"a whole"
    assert names(tmp_path) == ["a"]
