"""An HTML page of photos, boxes and who is who, to open without a server. Knows no database and no engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faces.sheet import Sheet


def write(directory: Path, sheet: Sheet, tick: Callable[[], None] = lambda: None) -> Path:
    """Write `index.html` and `pictures/` into `directory`; the answer is the page's path.

    `tick` is called once a photo, for a progress bar.
    """
    raise NotImplementedError
