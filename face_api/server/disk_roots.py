"""Whether debug pictures can be written at all: said once, at the start, and not by the first photo of a user."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

_log = logging.getLogger(__name__)


def warn_of_unwritable(roots: Mapping[str, Path]) -> None:
    """Log each disk's root below which nothing can be written; photos are done all the same."""
    for name, root in roots.items():
        if reason := _why_not(root):
            _log.warning(
                "FACE_DISK_ROOTS: no debug picture can be written to the disk %s: %s %s; needed a folder that this "
                "user may write, and under systemd a line ReadWritePaths=%s for face-api",
                name,
                root,
                reason,
                root,
            )


def _why_not(root: Path) -> str | None:
    if not root.is_dir():
        return "is not there, or is no folder"
    return None if os.access(root, os.W_OK | os.X_OK) else "is not writable"
