"""How many files this service may have open, connections included."""

from __future__ import annotations

import resource
from pathlib import Path

#: Where there is no limit; more connections than that have no memory.
_MANY = 1_000_000

#: Parts of the open files that connections may take: the others are uploads, photos in hand, files of the engine.
_CONNECTIONS = 3 / 4

#: With fewer the service would be none.
_FEWEST = 8


def raise_limit() -> None:
    """Raise the soft limit to the hard one, which everybody may; processes forked later have it from here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # "unlimited" is more than some kernels take for files
        return


def most_connections() -> int:
    """How many connections this process may have at a time, with what it has open already."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MANY if soft == resource.RLIM_INFINITY else soft
    return max(_FEWEST, int((most - len(list(Path("/proc/self/fd").iterdir()))) * _CONNECTIONS))
