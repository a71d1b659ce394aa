"""Brings the rows up to date with what folders hold, as far as no face has to be looked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from faces.errors import FileMissing
from faces.sources import missing_files, seen_files
from faces.sources.folder import FoundFiles, PhotoFile
from faces.sources.missing_files import Missing
from faces.sources.seen_files import Compared, Known
from faces.sources.whereabouts import Whereabouts
from faces.store import scan_folders
from faces.store.database import Store

if TYPE_CHECKING:
    # Not at run time: it is handed through, and a database may have no tables of ours.
    from faces.library.arrivals import Arrivals

#: Photos whose contents are read for one transaction: each of these takes a write to the disk.
_TOGETHER = 100


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found, beside what is known."""

    unchanged: list[PhotoFile]
    """As they were when they were looked at."""
    to_be_looked_at: list[PhotoFile]
    """New or changed, of a content that is not known; in the order in which they are to be taken."""
    missing: Missing
    unread: int
    """Files that could not be read, and may be any photo."""


def take_stock(
    store: Store,
    found: FoundFiles,
    tell: Callable[[PhotoFile, Known | FileMissing], None],
    arrivals: Arrivals | None = None,
) -> Inventory:
    """Follow photos that were moved, give copies their faces, and note which are gone.

    Files of the size of a known photo are read; no other file is opened. `tell` is called for each that is known by its
    content now, or could not be read. `arrivals` keeps our tables up to date with copies.

    Raises:
        StoreUnavailable: the database cannot be used; what is done stays.
    """
    compared = seen_files.compare(store, found)
    whereabouts = seen_files.whereabouts_of(store)
    taken: dict[PhotoFile, Known | FileMissing] = {}
    for some in _in_parts(compared.perhaps_seen):
        for file, known in zip(some, seen_files.take_all(store, some, whereabouts, arrivals), strict=True):
            taken[file] = known
            if _is_done(known):
                tell(file, known)
    known_now = [known for known in taken.values() if isinstance(known, Known)]
    missing = _missing(store, compared, known_now, found, whereabouts)
    new_folders = {
        path: inode
        for path, inode in found.inodes.items()
        if whereabouts.inodes.get(path) != scan_folders.number_of(inode)
    }  # fmt: skip
    if new_folders:
        store.write(lambda transaction: scan_folders.write(transaction, new_folders))
    to_be_looked_at = [file for file in compared.others if file not in taken or not _is_done(taken[file])]
    return Inventory(compared.unchanged, to_be_looked_at, missing, unread=len(taken) - len(known_now))


def _missing(
    store: Store, compared: Compared, known: Sequence[Known], found: FoundFiles, whereabouts: Whereabouts
) -> Missing:
    """What is missing after all moves: also what another photo was put in the place of."""
    ids = {one.image_id for one in known}
    rows = [row for row in compared.missing if row.image_id not in ids]
    missing = missing_files.settle(store, rows, found, whereabouts)
    displaced = [one.displaced for one in known if one.displaced and one.displaced.image_id not in ids]
    return replace(missing, gone=missing.gone + displaced)


def _is_done(known: Known | FileMissing) -> bool:
    return isinstance(known, FileMissing) or known.settled


def _in_parts(files: Sequence[PhotoFile]) -> list[Sequence[PhotoFile]]:
    return [files[start : start + _TOGETHER] for start in range(0, len(files), _TOGETHER)]
