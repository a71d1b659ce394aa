"""What this machine's workers are doing: each has a file that `status` reads; no port, and true after a kill -9."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from worker.consumer.outcome import Done, Failed, Forward, Outcome, Release

_log = logging.getLogger(__name__)

_COUNTS: dict[type, str] = {Done: "done", Release: "released", Failed: "failed", Forward: "handed_on"}

#: The counts of all workers that have ended, so that a counter never goes back.
_TOTALS = "ended.json"


@dataclass(slots=True)
class Report:
    """What one worker says of itself; times are Unix seconds."""

    pid: int
    born: str
    """When the process began, in the kernel's words: numbers of processes come again."""
    queues: list[str]
    started_at: float
    state: str = "idle"
    """idle, working, waiting (something is away) or ordered to wait."""
    reason: str | None = None
    job: dict[str, Any] | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS.values(), 0))


class Status:
    """The file of this worker. Where it cannot be written, the worker works on without."""

    def __init__(self, state: Path, queues: Sequence[str]) -> None:
        """Make it, and count what workers left that were killed."""
        self._folder = state / "workers"
        self._report = Report(os.getpid(), _born(os.getpid()) or "", list(queues), time.time())
        self._broken = False
        self.ordered_to_wait: str | None = None
        with self._best_effort():
            self._folder.mkdir(parents=True, exist_ok=True)
            _sweep(self._folder)
        self._write()

    def working(self, **job: Any) -> None:
        """A job is in hand."""
        self._set("working", None, job)

    def idle(self) -> None:
        """There is nothing to do."""
        if self._report.state != "idle":
            self._set("idle", None)

    def waiting(self, reason: str | None) -> None:
        """Something is away."""
        if (self._report.state, self._report.reason) != ("waiting", reason):
            self._set("waiting", reason, self._report.job)

    def ordered(self, reason: str | None) -> None:
        """The app wants no job to be taken, or (None) wants it again; said once."""
        if reason == self.ordered_to_wait:
            return
        _log.info("%s", f"no job is taken: {reason}" if reason else "jobs may be taken again")
        self.ordered_to_wait = reason
        self._set("ordered to wait" if reason else "idle", reason)

    def ended(self, outcome: Outcome) -> None:
        """A job's outcome."""
        if name := _COUNTS.get(type(outcome)):
            self._report.counts[name] += 1
        self._set("idle", None)

    def close(self) -> None:
        """The worker ends in order."""
        with self._best_effort():
            _count_ended(self._folder, [self._report.counts])
            self._path.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._report.pid}.json"

    def _set(self, state: str, reason: str | None, job: dict[str, Any] | None = None) -> None:
        self._report.state, self._report.reason, self._report.job = state, reason, job
        self._write()

    def _write(self) -> None:
        with self._best_effort():
            _replace(self._path, asdict(self._report))

    @contextlib.contextmanager
    def _best_effort(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self._broken:
                _log.warning("`status` will not show this worker: %s", error)
            self._broken = True


def read(state: Path) -> tuple[list[Report], dict[str, int]]:
    """The living workers by their start, and all counts: theirs and those of the ended.

    Raises:
        OSError: the folder cannot be read.
    """
    reports, totals = [], dict.fromkeys(_COUNTS.values(), 0)
    for path in (state / "workers").glob("*.json"):
        values = _load(path)
        counts = values if path.name == _TOTALS else values.get("counts", {})
        totals = {name: totals[name] + counts.get(name, 0) for name in totals}
        if path.name != _TOTALS and values and _lives(values):
            reports.append(Report(**values))
    return sorted(reports, key=lambda report: report.started_at), totals


def _sweep(folder: Path) -> None:
    """Add up and remove what killed workers left."""
    dead = [
        (path, values)
        for path in folder.glob("*.json")
        if path.name != _TOTALS and not _lives(values := _load(path))
    ]  # fmt: skip
    _count_ended(folder, [values.get("counts", {}) for path, values in dead if _taken(path)])


def _taken(path: Path) -> bool:
    """Whether it was we who removed it: of several starting workers only one counts it."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _count_ended(folder: Path, counts: Sequence[dict[str, int]]) -> None:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        totals = _load(folder / _TOTALS)
        names = _COUNTS.values()
        added = {name: totals.get(name, 0) + sum(one.get(name, 0) for one in counts) for name in names}
        _replace(folder / _TOTALS, added)


def _replace(path: Path, values: dict[str, Any]) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(values), encoding="utf-8")
    unfinished.rename(path)


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
