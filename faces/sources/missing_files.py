"""What becomes of images whose photo a scan did not find: gone, kept because nothing is certain, or not scanned now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faces.library.row_changes import write_rows
from faces.sources.folder import FoundFiles
from faces.sources.whereabouts import Presence, Whereabouts
from faces.store import faces, images, scan_marks
from faces.store.database import Store, Transaction
from faces.store.scan_marks import MarkedImage

if TYPE_CHECKING:
    # Not at run time: it is handed through, and a database may have no tables of ours.
    from faces.library.arrivals import Arrivals


@dataclass(frozen=True, slots=True)
class Missing:
    """Images whose photo was not found, by what that means."""

    gone: list[MarkedImage] = field(default_factory=list)
    """Neither there nor, as far as was looked, elsewhere; not listed from now on. Only those that were there before."""
    uncertain: dict[str, list[MarkedImage]] = field(default_factory=dict)
    """By the reason why nothing can be said of them: they stay as they are."""
    passed_over: list[MarkedImage] = field(default_factory=list)
    """They are there, and are not scanned any more: they stay as they are."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was dropped, and what had to be kept: other photos' faces are linked to faces of those images."""

    images: int
    faces: int
    kept: int


def settle(store: Store, missing: Iterable[MarkedImage], found: FoundFiles, whereabouts: Whereabouts) -> Missing:
    """See what is at the places of images whose photo was not found, and note which are gone."""
    seen = Missing()
    left_out = {str(one.path) for one in found.passed_over}
    for row in missing:
        if row.gone:
            continue
        presence = whereabouts.presence(row.folder, row.name)
        if presence is Presence.GONE:
            seen.gone.append(row)
        elif presence is not Presence.THERE:
            seen.uncertain.setdefault(whereabouts.reason(row.folder, row.name), []).append(row)
        elif _is_left_out(row, left_out):
            seen.passed_over.append(row)
    if seen.gone:
        store.write(lambda transaction: scan_marks.mark_gone(transaction, seen.gone))
    return seen


def forget(store: Store, folders: Sequence[str], arrivals: Arrivals | None = None) -> Forgotten:
    """Drop the images below folders whose photo is gone, with their faces.

    A copy that is there takes the names over. Kept are images with a face that another photo's face is linked to: its
    name would be lost with it. `arrivals` keeps our tables up to date.
    """
    return write_rows(store, arrivals, lambda transaction, changed: _forget(transaction, folders, changed))


def _forget(transaction: Transaction, folders: Sequence[str], changed: set[int]) -> Forgotten:
    rows = [row for folder in folders for row in scan_marks.below(transaction, folder) if row.gone]
    for row in rows:
        changed |= _hand_over(transaction, row)
    gone = {row.image_id for row in rows}
    links = faces.links_between_images(transaction, gone)
    kept: set[int] = set()
    while more := {parent for parent, child in links if parent not in kept and (child not in gone or child in kept)}:
        kept |= more
    dropped = sorted(gone - kept)
    number = faces.delete_of_images(transaction, dropped)
    images.delete(transaction, dropped)
    changed.update(dropped)
    return Forgotten(len(dropped), number, len(kept))


def _hand_over(transaction: Transaction, gone: MarkedImage) -> set[int]:
    """Returns the images whose faces are others now."""
    twins = scan_marks.with_content(transaction, gone.mark.sha256)
    if heir := next((twin for twin in twins if not twin.gone), None):
        faces.hand_over(transaction, gone.image_id, heir.image_id)
        return {gone.image_id, heir.image_id}
    return set()


def _is_left_out(row: MarkedImage, left_out: set[str]) -> bool:
    """Whether the photo, or a folder on the way to it, is among what was passed over."""
    path = f"{row.folder.rstrip('/')}/{row.name}"
    return any(path[:end] in left_out for end in [*_ends(path), len(path)])


def _ends(path: str) -> Iterable[int]:
    return (end for end, character in enumerate(path) if character == "/" and end)
