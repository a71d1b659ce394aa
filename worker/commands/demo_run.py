"""The demo, top to bottom: people made known, photos looked at, faces linked, the page written, the table shown."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from faces.client import private_api
from faces.laravel.disks import Disks
from faces.photo.decoding import PhotoLimits
from faces.report import contact_sheet
from faces.report.sheet import Sheet, SheetPhoto
from faces.report.sheet_rows import MODEL, photo_of, portraits_of
from faces.sources import known_portraits, seen_files
from faces.sources.folder import PhotoFile, Trouble
from faces.sources.known_portraits import KnownPortrait
from faces.store.database import Store
from faces.store.listing import ListedFace, list_faces, list_images
from worker.commands import screen
from worker.commands.enrol import enrol_portrait
from worker.commands.link import Linker
from worker.commands.scanning import Outcome, Scanned, Scanner, default_in_flight
from worker.commands.session import Session
from worker.jobs.faces import Tools


@dataclass(frozen=True, slots=True)
class Demo:
    """One run over `found`, which lies in the folder `photos`."""

    session: Session
    photos: Path
    found: list[PhotoFile | Trouble]
    portraits: list[KnownPortrait]
    results: Path
    port: int | None
    outcomes: dict[Path, Scanned] = field(default_factory=dict)
    enrolled: set[Path] = field(default_factory=set)
    """Portraits that this run sent to the API: those among the photos were not seen before."""
    notes: list[str] = field(default_factory=list)

    def run(self) -> int:
        """Do it all; 1 if a photo could not be used, else 0."""
        start = time.monotonic()
        with self.session.store(create=True) as store:
            looked = self._look(store)
            self._link(store)
            sheet = self._sheet(store, time.monotonic() - start if looked else None)
        with self.session.output.progress("pictures", len(sheet.photos)) as step:
            index = contact_sheet.write(self.results, sheet, PhotoLimits.of(self.session.settings), step)
        self._tell(sheet, index)
        bad = (Outcome.FAILED, Outcome.REFUSED)
        return 1 if any(scanned.outcome in bad for scanned in self.outcomes.values()) else 0

    def _look(self, store: Store) -> bool:
        """Send the API what it has not seen; False where there is nothing new."""
        files = [one for one in self.found if isinstance(one, PhotoFile)]
        known, new = seen_files.split_known(store, files)
        for file in known:
            self._note(Scanned(file.path, Outcome.KNOWN))
        for trouble in self.found:
            if isinstance(trouble, Trouble):
                self._note(Scanned(trouble.path, Outcome.FAILED, reason=trouble.reason))
        strangers = known_portraits.not_yet_enrolled(store, self.portraits)
        if new or strangers:
            with self._api(store) as tools:
                self._enrol(tools, strangers)
                self._scan(tools, new)
        return bool(new or strangers)

    @contextmanager
    def _api(self, store: Store) -> Iterator[Tools]:
        output = self.session.output
        output.say("starting the face API")
        with private_api.running(self.port) as url:
            output.say(f"the face API answers at {url} until this command ends")
            settings = self.session.settings.model_copy(update={"api_url": url})
            with Session(settings, output).tools(store) as tools:
                output.say(_path_of(tools.client.health() or {}))
                yield tools

    def _enrol(self, tools: Tools, portraits: list[KnownPortrait]) -> None:
        with self.session.output.progress("portraits", len(portraits)) as step:
            for portrait in portraits:
                self.enrolled.add(portrait.file.path)
                if trouble := enrol_portrait(tools, portrait):
                    self.session.output.say(trouble)
                    self.notes.append(trouble)
                step()

    def _scan(self, tools: Tools, files: list[PhotoFile]) -> None:
        with self.session.output.progress("photos", len(files)) as step:

            def tell(scanned: Scanned) -> None:
                self._note(scanned)
                step()

            Scanner(tools, default_in_flight(tools), tell).scan(files)

    def _note(self, scanned: Scanned) -> None:
        self.outcomes[scanned.path] = scanned
        if scanned.reason:
            self.session.output.say(f"{scanned.path}: {scanned.reason}")
        for warning in scanned.processed.warnings if scanned.processed else ():
            self.session.output.say(f"{scanned.path}: {warning}")

    def _link(self, store: Store) -> None:
        """Photos of earlier runs may show people who are known only now."""
        linker = Linker.of(store, self.session.linking, lambda _linked: None)
        for image_id in linker.images():
            linker.link_image(image_id, dry_run=False)

    def _sheet(self, store: Store, seconds: float | None) -> Sheet:
        with store.reading() as transaction:
            images = {Path(image.path or "/", image.filename): image for image in list_images(transaction)}
            faces: dict[int, list[ListedFace]] = defaultdict(list)
            for face in list_faces(transaction):
                faces[face.image_id].append(face)
        disks = Disks.of({})
        shown = {one.path for one in self.found}
        others = [image for path, image in images.items() if path not in shown]
        portraits = [portrait for image in others for portrait in portraits_of(image, faces[image.id], disks)]
        return Sheet(
            title=f"Faces in {self.photos.name or self.photos}",
            photos=tuple(
                photo_of(images[one.path], self._title(one.path), faces[images[one.path].id], disks)
                if one.path in images
                else self._unread(one.path)
                for one in self.found
            ),
            model=MODEL,
            threshold=self.session.threshold,
            made_at=datetime.now().astimezone(),
            portraits=tuple(portraits),
            seconds=seconds,
            notes=tuple(self.notes),
        )

    def _unread(self, path: Path) -> SheetPhoto:
        return SheetPhoto(path, self._title(path), problem=self.outcomes[path].reason or "it was not looked at")

    def _title(self, path: Path) -> str:
        """As short as it is clear; a link may have led out of the folder."""
        return str(path.relative_to(self.photos) if path.is_relative_to(self.photos) else path)

    def _tell(self, sheet: Sheet, index: Path) -> None:
        output = self.session.output
        seconds = {path: scanned.processed.seconds for path, scanned in self.outcomes.items() if scanned.processed}
        lines = [screen.Line(photo, self._told(photo.path, seconds.get(photo.path))) for photo in sheet.photos]
        if not output.as_json:
            screen.show(output, lines)
        seen = sum(one.outcome is Outcome.KNOWN for path, one in self.outcomes.items() if path not in self.enrolled)
        for sentence in _summary(sheet, seen):
            output.result(sentence)
        output.result(f"contact sheet: {index.absolute()}")
        self._record(sheet, index, seconds)

    def _told(self, path: Path, seconds: float | None) -> str:
        if seconds is not None:
            return f"{seconds:.2f}"
        if path in self.enrolled:
            return "portrait"
        known = path in self.outcomes and self.outcomes[path].outcome is Outcome.KNOWN
        return "seen before" if known else ""

    def _record(self, sheet: Sheet, index: Path, seconds: Mapping[Path, float | None]) -> None:
        for photo in sheet.photos:
            faces = [
                {"face_index": face.index, "name": face.name, "distance": face.distance, "quality": face.quality}
                for face in photo.faces
            ]
            told = {"faces": faces, "seconds": seconds.get(photo.path), "reason": photo.problem}
            self.session.output.record({"photo": str(photo.path), **told})
        self.session.output.record({"index": str(index.absolute()), "photos": len(sheet.photos)})


def _summary(sheet: Sheet, seen: int) -> Iterator[str]:
    """What a person wants to know at the end."""
    faces = [face for photo in sheet.photos for face in photo.faces]
    names = Counter(face.name for face in faces if face.name is not None)
    people = ": " + ", ".join(f"{name} {count}" for name, count in names.most_common(12)) if names else ""
    found = f"{_many(len(sheet.photos), 'photo')} with {_many(len(faces), 'face')}"
    yield f"{found}, {names.total():,} of known people{people}"
    if seen:
        yield f"{_many(seen, 'photo')} seen before and skipped"
    if unread := sum(photo.problem is not None for photo in sheet.photos):
        yield f"{_many(unread, 'photo')} could not be used: the end of the contact sheet says why"


def _path_of(health: Mapping[str, Any]) -> str:
    """How this machine finds faces: with the faster code that equals dlib's and Pillow's, or without."""
    if fast := health.get("fast"):
        return f"the fast path does {', '.join(fast)}"
    return "without the fast path: dlib and Pillow do everything, several times slower (FACE_FAST, script/setup)"


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
