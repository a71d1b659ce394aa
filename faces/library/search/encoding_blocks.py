"""Encodings in blocks of one size, as they lie in a file and in memory: ids, checksums, lengths, float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.products import LONGEST_ENCODING, Matrix, squares_of
from faces.photo.face import ENCODING_LENGTH
from faces.store.sidecar.encoding_changes import EncodingCount, EncodingRows

#: Faces of a block: 8 MB. What is done with each costs little beside its product, and a search keeps little of it.
ROWS = 16384

#: A block, as many bytes as fill whole pages.
BLOCK = np.dtype(
    [
        ("ids", np.int64, (ROWS,)),
        ("crcs", np.uint32, (ROWS,)),
        ("squares", np.float32, (ROWS,)),
        ("encodings", np.float32, (ROWS, ENCODING_LENGTH)),
    ]
)

Places = npt.NDArray[np.intp]
"""Where rows are in a sequence of parts: the part's number times `ROWS`, and the row in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The used rows of a block, arrays of one length."""

    ids: npt.NDArray[np.int64]
    crcs: npt.NDArray[np.uint32]
    squares: npt.NDArray[np.float32]
    """Each encoding's squared length; infinite where it is damaged, and zeros stand in for it."""
    encodings: Matrix

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self.ids)


def block_of(rows: EncodingRows) -> npt.NDArray[np.void]:
    """`ROWS` rows or fewer as a block, shape (1,)."""
    block = np.zeros(1, BLOCK)
    used = slice(len(rows.ids))
    block["ids"][0, used], block["crcs"][0, used] = rows.ids, rows.crcs
    block["encodings"][0, used], block["squares"][0, used] = checked(rows.encodings)
    return block


def checked(encodings: Matrix) -> tuple[Matrix, npt.NDArray[np.float32]]:
    """Encodings and their squared lengths; what is none is zeros, of infinite length."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = squares_of(encodings)
        damaged = ~(squares <= LONGEST_ENCODING**2)
    if damaged.any():
        encodings = np.where(damaged[:, None], np.float32(0), encodings)
        squares[damaged] = np.inf
    return encodings, squares


def parts_of(blocks: npt.NDArray[np.void], rows: int) -> list[Part]:
    """The first so many rows of blocks, shape (n,), which stay where they are."""
    return [
        Part(*(block[name][: min(ROWS, rows - number * ROWS)] for name in BLOCK.names or ()))
        for number, block in enumerate(blocks)
    ]


def places_in(parts: Sequence[Part], ids: npt.NDArray[np.int64]) -> Places:
    """Where faces are, whose ids ascend, in parts whose ids ascend throughout; -1 of one that is not there."""
    found = np.full(len(ids), -1, np.intp)
    if not parts:
        return found
    numbers = np.searchsorted([int(part.ids[0]) for part in parts], ids, "right") - 1
    for number in np.unique(numbers[numbers >= 0]).tolist():
        part, asked = parts[number], slice(*np.searchsorted(numbers, [number, number + 1]).tolist())
        rows = np.minimum(np.searchsorted(part.ids, ids[asked]), len(part) - 1)
        found[asked] = np.where(part.ids[rows] == ids[asked], number * ROWS + rows, -1)
    return found


def rows_at(parts: Sequence[Part], places: Places) -> EncodingRows:
    """Copies of rows in any order; a damaged encoding is not a number throughout."""
    ids, crcs = np.empty(len(places), np.int64), np.empty(len(places), np.uint32)
    encodings = np.empty((len(places), ENCODING_LENGTH), np.float32)
    numbers, rows = places // ROWS, places % ROWS
    for number in sorted(set(numbers.tolist())):
        part, asked = parts[number], np.flatnonzero(numbers == number)
        taken = rows[asked]
        ids[asked], crcs[asked], encodings[asked] = part.ids[taken], part.crcs[taken], part.encodings[taken]
        if (damaged := np.isinf(part.squares[taken])).any():
            encodings[asked[damaged]] = np.nan
    return EncodingRows(ids, crcs, encodings)


def longest(part: Part) -> float:
    """The largest squared length of an encoding; 0 where none can be read."""
    return float(part.squares.max(where=np.isfinite(part.squares), initial=0))


def count_of(parts: Sequence[Part | EncodingRows]) -> EncodingCount:
    """What tells these rows from others."""
    sums = [(len(part.ids), int(part.ids.sum()), int(part.crcs.sum(dtype=np.int64))) for part in parts]
    return EncodingCount(*(sum(column) for column in zip((0, 0, 0), *sums, strict=True)))
