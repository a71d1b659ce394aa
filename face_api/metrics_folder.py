"""The folder that the processes' figures share: made by the master, locked while anybody lives, swept up afterwards."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "face-api-metrics-"


def make() -> Path:
    """Make a folder, and remove those of services that were killed.

    The lock on it ends with the last process that was forked from this one. It also keeps systemd-tmpfiles from
    emptying the folder after ten days.
    """
    place = Path(tempfile.gettempdir())
    for folder in place.glob(f"{_PREFIX}*"):
        _remove_if_dead(folder)
    # Locked before it has its name, so that nobody takes it for a dead one.
    unnamed = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    fcntl.flock(os.open(unnamed, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_SH)
    return unnamed.rename(place / unnamed.name[1:])


def _remove_if_dead(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return  # somebody else's, or just gone
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(handle)
