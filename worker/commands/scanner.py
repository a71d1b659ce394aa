"""Photos to the API and their faces into rows, several at a time; it can be stopped at any moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from threading import Event

from faces.client.face_client import FaceClient
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
from faces.sources.seen_files import Arrival, Known
from worker.commands.interrupts import held_back
from worker.commands.process import process_patiently
from worker.jobs.faces import Processed, Tools

#: Seconds between two looks whether the scan was interrupted.
_CHECK_SECONDS = 0.2


class Outcome(Enum):
    """What became of a file: its faces are rows, or were before, or it cannot be used, or not this time."""

    DONE = "done"
    KNOWN = "known"
    MOVED = "moved"
    COPIED = "copied"
    RETURNED = "returned"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def is_seen(self) -> bool:
        """Whether nothing had to be looked for: the content was seen before, here or elsewhere."""
        return self in {Outcome.KNOWN, Outcome.MOVED, Outcome.COPIED, Outcome.RETURNED}


#: Of files that nothing has to be looked for in.
_SETTLED = {Arrival.MOVED: Outcome.MOVED, Arrival.COPIED: Outcome.COPIED, Arrival.RETURNED: Outcome.RETURNED}


@dataclass(frozen=True, slots=True)
class Scanned:
    """A file, what became of it, and a sentence where it gave no faces."""

    path: Path
    outcome: Outcome
    image_id: int | None = None
    processed: Processed | None = None
    reason: str | None = None
    moved_from: Path | None = None

    @classmethod
    def of(cls, file: PhotoFile, known: Known | FileMissing) -> Scanned:
        """A file that is settled without the API, or cannot be read."""
        if isinstance(known, FileMissing):
            return cls(file.path, Outcome.FAILED, reason=str(known))
        outcome = _SETTLED.get(known.arrival, Outcome.KNOWN)
        return cls(file.path, outcome, known.image_id, moved_from=known.moved_from)


@dataclass(frozen=True, slots=True)
class Scanner:
    """Looks at files with as many in flight as the API has engines; `tell` is called for each, in this thread."""

    tools: Tools
    in_flight: int
    tell: Callable[[Scanned], None]
    stop: Event = field(default_factory=Event)
    _there: set[int] = field(default_factory=set)
    """Images whose file this scan has seen: of many copies none is looked for again with each further one."""

    def scan(self, files: Sequence[PhotoFile]) -> None:
        """Look at all files, in this order as far as their rows' ids are concerned.

        Raises:
            StoreUnavailable, SchemaError: the database is unavailable or wrong; what is done stays.
            FaceApiUnavailable: the API is unavailable; what is done stays.
        """
        with held_back() as check, ThreadPoolExecutor(self.in_flight) as pool:
            try:
                while files:
                    files = self._scan(pool, files, check)
            except BaseException:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _scan(self, pool: ThreadPoolExecutor, files: Sequence[PhotoFile], check: Callable[[], None]) -> list[PhotoFile]:
        """Look at files; returns those whose content was being looked at just then, and has to be asked for again."""
        running: dict[Future[Scanned], bytes] = {}
        copies: list[PhotoFile] = []
        for file in files:
            check()
            taken = self._take(file)
            if isinstance(taken, FileMissing) or taken.settled:
                self.tell(Scanned.of(file, taken))
            elif taken.mark.sha256 in running.values():
                copies.append(file)
            else:
                running[pool.submit(self._process, file, taken)] = taken.mark.sha256
            if len(running) >= self.in_flight:
                self._collect(running, check)
        while running:
            self._collect(running, check)
        return copies

    def _collect(self, running: dict[Future[Scanned], bytes], check: Callable[[], None]) -> None:
        done: set[Future[Scanned]] = set()
        while not done:
            check()
            done, _ = wait(running, _CHECK_SECONDS, FIRST_COMPLETED)
        for future in done:
            del running[future]
            self.tell(future.result())

    def _take(self, file: PhotoFile) -> Known | FileMissing:
        try:
            taken = seen_files.take(self.tools.store, file, there=self._there, arrivals=self.tools.arrivals)
        except FileMissing as error:
            return error
        self._there.add(taken.image_id)
        return taken

    def _process(self, file: PhotoFile, known: Known) -> Scanned:
        try:
            processed = process_patiently(self.tools, known.image_id, self.stop)
            if self.tools.upkeep:
                self.tools.upkeep.look_if_due()
            if self.tools.settling:
                self.tools.settling.settle_some(self.stop.is_set)
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
        """One photo that finds no engine is a photo's trouble; an unavailable API ends the scan."""
        if isinstance(error, FaceApiUnavailable) and self.tools.client.health() is None:
            raise FaceApiUnavailable(f"{error}; what is done is kept, the next run goes on from there") from error


def default_in_flight(tools: Tools) -> int:
    """What `in_flight_of` says of the job's API."""
    return in_flight_of(tools.client)


def in_flight_of(client: FaceClient) -> int:
    """As many photos at a time as the API has engine processes; as many as we have cores where it does not say."""
    processes = (client.health() or {}).get("processes")
    return processes if isinstance(processes, int) and processes > 0 else len(os.sched_getaffinity(0))
