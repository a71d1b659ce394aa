"""A real file system of one megabyte, which a test can fill, empty and make read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SmallDisk:
    """A tmpfs: it says "No space left on device" as every disk does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Take every byte of it, the last one too."""
        with self._filler.open("ab", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                return

    def empty(self) -> None:
        """There is room again."""
        self._filler.unlink()

    def allow(self, writing: bool) -> None:
        """Allow writing, or forbid it to all users, root too."""
        _as_root("mount", "-o", f"remount,{'rw' if writing else 'ro'}", str(self.path))


@contextmanager
def small_disk(path: Path) -> Iterator[SmallDisk]:
    """Mount one. Needs root, or sudo without a password, as script/test does."""
    path.mkdir()
    _as_root("mount", "-t", "tmpfs", "-o", "size=1M,mode=1777", "tmpfs", str(path))
    try:
        yield SmallDisk(path)
    finally:
        _as_root("umount", "--lazy", str(path))


def _as_root(*command: str) -> None:
    subprocess.run([*([] if os.geteuid() == 0 else ["sudo", "-n"]), *command], check=True)
