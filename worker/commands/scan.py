"""scan PATH…: new and changed photos become rows, and rows follow photos that were moved."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faces.errors import FileMissing, RequestError
from faces.library.opening import OpenLibrary
from faces.sources import inventory, missing_files
from faces.sources.folder import FoundFiles, PhotoFile, find_photos, is_folder
from faces.sources.inventory import Inventory
from faces.sources.passed_over import Rules
from faces.sources.seen_files import Known
from faces.store import connect, scan_excludes
from faces.store.database import Store
from worker.commands import excludes
from worker.commands.invocation import Invocation
from worker.commands.scanner import Outcome, Scanned, Scanner, default_in_flight
from worker.commands.tally import Tally
from worker.commands.verbs import add_verb

_DETAILS = """\
Finds the faces of new and changed photos and links them to the people enrolled. PATH is a folder, which is looked
through with all folders below, or a photo.

Photos are known again by size and time of change, then by content, so that a second run only looks at what is new;
stop it at any moment and run it again. Nothing is ever written to the folders. Files are chosen by name (jpg jpeg jpe
jfif png webp gif bmp tif tiff avif heic heif hif) and read by content. Links to folders are followed, each folder once.

A photo that was moved or renamed keeps its faces and names, and a copy gets the same faces. One that was deleted is
told and no longer listed; it is listed again when it is back. Where a folder cannot be read, or is empty all at once,
nothing is concluded: its disk may not be mounted.

Left out, and counted: pages and debug pictures that this program wrote, trash (#recycle, @Recycle, $RECYCLE.BIN,
.Trash, lost+found …), folders with a file .nomedia, photo libraries of programs (*.photoslibrary), thumbnails of a NAS
(@eaDir), hidden files and folders, raw photos and videos, and what --exclude says.

A photo that cannot be used is told, remembered, and looked at again when its file changes; what could not be read
and what the API had no time for is tried in the next run. Either makes exit code 1, and so does a folder that photos
are missing from without a reason."""


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "scan", run, _DETAILS)
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="*", help="a folder with photos, or a photo")
    parser.add_argument(
        "--forget-missing",
        action="store_true",
        help="drop the rows of photos that are gone from these folders, with their faces and names",
    )
    excludes.add_options(parser)


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Scan; 1 if a photo or folder could not be used, or photos are missing without a reason."""
    paths: list[Path] = arguments.paths
    if arguments.excludes:
        return excludes.show(paths, invocation)
    folders = [path for path in paths if is_folder(path)]
    _check(arguments, paths, folders, invocation.database_url)
    with invocation.store(create=True) as store:
        _refuse_apps_database(store)
        excludes.change(store, folders, arguments.exclude, arguments.no_exclude)
        with store.reading() as transaction:
            rules = Rules(scan_excludes.read(transaction), invocation.debug_subdir)
        found = find_photos(*paths, rules=rules)
        with invocation.output.progress("photos", len(found.files)) as step:
            tally = Tally(invocation.output, step)
            library = invocation.library(store)
            stock = _take_stock(store, found, tally, library)
            is_forgotten = not arguments.forget_missing or _forget(store, found, stock, tally, library)
            _scan(invocation, store, stock.to_be_looked_at, tally, library)
        if library.settling:
            # Here, and not above: only a database with our tables needs it.
            from worker.commands.group import group_all

            group_all(store, library, invocation.output, everything=False)
    tally.sum_up()
    return 1 if tally.is_troubled or not is_forgotten else 0


def _check(arguments: argparse.Namespace, paths: Sequence[Path], folders: Sequence[Path], url: str) -> None:
    """Refuse what cannot be done as it was asked, before a database is made."""
    if not paths:
        raise RequestError("needed a folder with photos, or a photo: see `scan --help`")
    if not folders and (arguments.exclude or arguments.no_exclude or arguments.forget_missing):
        raise RequestError("--exclude, --no-exclude and --forget-missing need a folder, found only files")
    for path in paths:
        _require(path)
    for folder in folders:
        _refuse_database_inside(folder, url)


def _require(path: Path) -> None:
    try:
        path.stat()
    except OSError as error:
        raise RequestError(f"found no folder or photo {path}: {error.strerror}") from error


def _take_stock(store: Store, found: FoundFiles, tally: Tally, library: OpenLibrary) -> Inventory:
    """All that needs no API, told as it is done."""

    def tell(file: PhotoFile, known: Known | FileMissing) -> None:
        tally.add(Scanned.of(file, known))

    for trouble in found.troubles:
        tally.add(Scanned(trouble.path, Outcome.FAILED, reason=trouble.reason))
    stock = inventory.take_stock(store, found, tell, library.arrivals)
    for file in stock.unchanged:
        tally.add(Scanned(file.path, Outcome.KNOWN))
    tally.add_missing(stock.missing)
    tally.add_passed_over(found.passed_over)
    return stock


def _forget(store: Store, found: FoundFiles, stock: Inventory, tally: Tally, library: OpenLibrary) -> bool:
    """Drop the rows of what is gone; False where that is refused, because it may be somewhere that was not seen."""
    unseen = [str(trouble.path) for trouble in found.troubles if is_folder(trouble.path)]
    if unseen or stock.missing.uncertain or stock.unread:
        tally.refuse_to_forget()
        return False
    tally.add_forgotten(missing_files.forget(store, found.tops, library.arrivals))
    return True


def _scan(invocation: Invocation, store: Store, files: list[PhotoFile], tally: Tally, library: OpenLibrary) -> None:
    """No API is asked for, or started, where there is nothing to send."""
    if files:
        with invocation.tools(store, library) as tools:
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
