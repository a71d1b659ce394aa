"""When a photo was taken, as EXIF writes it and as the app keeps it in the JSON of `images.metadata`."""

from __future__ import annotations

import json
import re
from datetime import datetime

_NAME = "DateTimeOriginal"

#: EXIF 2.32, 4.6.5 D; programs also write dates with dashes, a T between, or parts of seconds behind.
_WRITTEN = re.compile(r"\s*(\d{4})[:/-](\d{2})[:/-](\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?")

#: Metadata is nested by its parts (EXIF, IFD0 …); nothing lies deeper.
_DEEPEST = 4


def read_capture_time(text: object) -> datetime | None:
    """The time in a text `2020:05:17 14:03:21`, without a zone; None where it says none, as `0000:00:00 00:00:00`."""
    match = _WRITTEN.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    try:
        found = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    # Cameras whose clock was never set, and what no column holds.
    return found if found.year > 1900 else None


def capture_time(metadata: str | bytes | None) -> datetime | None:
    """`DateTimeOriginal` in an image's metadata, wherever in it; of lists the first that says a time."""
    try:
        return _find(json.loads(metadata or "null"), 0)
    except (ValueError, RecursionError):
        return None


def _find(part: object, depth: int) -> datetime | None:
    if depth > _DEEPEST:
        return None
    if isinstance(part, list):
        return next((found for one in part if (found := _find(one, depth + 1))), None)
    if not isinstance(part, dict):
        return None
    for name, value in part.items():
        if name.rpartition(":")[2] == _NAME:
            values = value if isinstance(value, list) else [value]
            if found := next((found for one in values if (found := read_capture_time(one))), None):
                return found
    return next((found for value in part.values() if (found := _find(value, depth + 1))), None)
