"""Whom the kernel ends when memory is short: an engine process, which its master replaces, and never the master."""

from __future__ import annotations

from pathlib import Path

#: Thousandths of the memory (the service's limit, or the machine's) by which a process counts as larger than it is. The
#: master has all models in sight, and without this is larger than an engine that has just begun with a photo.
_MORE = 300

_MOST = 1000

_FILE = Path("/proc/self/oom_score_adj")


def go_before_the_master() -> None:
    """Raise this process's score above its parent's, which everybody may; where it cannot be, all stays as it is."""
    try:
        _FILE.write_text(str(min(_MOST, int(_FILE.read_text(encoding="ascii")) + _MORE)), encoding="ascii")
    except OSError:
        return
