"""scan DIR: new and changed photos of a folder become rows."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faces.errors import RequestError
from faces.sources import seen_files
from faces.sources.folder import PhotoFile, Trouble, find_photos
from faces.store import connect
from faces.store.database import Store
from worker.commands.scanning import Outcome, Scanned, Scanner, default_in_flight
from worker.commands.session import Session
from worker.commands.verb import add_verb

_DETAILS = """\
Finds the faces of the new and changed photos in DIR and all folders below, and links them to the people enrolled.

Photos are known again by size and time of change, then by content, so that a second run only looks at what is new;
stop it at any moment and run it again. DIR is never written to. Files are chosen by name (jpg jpeg jpe jfif png webp
gif bmp tif tiff avif heic heif hif) and read by content. Hidden files and folders and @eaDir are left out. Links to
folders are followed, each folder once.

A photo that cannot be used is told, remembered, and looked at again when its file changes; what could not be read
and what the API had no time for is tried in the next run. Either makes exit code 1."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "scan", run, _DETAILS)
    parser.add_argument("directory", metavar="DIR", type=Path, help="the folder with photos")


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Scan; 1 if a photo or folder could not be used."""
    directory: Path = arguments.directory
    _refuse_database_inside(directory, session.database_url)
    found = list(find_photos(directory))
    files = [one for one in found if isinstance(one, PhotoFile)]
    troubles = [one for one in found if isinstance(one, Trouble)]
    with session.store(create=True) as store:
        _refuse_apps_database(store)
        known, others = seen_files.split_known(store, files)
        with session.output.progress("photos", len(found)) as step:
            tally = _Tally(session, step)
            for trouble in troubles:
                tally.add(Scanned(trouble.path, Outcome.FAILED, reason=trouble.reason))
            for file in known:
                tally.add(Scanned(file.path, Outcome.KNOWN))
            _scan(session, store, others, tally)
    tally.sum_up()
    return 1 if tally.outcomes[Outcome.FAILED] or tally.outcomes[Outcome.REFUSED] else 0


def _scan(session: Session, store: Store, files: list[PhotoFile], tally: _Tally) -> None:
    """No API is asked for, or started, where there is nothing to send."""
    if files:
        with session.tools(store) as tools:
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
class _Tally:
    """Tells of each photo and counts."""

    session: Session
    step: Callable[[], None]
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    faces: Counter[str] = field(default_factory=Counter)

    def add(self, scanned: Scanned) -> None:
        """One file more."""
        self.outcomes[scanned.outcome] += 1
        if scanned.reason:
            self.session.output.say(_trouble(scanned))
        if done := scanned.processed:
            self.faces.update(found=done.found, new=done.inserted, linked=done.linked)
            for warning in done.warnings:
                self.session.output.say(f"{scanned.path}: {warning}")
        self.session.output.record(_record(scanned))
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
        self.session.output.result("; ".join(parts))
        counts = {outcome.value: self.outcomes[outcome] for outcome in Outcome}
        self.session.output.record({"summary": {**counts, "faces": dict(self.faces)}})


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
