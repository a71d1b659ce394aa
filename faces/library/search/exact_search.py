"""A search through all encodings, for up to a million: a file that the machine's processes map, and changes since.

A product goes through all of them block by block. 528 bytes a face lie in the file, in memory that processes share.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator
from pathlib import Path
from threading import RLock

import numpy.typing as npt

from faces.library.search.encoding_blocks import ROWS
from faces.library.search.encodings_file import EncodingsFile, SavedEncodings, in_memory
from faces.library.search.face_search import NearFace
from faces.library.search.followed_rows import FollowedRows
from faces.library.search.nearest_rows import nearest_of, nearest_rows
from faces.people.products import as_matrix
from faces.store.database import Store
from faces.store.sidecar import encoding_changes, library_row
from faces.store.sidecar.encoding_changes import EncodingChanges, EncodingRows

_log = logging.getLogger(__name__)

#: Changes that are taken in at a time: 2 MB of encodings.
_MOST_CHANGES = 4096

#: Part of the rows that may be other than in the file before it is written anew; so few may be in any case.
_PART, _FEW = 16, 8192

#: How many times as many may be while there are changes left to take in.
_IN_BETWEEN = 4

#: Faces that are searched for at a time.
_AT_ONCE = 64

_NOTHING = SavedEncodings(0, "", [])


class ExactSearch:
    """The `FaceSearch` of our own."""

    def __init__(self, store: Store, folder: Path | None) -> None:
        """Know nothing yet: `follow` reads.

        Args:
            store: a database with tables of ours.
            folder: FACE_STATE_DIR, where the machine's processes share a file; None: this one keeps all in its memory.
        """
        self._store = store
        self._file = EncodingsFile(folder, store.name) if folder else None
        self._mutex = RLock()
        self._rows = FollowedRows(_NOTHING)
        self._follows = False

    def __len__(self) -> int:
        """How many faces it knows."""
        with self._mutex:
            return len(self._rows)

    def follow(self) -> None:
        """As `FaceSearch` says; one statement where little was committed.

        The first time, and where a database was put back, the file is mapped and believed if it fits; else all is read.
        """
        with self._mutex:
            if not self._follows:
                self._begin(self._file.load() if self._file else None)
            elif not self._catch_up():
                self._begin(None, rejected=self._rows.saved)

    def nearest(
        self,
        encodings: npt.ArrayLike,
        count: int,
        *,
        most: float = math.inf,
        among: Collection[int] | None = None,
        without: Collection[int] = (),
    ) -> list[list[NearFace]]:
        """As `FaceSearch` says."""
        faces = as_matrix(encodings)
        with self._mutex:
            parts, found = self._rows.parts, list[list[NearFace]]()
            if among is not None:
                return nearest_of(parts, self._rows.places_of(set(among) - set(without)), faces, count, most)
            hidden = self._rows.hidden(without)
            for start in range(0, len(faces), _AT_ONCE):
                some = faces[start : start + _AT_ONCE]
                found += nearest_rows(parts, hidden, some, count, most, self._rows.longest)
            return found

    # --- all rows ---

    def _begin(self, saved: SavedEncodings | None, rejected: SavedEncodings | None = None) -> None:
        """Go on from a file or, without one that fits, from all of the tables."""
        self._follows = False
        while True:
            is_read = False
            if saved is None:
                saved, is_read = self._made(rejected)
            self._rows = FollowedRows(saved)
            if self._catch_up(is_doubted=not is_read):
                self._follows = True
                return
            saved, rejected = None, saved

    def _made(self, rejected: SavedEncodings | None) -> tuple[SavedEncodings, bool]:
        """All rows, in the file where there can be one; and whether they were read by this process, not by another."""
        if rejected is not None:
            _log.warning("what was kept of %s's encodings is of other rows: they are read anew", self._store.name)
        if self._file is not None:
            try:
                with self._file.writing():
                    others = self._written_by_others(rejected)
                    if others is not None:
                        return others, False
                    self._file.write(*self._all_rows())
                    ours = self._file.load()
                if ours is not None:
                    return ours, True
            except OSError as error:
                self._tell_of(error)
        return in_memory(*self._all_rows()), True

    def _all_rows(self) -> tuple[int, Iterator[EncodingRows]]:
        """The change before reading begins, and all rows, which are read as they are taken."""
        with self._store.reading() as transaction:
            change = library_row.read(transaction).change
        return change, self._in_order()

    def _in_order(self) -> Iterator[EncodingRows]:
        last, is_full = 0, True
        while is_full:
            with self._store.reading() as transaction:
                rows = encoding_changes.after(transaction, last, ROWS)
            is_full = len(rows.ids) == ROWS
            if len(rows.ids):
                yield rows
                last = int(rows.ids[-1])

    # --- changes ---

    def _catch_up(self, *, is_doubted: bool = False) -> bool:
        """Take in all changes; False where what there is cannot be what the tables have.

        `is_doubted`: all of it is compared with them, for which the database goes through them.
        """
        while True:
            changes = self._behind()
            if changes.library < self._rows.change:
                return False
            self._rows.take(changes)
            if self._is_renewal_due(changes.is_all):
                is_doubted |= self._renew()
            elif changes.is_all:
                return not is_doubted or self._is_whole()

    def _is_whole(self) -> bool:
        while True:
            changes = self._behind(counted=True)
            self._rows.take(changes)
            if changes.is_all:
                return changes.count == self._rows.count()

    def _behind(self, *, counted: bool = False) -> EncodingChanges:
        with self._store.reading() as transaction:
            return encoding_changes.behind(transaction, self._rows.until, _MOST_CHANGES, counted=counted)

    # --- the file anew ---

    def _is_renewal_due(self, is_all: bool) -> bool:
        """Best when nothing is left to follow: what is written in the middle of a change is followed once more."""
        return self._rows.changed > max(_FEW, len(self._rows) // _PART) * (1 if is_all else _IN_BETWEEN)

    def _renew(self) -> bool:
        """Write what there is into the file, or map what another process has written; whether it is another's."""
        rows = self._rows
        saved: SavedEncodings | None = None
        if self._file is not None:
            try:
                with self._file.writing():
                    if (others := self._written_by_others(rows.saved)) is not None:
                        self._rows = FollowedRows(others)
                        return True
                    self._file.write(rows.change, rows.in_order())
                    saved = self._file.load()
            except OSError as error:
                self._tell_of(error)
        # The place is kept: what a change did to very many faces would else be taken in without end.
        self._rows = FollowedRows(saved or in_memory(rows.change, rows.in_order()), rows.until)
        return False

    def _written_by_others(self, known: SavedEncodings | None) -> SavedEncodings | None:
        """Another file than the one that is known, where there is one."""
        if self._file is None or (known is not None and self._file.token() in (None, known.token)):
            return None
        return self._file.load(tells=False)

    def _tell_of(self, error: OSError) -> None:
        place = self._file.path if self._file else None
        _log.warning("%s cannot be written (%s): this process keeps all encodings in its own memory", place, error)
