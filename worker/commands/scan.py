"""scan DIR: new and changed photos of a folder become rows, several at a time; it can be stopped at any moment."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from threading import Event
from typing import Any

from faces.errors import (
    CrashedBefore,
    EngineError,
    FaceApiUnavailable,
    FacesError,
    FileMissing,
    ImageMissing,
    OutsideDisks,
    PhotoError,
    RequestError,
    RequestRefused,
)
from faces.sources import seen_files
from faces.sources.folder import PhotoFile, Trouble, find_photos
from faces.sources.seen_files import Known
from faces.store import connect
from faces.store.database import Store
from worker.commands.interrupts import held_back
from worker.commands.invocation import Invocation
from worker.commands.process import process_patiently
from worker.commands.verbs import add_verb
from worker.jobs.faces import Processed, Tools

_DETAILS = """\
Finds the faces of the new and changed photos in DIR and all folders below, and links them to the people enrolled.

Photos are known again by size and time of change, then by content, so that a second run only looks at what is new;
stop it at any moment and run it again. DIR is never written to. Files are chosen by name (jpg jpeg jpe jfif png webp
gif bmp tif tiff avif heic heif hif) and read by content. Hidden files and folders and @eaDir are left out. Links to
folders are followed, each folder once.

A photo that cannot be used is told, remembered, and looked at again when its file changes; what could not be read
and what the API had no time for is tried in the next run. Either makes exit code 1."""

#: Seconds between two looks whether the scan was interrupted.
_CHECK_SECONDS = 0.2


class Outcome(Enum):
    """What became of a file: its faces are rows, or were before, or it cannot be used, or not this time."""

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


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "scan", run, _DETAILS)
    parser.add_argument("directory", metavar="DIR", type=Path, help="the folder with photos")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Scan; 1 if a photo or folder could not be used."""
    directory: Path = arguments.directory
    _refuse_database_inside(directory, invocation.database_url)
    found = list(find_photos(directory))
    files = [one for one in found if isinstance(one, PhotoFile)]
    troubles = [one for one in found if isinstance(one, Trouble)]
    with invocation.store(create=True) as store:
        _refuse_apps_database(store)
        known, others = seen_files.split_known(store, files)
        with invocation.output.progress("photos", len(found)) as step:
            tally = _Tally(invocation, step)
            for trouble in troubles:
                tally.add(Scanned(trouble.path, Outcome.FAILED, reason=trouble.reason))
            for file in known:
                tally.add(Scanned(file.path, Outcome.KNOWN))
            _scan(invocation, store, others, tally)
    tally.sum_up()
    return 1 if tally.outcomes[Outcome.FAILED] or tally.outcomes[Outcome.REFUSED] else 0


def _scan(invocation: Invocation, store: Store, files: list[PhotoFile], tally: _Tally) -> None:
    """No API is asked for, or started, where there is nothing to send."""
    if files:
        with invocation.tools(store) as tools:
            Scanner(tools, default_in_flight(tools), tally.add).scan(files)


def _refuse_database_inside(directory: Path, url: str) -> None:
    file = connect.file_of(url)
    if file and file.is_relative_to(directory.resolve()):
        raise RequestError(
            f"the database {file} would lie in {directory}, which is never written to: "
            "put it elsewhere with FACE_DATABASE_URL=sqlite:////another/folder/faces.db"
        )


def _refuse_apps_database(store: Store) -> None:
    if not store.schema.ours:
        raise RequestError(
            f"{store.name} is the app's database, images come from there: "
            "use `process IMAGE_ID…`, or FACE_DATABASE_URL=sqlite:///faces.db for a database of your own"
        )


@dataclass(frozen=True, slots=True)
class Scanner:
    """Looks at files with as many in flight as the API has engines; `tell` is called for each, in this thread."""

    tools: Tools
    in_flight: int
    tell: Callable[[Scanned], None]
    stop: Event = field(default_factory=Event)

    def scan(self, files: Iterable[PhotoFile]) -> None:
        """Look at all files, in this order as far as their rows' ids are concerned.

        Raises:
            StoreUnavailable, SchemaError: the database is unavailable or wrong; what is done stays.
            FaceApiUnavailable: the API is unavailable; what is done stays.
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
        """One photo that finds no engine is a photo's trouble; an unavailable API ends the scan."""
        if isinstance(error, FaceApiUnavailable) and self.tools.client.health() is None:
            raise FaceApiUnavailable(f"{error}; what is done is kept, the next run goes on from there") from error


def default_in_flight(tools: Tools) -> int:
    """As many photos at a time as the API has engine processes; as many as we have cores where it does not say."""
    processes = (tools.client.health() or {}).get("processes")
    return processes if isinstance(processes, int) and processes > 0 else len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class _Tally:
    """Prints a line for each photo that did not go through, and counts all for the last line."""

    invocation: Invocation
    step: Callable[[], None]
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    faces: Counter[str] = field(default_factory=Counter)

    def add(self, scanned: Scanned) -> None:
        self.outcomes[scanned.outcome] += 1
        if scanned.reason:
            self.invocation.output.say(_trouble(scanned))
        if done := scanned.processed:
            self.faces.update(found=done.found, new=done.inserted, linked=done.linked)
            for warning in done.warnings:
                self.invocation.output.say(f"{scanned.path}: {warning}")
        self.invocation.output.record(_record(scanned))
        self.step()

    def sum_up(self) -> None:
        """The last line."""
        done, known = self.outcomes[Outcome.DONE], self.outcomes[Outcome.KNOWN]
        refused, failed = self.outcomes[Outcome.REFUSED], self.outcomes[Outcome.FAILED]
        faces = f"{self.faces['found']} faces, {self.faces['linked']} newly linked"
        parts = [f"{done} new or changed photos: {faces}" if done else "no new or changed photos"]
        parts += [f"{known} seen before and skipped"] if known else []
        parts += [f"{refused} cannot be used"] if refused else []
        parts += [f"{failed} failed"] if failed else []
        self.invocation.output.result("; ".join(parts))
        counts = {outcome.value: self.outcomes[outcome] for outcome in Outcome}
        self.invocation.output.record({"summary": {**counts, "faces": dict(self.faces)}})


def _trouble(scanned: Scanned) -> str:
    reason = scanned.reason or ""
    return reason if str(scanned.path) in reason else f"{scanned.path}: {reason}"


def _record(scanned: Scanned) -> dict[str, object]:
    done = scanned.processed
    return {
        "photo": str(scanned.path),
        "outcome": scanned.outcome.value,
        "image_id": scanned.image_id,
        "faces": done.found if done else None,
        "linked": done.linked if done else None,
        "seconds": done.seconds if done else None,
        "reason": scanned.reason,
    }
