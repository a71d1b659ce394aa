"""Figures for Prometheus, added up over all processes, also over those that were replaced."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.mmap_dict import MmapedDict

from faces.settings import FAST_PARTS

#: Seconds. A photo takes 0.1–5 s; waiting may take minutes.
_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 240)


class Metrics:
    """What is counted. `directory` holds the processes' files; without one only this process is counted."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, directory: Path | None) -> None:
        """Set up all figures; made in the master, used in every process after the fork."""
        self._directory = directory
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "face_api_requests", "Requests by path and status", ["path", "status"], registry=self._registry
        )
        self._errors = Counter("face_api_errors", "Answers with an error, by code", ["code"], registry=self._registry)
        self._photos = Counter("face_api_photos", "Photos that engines worked on", registry=self._registry)
        self._faces = Counter("face_api_faces", "Faces found", registry=self._registry)
        self._seconds = Histogram(
            "face_api_stage_seconds",
            "Seconds a photo spent in each stage",
            ["stage"],
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._waiting = Gauge(
            "face_api_waiting",
            "Photos that wait for an engine",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._busy = Gauge(
            "face_api_engines_busy", "Engines at work", registry=self._registry, multiprocess_mode="livesum"
        )
        self._engines = Gauge("face_api_engines", "Engines", registry=self._registry, multiprocess_mode="livesum")
        self._fast = Gauge(
            "face_api_fast",
            "Whether faster code with the same numbers does this part (1), or dlib and Pillow do (0)",
            ["part"],
            registry=self._registry,
            multiprocess_mode="livemin",
        )
        self._ends = Counter("face_api_process_ends", "Processes that ended", registry=self._registry)

    def count_request(self, path: str, status: int, code: str | None) -> None:
        """One request is answered; `status` 0 means that its client left, `code` is the error's."""
        self._requests.labels(path, str(status or "gone")).inc()
        if code is not None:
            self._errors.labels(code).inc()

    def count_photo(self, notes: Mapping[str, Any]) -> None:
        """One photo is done; `notes` holds seconds by stage and perhaps `faces`."""
        self._photos.inc()
        self._faces.inc(notes.get("faces", 0))
        for stage, value in notes.items():
            if isinstance(value, float):
                self._seconds.labels(stage).observe(value)

    def set_waiting(self, photos: int) -> None:
        """So many photos of this process wait."""
        self._waiting.set(photos)

    def set_engine(self, there: bool, busy: bool) -> None:
        """This process's engine."""
        self._engines.set(there)
        self._busy.set(busy)

    def set_fast(self, fast: frozenset[str]) -> None:
        """What faster code does in this process."""
        for part in FAST_PARTS:
            self._fast.labels(part).set(part in fast)

    def page(self) -> bytes:
        """What Prometheus reads: the sums over all processes."""
        if self._directory is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, str(self._directory))  # type: ignore[no-untyped-call]
        with _locked(self._directory, fcntl.LOCK_SH):
            return generate_latest(registry)

    def bury(self, pid: int) -> None:
        """A process ended: its gauges end, its counts stay. For the master only.

        Its files are added to those of all dead processes, else they would be one more set with every replacement.
        """
        self._ends.inc()
        if self._directory is None:
            return
        with _locked(self._directory, fcntl.LOCK_EX):
            multiprocess.mark_process_dead(pid, str(self._directory))  # type: ignore[no-untyped-call]
            for kind in ("counter", "histogram"):
                _add(self._directory / f"{kind}_{pid}.db", self._directory / f"{kind}_0.db")


def _add(dead: Path, sums: Path) -> None:
    """Add one process's counts to the sums, and remove its file."""
    if not dead.exists():
        return
    total = MmapedDict(str(sums))  # type: ignore[no-untyped-call]
    try:
        for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(dead)):  # type: ignore[no-untyped-call]
            total.write_value(key, total.read_value(key)[0] + value, timestamp)  # type: ignore[no-untyped-call]
    finally:
        total.close()  # type: ignore[no-untyped-call]
    dead.unlink()


@contextmanager
def _locked(directory: Path, how: int) -> Iterator[None]:
    """Nobody reads the files while one is added to another."""
    directory.mkdir(exist_ok=True)
    handle = os.open(directory / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
