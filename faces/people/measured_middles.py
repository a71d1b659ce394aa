"""Rows of people or groups as they are compared: the middle of each one's faces, and how crowded it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from faces.people.encoding_sum import EncodingSum
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import Matrix, as_matrix, squares_of
from faces.photo.face import ENCODING_LENGTH

#: Part by which the arrays grow when they are full: 100 000 rows then hold room for 6 250 more, 3 MB.
_SPARE = 16

#: Middles that are taken at a time.
_BLOCK = 1024

Places = npt.NDArray[np.intp]

_Rows = TypeVar("_Rows", bound="MeasuredMiddles")


def with_spare_room(rows: int) -> int:
    """How many rows arrays are to have room for, so that those which come next copy nothing."""
    return rows + rows // _SPARE + _SPARE


@dataclass(slots=True, eq=False)
class MeasuredMiddles:
    """Rows ascending by id, one array a column: the first `used` of each are rows, the rest is room for more.

    540 bytes each. Arrays may lie in a mapped file: rows are written in place, and only growing copies all of them.
    """

    used: int
    ids: npt.NDArray[np.int64]
    middles: Matrix
    squares: npt.NDArray[np.float32]
    """Each middle's squared length."""
    counts: npt.NDArray[np.int32]
    """How many faces each is the middle of."""
    alone: npt.NDArray[np.float32]
    """What `Neighbourhood.shipped_alone` says of each, so that it is measured anew by one product."""
    around: npt.NDArray[np.float32]
    """Each one's neighbourhood."""
    numbers: npt.NDArray[np.int32]
    """The number of what that was measured with."""

    @classmethod
    def columns(cls) -> dict[str, np.dtype[np.generic]]:
        """The arrays' names, and the type of their numbers."""
        kinds = {"ids": np.int64, "counts": np.int32, "numbers": np.int32, "named": np.bool_}
        return {field.name: np.dtype(kinds.get(field.name, np.float32)) for field in fields(cls)[1:]}

    @classmethod
    def shape(cls, column: str, rows: int) -> tuple[int, ...]:
        """The shape of an array with so many rows."""
        return (rows, ENCODING_LENGTH) if column == "middles" else (rows,)

    @classmethod
    def with_room(cls: type[_Rows], rows: int) -> _Rows:
        """No rows yet, and room for so many."""
        return cls(0, **{name: np.zeros(cls.shape(name, rows), kind) for name, kind in cls.columns().items()})

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """All of them, with the room for more."""
        return {name: getattr(self, name) for name in self.columns()}

    @property
    def bytes(self) -> int:
        """What they take, with the room for more."""
        return sum(array.nbytes for array in self.arrays.values())

    def fill(self, ids: Sequence[int], totals: Sequence[EncodingSum], neighbourhood: Neighbourhood) -> None:
        """Write all rows, ascending by id; their neighbourhoods are still to be measured.

        Raises:
            ValueError: a middle is no encoding's.
        """
        self.used = len(ids)
        for start in range(0, len(ids), _BLOCK):
            part = slice(start, start + _BLOCK)
            self._write(part, ids[part], totals[part], neighbourhood)

    def place(self, wanted: int) -> tuple[int, bool]:
        """Where an id stands, or would stand; and whether it does."""
        place = int(np.searchsorted(self.ids[: self.used], wanted))
        return place, place < self.used and int(self.ids[place]) == wanted

    def places_of(self, wanted: npt.ArrayLike) -> Places:
        """Where these ids stand; -1 for what is not here."""
        ids = np.asarray(wanted, np.int64)
        places = np.searchsorted(self.ids[: self.used], ids)
        found = np.zeros(len(ids), np.bool_)
        inside = places < self.used
        found[inside] = self.ids[places[inside]] == ids[inside]
        return np.where(found, places, -1)

    def put(self, wanted: int, total: EncodingSum, neighbourhood: Neighbourhood) -> int:
        """Write the row of an id, and return its place; its neighbourhood is still to be measured.

        Raises:
            ValueError: the middle is no encoding's; nothing has changed then.
        """
        as_matrix(total.middle[None])
        place, is_there = self.place(wanted)
        if not is_there:
            self._open(place)
        self._write(slice(place, place + 1), [wanted], [total], neighbourhood)
        return place

    def measure(self, places: Places, neighbourhood: Neighbourhood, number: int) -> None:
        """Measure the neighbourhoods of these rows."""
        self.around[places] = neighbourhood.around(self.middles[places], self.alone[places])
        self.numbers[places] = number

    def longest_stale(self, places: Places, most: int) -> Places:
        """Of these rows the `most` that were measured the longest ago."""
        return places[np.argsort(self.numbers[places], kind="stable")][:most]

    def take_out(self, place: int) -> None:
        """Close the gap where a row was."""
        for array in self.arrays.values():
            array[place : self.used - 1] = array[place + 1 : self.used]
        self.used -= 1

    def keep(self, places: Places) -> None:
        """Take out all rows but these, which ascend. What stands before the first gap is not written."""
        gaps = np.flatnonzero(places != np.arange(len(places)))
        first = int(gaps[0]) if len(gaps) else len(places)
        for array in self.arrays.values():
            array[first : len(places)] = array[places[first:]]
        self.used = len(places)

    def _write(
        self, part: slice, ids: Sequence[int], totals: Sequence[EncodingSum], neighbourhood: Neighbourhood
    ) -> None:
        middles = as_matrix([total.middle for total in totals])
        self.ids[part], self.counts[part] = ids, [total.count for total in totals]
        self.middles[part], self.squares[part] = middles, squares_of(middles)
        self.alone[part] = neighbourhood.shipped_alone(middles)

    def _open(self, place: int) -> None:
        if self.used == len(self):
            self._grow()
        for array in self.arrays.values() if place < self.used else ():
            array[place + 1 : self.used + 1] = array[place : self.used]
        self.used += 1

    def _grow(self) -> None:
        more = type(self).with_room(with_spare_room(self.used) - len(self))
        for name, array in self.arrays.items():
            setattr(self, name, np.concatenate([array, getattr(more, name)]))
