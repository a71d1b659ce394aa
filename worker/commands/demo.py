"""demo [PHOTO_DIR]: from a folder of photos to a page of who is who, in one command."""

from __future__ import annotations

import argparse
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from faces.client import private_api
from faces.errors import FileMissing, RequestError
from faces.laravel.disks import Disks, scanned_path
from faces.library.opening import OpenLibrary
from faces.photo.decoding import PhotoLimits
from faces.report import contact_sheet
from faces.report.sheet import MODEL, Sheet, SheetPhoto, photo_of, portraits_of
from faces.sources import inventory, known_portraits
from faces.sources.folder import FoundFiles, PhotoFile, find_photos, is_folder
from faces.sources.known_portraits import KnownPortrait, find_portraits
from faces.sources.seen_files import Known
from faces.store.database import Store
from faces.store.listing import ListedFace, list_faces, list_images
from worker.commands import photo_table, results_folder
from worker.commands.enrol import enrol_portrait
from worker.commands.group import group_all
from worker.commands.invocation import Invocation
from worker.commands.link import Linker
from worker.commands.scanner import Outcome, Scanned, Scanner, default_in_flight
from worker.commands.verbs import add_verb
from worker.jobs.faces import Tools

_DETAILS = """\
Starts the face API as production runs it, sends it each photo of PHOTO_DIR and its sub-folders, keeps images and faces
in demo-out/faces.db and writes the contact sheet demo-out/index.html. The API stops at the end; the results stay, and
the next run only looks at new and changed photos. PHOTO_DIR is never written to.

demo-out, in the folder where you are, holds the results of one PHOTO_DIR; those of another are set aside in
demo-out-NAME-…, and come back when that PHOTO_DIR is shown again. People stay known: remove demo-out to start afresh.

Without PHOTO_DIR: sample photos (docs/samples.md), with one portrait of each of two people."""

#: What script/samples fetches.
_SAMPLES = Path(__file__).resolve().parents[2] / ".cache/samples"

