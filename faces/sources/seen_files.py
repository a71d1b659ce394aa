"""Whether a photo was looked at before: by place, size and time, then by content, which also says where it was before.

A photo is its content. Its row goes with it to a new place when nothing is left at the old one; a copy of it gets a
row of its own with the same faces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from faces.errors import FileMissing
from faces.library.row_changes import write_rows
from faces.photo.files.capture import read_capture
from faces.sources.folder import FoundFiles, PhotoFile, is_below
from faces.sources.whereabouts import Presence, Whereabouts
from faces.store import faces, images, scan_folders, scan_marks
from faces.store.capture_time import read_capture_time
from faces.store.database import Store, Transaction
from faces.store.scan_marks import FileMark, MarkedImage
from faces.store.sidecar import photo_rows
from faces.store.sidecar.photo_rows import FileFacts

if TYPE_CHECKING:
    # Not at run time: it is handed through, and a database may have no tables of ours.
    from faces.library.arrivals import Arrivals

_CHUNK = 1 << 20


class Arrival(Enum):
    """How the photo came to the place where it was found."""

    NEW = "new"
    CHANGED = "changed"
    KNOWN = "known"
    """It was there before."""
    MOVED = "moved"
    COPIED = "copied"
    RETURNED = "returned"
    """It was gone from there, and is back."""


@dataclass(frozen=True, slots=True)
class Known:
    """The image row of a file, and what is known of the file's content."""

    image_id: int
    mark: FileMark
    checked: bool
    """Whether this content's faces were looked for."""
    arrival: Arrival = Arrival.KNOWN
    moved_from: Path | None = None
    displaced: MarkedImage | None = None
    """The image that was of this place: its photo is gone from there."""

    @property
    def settled(self) -> bool:
        """Nothing to do: its faces are known, or it was refused for good."""
        return self.checked or self.mark.refused


@dataclass(frozen=True, slots=True)
class Compared:
    """Found files beside the rows of their folders."""

    unchanged: list[PhotoFile]
    """They need not even be read: settled, size and time as they were."""
    others: list[PhotoFile]
    """In the order in which they are to be taken: new ones before changed ones, so that a photo that was moved has
    its row before what lies at its old place now is taken for its new content."""
    missing: list[MarkedImage]
    """Rows below the folders that were looked through, whose file was not found."""
    sizes: frozenset[int]
    """Of all photos that have a row: another file of another size is none of them."""

    @property
    def perhaps_seen(self) -> list[PhotoFile]:
        """Of the others, those that may be known by their content."""
        return [file for file in self.others if file.size in self.sizes]


def compare(store: Store, found: FoundFiles) -> Compared:
    """See by size and time which files are as they were, and which rows have none."""
    photos = found.photos
    with store.reading() as transaction:
        below = [row for top in found.tops for row in scan_marks.below(transaction, top)]
        folders = {file.folder for file in photos}
        outside = [folder for folder in folders if not any(is_below(folder, top) for top in found.tops)]
        beside = [row for folder in outside for row in scan_marks.of_folder(transaction, folder)]
    rows = {(row.folder, row.name): row for row in (*beside, *below) if not row.gone}
    unchanged, new, changed = list[PhotoFile](), list[PhotoFile](), list[PhotoFile]()
    for file in photos:
        row = rows.get((file.folder, file.name))
        if row is None:
            new.append(file)
        else:
            (unchanged if _is_unchanged(file, row) else changed).append(file)
    with store.reading() as transaction:
        sizes = frozenset(scan_marks.sizes(transaction) if new or changed else ())
    there = {(file.folder, file.name) for file in photos}
    missing = {row.image_id: row for row in below if (row.folder, row.name) not in there}
    return Compared(unchanged, new + changed, list(missing.values()), sizes)


def unchanged_files(store: Store, files: Iterable[PhotoFile]) -> set[PhotoFile]:
    """Files that need not even be read: settled, size and time as they were. `files` come folder by folder."""
    known: set[PhotoFile] = set()
    for folder, group in groupby(files, key=lambda file: file.folder):
        with store.reading() as transaction:
            before = {row.name: row for row in scan_marks.of_folder(transaction, folder) if not row.gone}
        known |= {file for file in group if file.name in before and _is_unchanged(file, before[file.name])}
    return known


