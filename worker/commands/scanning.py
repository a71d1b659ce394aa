"""Scanning a folder: its new and changed photos become rows, several at a time; can be stopped at any moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from threading import Event

from faces.errors import (
    CrashedBefore,
    EngineError,
    FaceApiUnavailable,
    FacesError,
    FileMissing,
    ImageMissing,
    OutsideDisks,
    PhotoError,
    RequestRefused,
)
from faces.sources import seen_files
from faces.sources.folder import PhotoFile
from faces.sources.seen_files import Known
from worker.commands.interrupts import held_back
from worker.jobs.faces import Processed, Tools
from worker.jobs.patience import process_patiently


class Outcome(Enum):
    """What became of a file."""

    DONE = "done"
    KNOWN = "known"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Scanned:
    """A file, what became of it, and a sentence where it gave no faces."""

    path: Path
    outcome: Outcome
    image_id: int | None = None
    processed: Processed | None = None
    reason: str | None = None


#: Seconds between two looks whether somebody wants the scan to stop.
_CHECK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Scanner:
    """Looks at files with as many in flight as the API has engines; `tell` hears of each, in this thread."""

    tools: Tools
    in_flight: int
    tell: Callable[[Scanned], None]
    stop: Event = field(default_factory=Event)

    def scan(self, files: Iterable[PhotoFile]) -> None:
        """Look at all files, in this order as far as their rows' ids are concerned.

        Raises:
            StoreUnavailable, SchemaError: the database is away or wrong; what is done stays.
            FaceApiUnavailable: the API is gone; what is done stays.
        """
        with held_back() as check, ThreadPoolExecutor(self.in_flight) as pool:
            try:
                self._scan(pool, files, check)
            except BaseException:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _scan(self, pool: ThreadPoolExecutor, files: Iterable[PhotoFile], check: Callable[[], None]) -> None:
        running: set[Future[Scanned]] = set()
        for file in files:
            check()
            taken = self._take(file)
            if isinstance(taken, Scanned):
                self.tell(taken)
                continue
            running.add(pool.submit(self._process, file, taken))
            if len(running) >= self.in_flight:
                running = self._collect(running, check)
        while running:
            running = self._collect(running, check)

    def _collect(self, running: set[Future[Scanned]], check: Callable[[], None]) -> set[Future[Scanned]]:
        done: set[Future[Scanned]] = set()
        while not done:
            check()
            done, running = wait(running, _CHECK_SECONDS, FIRST_COMPLETED)
        for future in done:
            self.tell(future.result())
        return running

    def _take(self, file: PhotoFile) -> Scanned | Known:
        try:
            taken = seen_files.take(self.tools.store, file)
        except FileMissing as error:
            return Scanned(file.path, Outcome.FAILED, reason=str(error))
        return Scanned(file.path, Outcome.KNOWN, taken.image_id) if taken.settled else taken

    def _process(self, file: PhotoFile, known: Known) -> Scanned:
        try:
            processed = process_patiently(self.tools, known.image_id, self.stop)
        except CrashedBefore as error:  # the API forgets this after a day, so it is asked again next time
            return Scanned(file.path, Outcome.FAILED, known.image_id, reason=str(error))
        except PhotoError as error:
            seen_files.refuse(self.tools.store, known)
            return Scanned(file.path, Outcome.REFUSED, known.image_id, reason=str(error))
        except (FileMissing, OutsideDisks, ImageMissing, EngineError, FaceApiUnavailable, RequestRefused) as error:
            self._stop_without_api(error)
            return Scanned(file.path, Outcome.FAILED, known.image_id, reason=str(error))
        return Scanned(file.path, Outcome.DONE, known.image_id, processed)

    def _stop_without_api(self, error: FacesError) -> None:
        """One photo that finds no engine is a photo's trouble; an API that is gone ends the scan."""
        if isinstance(error, FaceApiUnavailable) and self.tools.client.health() is None:
            raise FaceApiUnavailable(f"{error}; what is done is kept, the next run goes on from there") from error


def default_in_flight(tools: Tools) -> int:
    """As many photos at a time as the API has engine processes; as many as we have cores where it does not say."""
    processes = (tools.client.health() or {}).get("processes")
    return processes if isinstance(processes, int) and processes > 0 else len(os.sched_getaffinity(0))
