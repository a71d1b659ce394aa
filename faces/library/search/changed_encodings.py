"""Encodings that came or became others since a file was written, in a process's own memory."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from faces.library.search.encoding_blocks import BLOCK, ROWS, Part, checked
from faces.store.sidecar.encoding_changes import EncodingRows


class ChangedEncodings:
    """Rows in no order; the first `used` of the blocks are rows, the rest is room for more."""

    def __init__(self) -> None:
        """Nothing has changed yet."""
        self._blocks: list[npt.NDArray[np.void]] = []
        self._ids: list[int] = []
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ids)

    @property
    def parts(self) -> list[Part]:
        """Their rows, as they are now: the next change may change them."""
        used = len(self._ids)
        rows = (min(ROWS, used - start) for start in range(0, used, ROWS))
        return [
            Part(*(block[name][:some] for name in BLOCK.names or ()))
            for block, some in zip(self._blocks, rows, strict=False)
        ]

    def put(self, rows: EncodingRows) -> None:
        """Take these in, in place of what there is of the same faces."""
        encodings, squares = checked(rows.encodings)
        for at, face in enumerate(rows.ids.tolist()):
            place = self._places.get(face)
            if place is None:
                place = self._places[face] = len(self._ids)
                self._ids.append(face)
                if place == len(self._blocks) * ROWS:
                    self._blocks.append(np.zeros(1, BLOCK)[0])
            self._write(place, face, rows.crcs[at], squares[at], encodings[at])

    def drop(self, faces: Iterable[int]) -> None:
        """Leave these out; the last row takes the place of each."""
        for face in faces:
            place = self._places.pop(face, None)
            if place is None:
                continue
            last = self._ids.pop()
            if last != face:
                block, row = self._blocks[len(self._ids) // ROWS], len(self._ids) % ROWS
                self._ids[place], self._places[last] = last, place
                columns = (block[name][row] for name in ("crcs", "squares", "encodings"))
                self._write(place, last, *columns)

    def place_of(self, face: int) -> int:
        """Where a face is, as in `encoding_blocks.Places`; -1 of one that is not there."""
        return self._places.get(face, -1)

    def _write(self, place: int, *row: object) -> None:
        block = self._blocks[place // ROWS]
        for name, value in zip(("ids", "crcs", "squares", "encodings"), row, strict=True):
            block[name][place % ROWS] = value