def take(
    store: Store,
    file: PhotoFile,
    whereabouts: Whereabouts | None = None,
    there: Collection[int] = frozenset(),
    arrivals: Arrivals | None = None,
) -> Known:
    """Read the file's checksum, and make, move or refresh its row; a changed file is to be looked at as if it were new.

    `whereabouts` says whether other photos of this content are where they were; without, the file system is asked anew,
    but not for the images in `there`, whose files were just seen. `arrivals` keeps our tables up to date with copies.

    Raises:
        FileMissing: the file cannot be read.
    """
    facts = _facts(file)

    def work(transaction: Transaction, changed: set[int]) -> Known:
        known = _take(transaction, file, facts.sha256, whereabouts, there)
        changed.update(_to_be_indexed(transaction, known, facts))
        return known

    return write_rows(store, arrivals, work)


def take_all(
    store: Store, files: Sequence[PhotoFile], whereabouts: Whereabouts, arrivals: Arrivals | None = None
) -> list[Known | FileMissing]:
    """The same for some files in one transaction, in their order; an error in place of what cannot be read."""
    read = [_facts_or_error(file) for file in files]

    def work(transaction: Transaction, changed: set[int]) -> list[Known | FileMissing]:
        taken = list[Known | FileMissing]()
        for file, facts in zip(files, read, strict=True):
            if isinstance(facts, FileMissing):
                taken.append(facts)
            else:
                known = _take(transaction, file, facts.sha256, whereabouts)
                changed.update(_to_be_indexed(transaction, known, facts))
                taken.append(known)
        return taken

    return write_rows(store, arrivals, work)


def _to_be_indexed(transaction: Transaction, known: Known, facts: FileFacts) -> set[int]:
    """Keep what the file says of the photo; the image whose faces are others now, or of another time."""
    is_another = photo_rows.note_file(transaction, known.image_id, facts)
    return {known.image_id} if is_another or known.arrival is Arrival.COPIED else set()


def whereabouts_of(store: Store) -> Whereabouts:
    """The file system as it is now, beside what is known of its folders."""
    with store.reading() as transaction:
        return _whereabouts_in(transaction)


def refuse(store: Store, known: Known) -> None:
    """Remember that the photo cannot be used, until its file changes."""
    mark = replace(known.mark, refused=True)
    store.write(lambda transaction: scan_marks.write(transaction, known.image_id, mark))


def _whereabouts_in(transaction: Transaction) -> Whereabouts:
    return Whereabouts(scan_folders.read(transaction))


def _is_unchanged(file: PhotoFile, row: MarkedImage) -> bool:
    return row.settled and (row.mark.size, row.mark.modified_ns) == (file.size, file.modified_ns)


def _take(
    transaction: Transaction,
    file: PhotoFile,
    sha256: bytes,
    whereabouts: Whereabouts | None,
    there: Collection[int] = frozenset(),
) -> Known:
    here = scan_marks.at(transaction, file.folder, file.name)
    twins = [] if here and here.mark.sha256 == sha256 and here.settled else _twins(transaction, sha256, here)
    if here and here.mark.sha256 == sha256:
        return _copied(transaction, _refreshed(transaction, file, here, Arrival.KNOWN), twins)
    elsewhere = [twin for twin in twins if twin.image_id not in there]
    if left := _left(transaction, file, elsewhere, whereabouts):
        if here:
            # Another photo was put in its place: what was there before is a photo of its own, and may turn up.
            scan_marks.mark_gone(transaction, [here])
        moved = _moved(transaction, file, min(left, key=lambda twin: _likeness(file, twin)))
        return replace(moved, displaced=here)
    mark = FileMark(file.size, file.modified_ns, sha256)
    if here:
        images.forget_check(transaction, here.image_id, file.size)
        known = Known(here.image_id, mark, checked=False, arrival=Arrival.CHANGED)
    else:
        image_id = images.insert_file(transaction, file.folder, file.name, file.size)
        known = Known(image_id, mark, checked=False, arrival=Arrival.NEW)
    scan_marks.write(transaction, known.image_id, mark)
    return _copied(transaction, known, twins)


