"""The encodings of a file, and what has changed since: rows that are passed over, and rows that stand in for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt

from faces.library.search.changed_encodings import ChangedEncodings
from faces.library.search.encoding_blocks import ROWS, Part, Places, count_of, longest, places_in, rows_at
from faces.library.search.encodings_file import SavedEncodings
from faces.library.search.nearest_rows import Hidden
from faces.store.sidecar.encoding_changes import ChangePlace, EncodingChanges, EncodingCount, EncodingRows


class FollowedRows:
    """One thread at a time."""

    def __init__(self, saved: SavedEncodings, until: ChangePlace | None = None) -> None:
        """As they were saved: all changes up to `saved.change` are in them or, where it is known, all until a place."""
        self.saved = saved
        self.until = until or ChangePlace(saved.change + 1)
        """How far changes have been taken in."""
        self._gone: dict[int, npt.NDArray[np.bool_]] = {}
        self._gone_count = 0
        self._changed = ChangedEncodings()
        self._longest = max(map(longest, saved.parts), default=0.0)
        self._see_parts()

    def __len__(self) -> int:
        """How many faces there are."""
        return sum(map(len, self.parts)) - self._gone_count

    @property
    def changed(self) -> int:
        """How many rows are not as they were saved."""
        return self._gone_count + len(self._changed)

    @property
    def change(self) -> int:
        """The last of the library's changes that has been taken in as a whole."""
        return self.until.change - 1

    def take(self, changes: EncodingChanges) -> None:
        """Take in what comes next."""
        concerned = np.sort(np.concatenate([changes.kept.ids, np.array(changes.gone, np.int64)]))
        for place in places_in(self.saved.parts, concerned).tolist():
            if place >= 0:
                self._gone_count += not self._rows_gone(place // ROWS)[place % ROWS]
                self._gone[place // ROWS][place % ROWS] = True
        self._changed.drop(changes.gone)
        self._changed.put(changes.kept)
        self.until = changes.until
        self._see_parts()

    def hidden(self, without: Collection[int]) -> Hidden:
        """What is passed over, these faces too."""
        if not without:
            return self._gone
        found = dict(self._gone)
        places = self.places_of(without)
        for number in np.unique(places // ROWS).tolist():
            rows = np.zeros(ROWS, np.bool_)
            rows[places[places // ROWS == number] % ROWS] = True
            found[number] = rows | found[number] if number in found else rows
        return found

    def places_of(self, faces: Collection[int]) -> Places:
        """Where these faces are among `parts`; of those that are not there nothing."""
        ids = np.sort(np.fromiter(set(faces), np.int64, len(set(faces))))
        places = places_in(self.saved.parts, ids)
        for number, gone in self._gone.items():
            here = np.flatnonzero(places // ROWS == number)
            places[here[gone[places[here] % ROWS]]] = -1
        changed = [self._changed.place_of(face) for face in ids.tolist()] if len(self._changed) else []
        behind = np.array([place for place in changed if place >= 0], np.intp) + len(self.saved.parts) * ROWS
        return np.concatenate([places[places >= 0], behind])

    def in_order(self) -> Iterator[EncodingRows]:
        """All rows by id, `ROWS` at a time."""
        there = [self._rows_there(number) for number in range(len(self.parts))]
        ids = [part.ids[rows] for part, rows in zip(self.parts, there, strict=True)]
        places = [number * ROWS + rows for number, rows in enumerate(there)]
        ordered = np.concatenate(places)[np.argsort(np.concatenate(ids))] if ids else np.empty(0, np.intp)
        for start in range(0, len(ordered), ROWS):
            yield rows_at(self.parts, ordered[start : start + ROWS])

    def count(self) -> EncodingCount:
        """What tells these rows from others."""
        there = [rows_at(self.parts, number * ROWS + self._rows_there(number)) for number in sorted(self._gone)]
        whole = [part for number, part in enumerate(self.parts) if number not in self._gone]
        return count_of([*whole, *there])

    def _rows_there(self, number: int) -> npt.NDArray[np.intp]:
        used = len(self.parts[number])
        return np.flatnonzero(~self._gone[number][:used]) if number in self._gone else np.arange(used)

    def _rows_gone(self, number: int) -> npt.NDArray[np.bool_]:
        return self._gone.setdefault(number, np.zeros(ROWS, np.bool_))

    def _see_parts(self) -> None:
        self.parts: list[Part] = [*self.saved.parts, *self._changed.parts]
        """The file's and those that stand in for it, or came since."""
        self.longest = max([self._longest, *map(longest, self._changed.parts)])
        """The largest squared length of an encoding."""
