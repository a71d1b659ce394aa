"""The files in which this machine's workers say what they do. They need no port, and are true after a kill -9.

What a file holds, how all are read, and what ended workers left. Its own file each worker's `Status` writes.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from faces.errors import (
    BrokerRefused,
    BrokerUnavailable,
    CacheUnavailable,
    EngineError,
    FaceApiUnavailable,
    FacesError,
    SchemaError,
    StoreUnavailable,
)
from faces.system import atomic_file

#: What may be waited for, the most telling first: `broker` (not connected), `blocked` (it takes no messages), `queue`
#: (nothing can be taken from it), then the other servers. Labels of the metrics, too.
OF_BROKER = ("broker", "blocked", "queue")
OF_SERVERS = ("database", "cache", "face_api", "start", "other")
ALL = (*OF_BROKER, *OF_SERVERS)

#: What an error says to be unavailable, as `status` names it.
_BY_ERROR: tuple[tuple[type[FacesError], str], ...] = (
    (FaceApiUnavailable, "face_api"),
    (EngineError, "face_api"),
    (StoreUnavailable, "database"),
    (SchemaError, "database"),
    (CacheUnavailable, "cache"),
    (BrokerUnavailable, "broker"),
    (BrokerRefused, "broker"),
)

#: What becomes of jobs.
COUNTED = ("done", "released", "failed", "handed_on")

#: The counts of all workers that have ended, so that a counter never falls.
_TOTALS = "ended.json"

#: Seconds after which a refused job is forgotten that was not refused again: it waits 300 at most, so another worker
#: has done it.
_REFUSED_SECONDS = 600.0

#: The kernel's ticks a second, in which it tells when a process began.
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that is waited for: one of `ALL`, why in words, and since when (seconds since boot)."""

    what: str
    why: str
    since: float


@dataclass(slots=True)
class Report:
    """What one worker says of itself, written by it and read by the command `status`.

    Times are seconds since boot, which no change of the machine's clock moves; `started_at` is Unix seconds.
    """

    pid: int
    born: str
    """When the process began, in the kernel's words: numbers of processes come again."""
    queues: list[str]
    started_at: float
    state: str = "starting"
    """starting, idle, working, waiting (something is unavailable) or ordered to wait."""
    reason: str | None = None
    job: dict[str, Any] | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    waiting: list[Waiting] = field(default_factory=list)
    """What keeps it from its jobs, or kept it until the job in hand, whose end will tell."""
    broker: dict[str, Any] | None = None
    """A `BrokerReport`; None before the first."""
    refused: dict[str, float] = field(default_factory=dict)
    """The jobs, by uuid, that a server refused and that wait at the queue's tail, and when they were last heard of."""
    unrecorded: int = 0
    """Messages in the queues of `unrecorded_queues`."""
    looked: float | None = None
    """When a process looked last at what the app changed of people and groups; None without our tables."""

    @property
    def seconds(self) -> float:
        """For how long it has run, whatever the clock did meanwhile."""
        return max(0.0, boot_seconds() - int(self.born) / _TICKS) if self.born.isdecimal() else 0.0

    @property
    def is_connected(self) -> bool | None:
        """Whether RabbitMQ is connected; None where that is not known yet."""
        return bool(self.broker["connected"]) if self.broker else None

    @property
    def refused_jobs(self) -> list[str]:
        """Those of `refused` whose last refusal is recent."""
        now = boot_seconds()
        return [job for job, heard in self.refused.items() if now - heard < _REFUSED_SECONDS]

    @property
    def missing(self) -> list[str]:
        """The queues that are not there."""
        return list(self.broker["missing"]) if self.broker else []

    @property
    def unrecorded_queues(self) -> list[str]:
        """Where messages lie that could not be written into failed_jobs."""
        return [f"{queue}.unrecorded" for queue in self.queues]


#: What is in a file.
NAMES = tuple(one.name for one in fields(Report))


def waited_for(error: FacesError, otherwise: str = "other") -> str:
    """Which server an error says to be unavailable, one of `ALL`."""
    return next((what for kind, what in _BY_ERROR if isinstance(error, kind)), otherwise)


def boot_seconds() -> float:
    """Seconds since the machine started, sleep included; the same for all its processes."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def folder_of(state: Path) -> Path:
    """Where the files are, below FACE_STATE_DIR."""
    return state / "workers"


def read(state: Path) -> tuple[list[Report], dict[str, int]]:
    """The living workers by their start, and all counts: theirs and those of the ended.

    Raises:
        OSError: the folder or a file there cannot be read.
    """
    reports, totals = [], dict.fromkeys(COUNTED, 0)
    for path in _files(folder_of(state)):
        values = _load(path)
        counts = values if path.name == _TOTALS else values.get("counts", {})
        totals = {name: totals[name] + counts.get(name, 0) for name in totals}
        if path.name != _TOTALS and _lives(values) and (report := _report_of(values)):
            reports.append(report)
    return sorted(reports, key=lambda report: report.started_at), totals


def new(queues: Sequence[str], started_at: float) -> Report:
    """That of this process."""
    return Report(os.getpid(), _born(os.getpid()) or "", list(queues), started_at)


def count_ended(folder: Path, counts: Sequence[dict[str, int]]) -> None:
    """Add the counts of workers that have ended to all others.

    Raises:
        OSError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        totals = _load(folder / _TOTALS)
        added = {name: totals.get(name, 0) + sum(one.get(name, 0) for one in counts) for name in COUNTED}
        atomic_file.replace(folder / _TOTALS, json.dumps(added).encode())


def sweep(folder: Path) -> None:
    """Add up and remove what killed workers left.

    Raises:
        OSError: the folder cannot be read or written.
    """
    dead = [
        (path, values)
        for path in _files(folder)
        if path.name != _TOTALS and not _lives(values := _load(path))
    ]  # fmt: skip
    count_ended(folder, [values.get("counts", {}) for path, values in dead if _taken(path)])


def _files(folder: Path) -> list[Path]:
    """What lies there; nothing where no worker ran yet. `Path.glob` would find nothing in what it may not read."""
    try:
        return [path for path in folder.iterdir() if path.suffix == ".json" and not path.name.startswith(".")]
    except FileNotFoundError:
        return []


def _report_of(values: dict[str, Any]) -> Report | None:
    """What an older or newer version wrote is read as far as we know it."""
    try:
        report = Report(**{name: value for name, value in values.items() if name in NAMES})
        report.waiting = [Waiting(str(one["what"]), str(one["why"]), float(one["since"])) for one in report.waiting]  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return None
    return report


def _taken(path: Path) -> bool:
    """Whether this process removed it: of several starting workers only one counts it."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _load(path: Path) -> dict[str, Any]:
    """A file's values; none where it has just gone or was never whole."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _lives(values: dict[str, Any]) -> bool:
    return bool(values) and _born(values.get("pid", 0)) == values.get("born")


def _born(pid: int) -> str | None:
    """The process's start in ticks since boot; None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return None