def _twins(transaction: Transaction, sha256: bytes, here: MarkedImage | None) -> list[MarkedImage]:
    """Other images of this content."""
    rows = scan_marks.with_content(transaction, sha256)
    return [row for row in rows if here is None or row.image_id != here.image_id]


def _refreshed(transaction: Transaction, file: PhotoFile, row: MarkedImage, arrival: Arrival) -> Known:
    """The row with the file's size and time as they are now; its content is the same."""
    mark = replace(row.mark, size=file.size, modified_ns=file.modified_ns)
    scan_marks.write(transaction, row.image_id, mark)
    return Known(row.image_id, mark, row.checked, arrival)


def _moved(transaction: Transaction, file: PhotoFile, row: MarkedImage) -> Known:
    if (row.folder, row.name) == (file.folder, file.name):
        return _refreshed(transaction, file, row, Arrival.RETURNED)
    images.move_file(transaction, row.image_id, file.folder, file.name)
    known = _refreshed(transaction, file, row, Arrival.MOVED)
    return replace(known, moved_from=Path(row.folder, row.name))


def _copied(transaction: Transaction, known: Known, twins: Iterable[MarkedImage]) -> Known:
    """With the faces of another image of this content, where those are known and its own are not."""
    twin = next((twin for twin in twins if twin.settled), None)
    if known.settled or twin is None or faces.has_any(transaction, known.image_id):
        return known
    faces.copy(transaction, twin.image_id, known.image_id)
    images.copy_check(transaction, twin.image_id, known.image_id)
    mark = replace(known.mark, refused=twin.mark.refused)
    scan_marks.write(transaction, known.image_id, mark)
    return replace(known, mark=mark, checked=twin.checked, arrival=Arrival.COPIED)


def _likeness(file: PhotoFile, row: MarkedImage) -> tuple[bool, bool, int]:
    """Orders the rows that a photo may be of: first those of its name, then those of its folder, then by age."""
    return (row.name != file.name, row.folder != file.folder, row.image_id)


def _left(
    transaction: Transaction, file: PhotoFile, twins: Sequence[MarkedImage], whereabouts: Whereabouts | None
) -> list[MarkedImage]:
    """Those whose photo is not where it was, so that the file may be it."""
    if not twins:
        return []
    known = whereabouts or _whereabouts_in(transaction)
    return [twin for twin in twins if _has_left(known, twin, file)]


def _has_left(whereabouts: Whereabouts, row: MarkedImage, file: PhotoFile) -> bool:
    """Whether a photo is not where its row says: nothing is there, or something else is."""
    if (row.folder, row.name) == (file.folder, file.name):
        return True
    presence = whereabouts.presence(row.folder, row.name)
    if presence is not Presence.THERE:
        return presence is not Presence.UNREACHABLE
    return not _is_still(row)


def _is_still(row: MarkedImage) -> bool:
    """Whether the file at a row's place has the row's content; one that cannot be read may have."""
    path = Path(row.folder, row.name)
    try:
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) == (row.mark.size, row.mark.modified_ns):
            return True
        return status.st_size == row.mark.size and sha256_of(path) == row.mark.sha256
    except (OSError, FileMissing):
        return True


def _facts_or_error(file: PhotoFile) -> FileFacts | FileMissing:
    try:
        return _facts(file)
    except FileMissing as error:
        return error


def _facts(file: PhotoFile) -> FileFacts:
    """The checksum, and when the photo was taken: by its EXIF block, else by the file's time of change."""
    sha256, capture = sha256_of(file.path), read_capture(file.path)
    taken_at = read_capture_time(capture.taken) or photo_rows.time_of(file.modified_ns)
    return FileFacts(sha256, taken_at, capture.turn)


def sha256_of(path: Path) -> bytes:
    """The checksum of a file's bytes.

    Raises:
        FileMissing: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise FileMissing(f"cannot read {path}: {error.strerror or error}") from error
    return digest.digest()