_RESULTS = Path("demo-out")


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "demo", run, _DETAILS)
    parser.add_argument("photos", metavar="PHOTO_DIR", type=Path, nargs="?", help="a folder with photos")
    parser.add_argument(
        "--known", metavar="DIR", type=Path, help="portraits of people to recognise: Ann.jpg, or a folder Ann, a person"
    )
    parser.add_argument("--port", metavar="N", type=_port, help="where the API listens meanwhile; default: a free port")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Check what was asked for, then do it; 1 if a photo could not be used."""
    photos, known = _places(arguments)
    found = _photos_in(photos)
    portraits = find_portraits(known, invocation.output.say) if known else []
    if arguments.port:
        _refuse_used(arguments.port)
    settings = invocation.settings.model_copy(update={"database_url": SecretStr(f"sqlite:///{_RESULTS}/faces.db")})
    with results_folder.claimed(_RESULTS, photos, invocation.output.say):
        demo = Demo(Invocation(settings, invocation.output), photos, found, portraits, _RESULTS, arguments.port)
        return demo.run()


def _places(arguments: argparse.Namespace) -> tuple[Path, Path | None]:
    """The folders of photos and of known people, without links; the results lie in neither."""
    given: Path | None = arguments.photos
    if given is None and not _SAMPLES.is_dir():
        raise RequestError(f"found no sample photos in {_SAMPLES}: run script/samples, or name a folder of photos")
    photos = _resolved(given or _SAMPLES / "photos")
    known = arguments.known or (None if given else _SAMPLES / "known")
    for folder in filter(None, (photos, known and _resolved(known))):
        _refuse_results_inside(folder)
    return photos, known and _resolved(known)


def _resolved(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError) as error:
        raise RequestError(f"the folder {folder} cannot be found: {error}") from error


def _refuse_results_inside(folder: Path) -> None:
    results = _resolved(_RESULTS)
    if results.is_relative_to(folder) or folder.is_relative_to(results):
        raise RequestError(
            f"the results would go to {results}, and nothing is ever written to {folder}: "
            "start the demo in a folder outside of it"
        )


def _photos_in(photos: Path) -> FoundFiles:
    """What there is to look at; also where links lead, but never the results."""
    if not is_folder(photos):
        raise RequestError(f"found no folder {photos}, needed one with photos")
    results = _resolved(_RESULTS)
    found = find_photos(photos)
    found.files = [one for one in found if not one.path.is_relative_to(results)]
    if found.photos:
        return found
    reasons = [f": {one.path}: {one.reason}" for one in found.troubles]
    raise RequestError(f"found no photo in {photos}, needed at least one (.jpg, .png, .heic …){''.join(reasons[:1])}")


def _refuse_used(port: int) -> None:
    with socket.socket() as probe:
        # As the API itself does: a port is free when only connections that have ended still hold it.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RequestError(
                f"port {port} cannot be used ({error.strerror}): leave --port out for a free one"
            ) from error


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"found {text!r}, needed a number from 1 to 65535")
    return int(text)


@dataclass(frozen=True, slots=True)
class Demo:
    """One run over `found`, which lies in the folder `photos`: looks, links, writes the sheet, prints the table."""

    invocation: Invocation
    photos: Path
    found: FoundFiles
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
        with self.invocation.store(create=True) as store:
            library = self.invocation.library(store)
            looked = self._look(store, library)
            self._link(store, library)
            sheet = self._sheet(store, time.monotonic() - start if looked else None)
        with self.invocation.output.progress("pictures", len(sheet.photos)) as step:
            index = contact_sheet.write(self.results, sheet, PhotoLimits.of(self.invocation.settings), step)
        self._tell(sheet, index)
        bad = (Outcome.FAILED, Outcome.REFUSED)
        return 1 if any(scanned.outcome in bad for scanned in self.outcomes.values()) else 0

    def _look(self, store: Store, library: OpenLibrary) -> bool:
        """Send the API what it has not seen; False where there is nothing new."""

        def tell(file: PhotoFile, known: Known | FileMissing) -> None:
            self._note(Scanned.of(file, known))

        stock = inventory.take_stock(store, self.found, tell, library.arrivals)
        new = stock.to_be_looked_at
        for file in stock.unchanged:
            self._note(Scanned(file.path, Outcome.KNOWN))
        for trouble in self.found.troubles:
            self._note(Scanned(trouble.path, Outcome.FAILED, reason=trouble.reason))
        unknown_portraits = known_portraits.not_yet_enrolled(store, self.portraits)
        if new or unknown_portraits:
            with self._api(store, library) as tools:
                self._enrol(tools, unknown_portraits)
                self._scan(tools, new)
        return bool(new or unknown_portraits)

    @contextmanager
    def _api(self, store: Store, library: OpenLibrary) -> Iterator[Tools]:
        output = self.invocation.output
        output.say("starting the face API")
        with private_api.running(self.port) as url:
            output.say(f"the face API answers at {url} until this command ends")
            settings = self.invocation.settings.model_copy(update={"api_url": url})
            with Invocation(settings, output).tools(store, library) as tools:
                output.say(_path_of(tools.client.health() or {}))
                yield tools

    def _enrol(self, tools: Tools, portraits: list[KnownPortrait]) -> None:
        with self.invocation.output.progress("portraits", len(portraits)) as step:
            for portrait in portraits:
                self.enrolled.add(portrait.file.path)
                if trouble := enrol_portrait(tools, portrait):
                    self.invocation.output.say(trouble)
                    self.notes.append(trouble)
                step()

    def _scan(self, tools: Tools, files: list[PhotoFile]) -> None:
        with self.invocation.output.progress("photos", len(files)) as step:

            def tell(scanned: Scanned) -> None:
                self._note(scanned)
                step()

            Scanner(tools, default_in_flight(tools), tell).scan(files)

    def _note(self, scanned: Scanned) -> None:
        self.outcomes[scanned.path] = scanned
        if scanned.reason:
            self.invocation.output.say(f"{scanned.path}: {scanned.reason}")
        for warning in scanned.processed.warnings if scanned.processed else ():
            self.invocation.output.say(f"{scanned.path}: {warning}")

    def _link(self, store: Store, library: OpenLibrary) -> None:
        """Photos of earlier runs may show people who are known only now."""
        if not library.is_calibrated:
            linker = Linker.of(store, self.invocation.linking, lambda _linked: None, library)
            for image_id in linker.images():
                linker.link_image(image_id, dry_run=False)
        if library.settling:
            group_all(store, library, self.invocation.output)

    def _sheet(self, store: Store, seconds: float | None) -> Sheet:
        with store.reading() as transaction:
            images = {scanned_path(image.path, image.filename): image for image in list_images(transaction)}
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
            threshold=self.invocation.threshold if self.invocation.match_rule(store) == "nearest" else None,
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
        output = self.invocation.output
        seconds = {path: scanned.processed.seconds for path, scanned in self.outcomes.items() if scanned.processed}
        lines = [photo_table.PhotoRow(photo, self._told(photo.path, seconds.get(photo.path))) for photo in sheet.photos]
        if not output.as_json:
            photo_table.show(output, lines)
        seen = sum(one.outcome.is_seen for path, one in self.outcomes.items() if path not in self.enrolled)
        for sentence in _summary(sheet, seen):
            output.result(sentence)
        output.result(f"contact sheet: {index.absolute()}")
        self._record(sheet, index, seconds)

    def _told(self, path: Path, seconds: float | None) -> str:
        if seconds is not None:
            return f"{seconds:.2f}"
        if path in self.enrolled:
            return "portrait"
        known = path in self.outcomes and self.outcomes[path].outcome.is_seen
        return "seen before" if known else ""

    def _record(self, sheet: Sheet, index: Path, seconds: Mapping[Path, float | None]) -> None:
        for photo in sheet.photos:
            faces = [
                {"face_index": face.index, "name": face.name, "distance": face.distance, "quality": face.quality}
                for face in photo.faces
            ]
            told = {"faces": faces, "seconds": seconds.get(photo.path), "reason": photo.problem}
            self.invocation.output.record({"photo": str(photo.path), **told})
        self.invocation.output.record({"index": str(index.absolute()), "photos": len(sheet.photos)})


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
