from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer import access
from installer.install_paths import USER


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not below pytest's own folder, which only its user may enter.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_what_everybody_may_do_the_services_user_may(folder: Path) -> None:
    file = folder / ".env"
    file.touch(mode=0o644)
    assert access.can(USER, file, os.R_OK)
    assert not access.can(USER, file, os.W_OK)
    file.chmod(0o600)
    assert not access.can(USER, file, os.R_OK)


def test_a_closed_folder_above_counts(folder: Path) -> None:
    (folder / "app").mkdir()
    (folder / "app/.env").touch(mode=0o644)
    (folder / "app").chmod(0o700)
    assert not access.can(USER, folder / "app/.env", os.R_OK)


def test_what_is_not_there_may_not_be_read(folder: Path) -> None:
    assert not access.can(USER, folder / "missing", os.R_OK)


def test_roots_own_folders_have_no_stranger_and_a_world_writable_one_has() -> None:
    assert access.stranger_on_the_way(Path("/usr/local/bin")) is None
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        found = access.stranger_on_the_way(Path(name) / "opt")
    assert found
    assert found[0] == Path(name).resolve()
