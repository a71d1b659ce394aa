"""Faces of many people in one .npz file: `E`, their encodings, and `person`, a whole number for each face."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faces.people.products import as_matrix


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Encodings, shape (n, 128) float32, and each one's person."""

    encodings: npt.NDArray[np.float32]
    person: npt.NDArray[np.int64]

    @property
    def people(self) -> npt.NDArray[np.int64]:
        """Each person once, ascending."""
        return np.unique(self.person)

    def of(self, people: npt.NDArray[np.int64] | Sequence[int]) -> Faces:
        """The faces of these people alone."""
        wanted = np.isin(self.person, people)
        return Faces(self.encodings[wanted], self.person[wanted])

    def rows_of(self) -> dict[int, npt.NDArray[np.intp]]:
        """Each person's rows."""
        order = np.argsort(self.person, kind="stable")
        people, starts = np.unique(self.person[order], return_index=True)
        return dict(zip(people.tolist(), np.split(order, starts[1:]), strict=True))

    def one_of_each(self, dice: np.random.Generator) -> npt.NDArray[np.float32]:
        """One face of each person, drawn; in the order of `people`."""
        return self.encodings[[dice.choice(rows) for rows in self.rows_of().values()]]

    def few_of_each(self, most: int, dice: np.random.Generator) -> npt.NDArray[np.float32]:
        """At most so many drawn faces of each person."""
        return self.encodings[np.concatenate([dice.permutation(rows)[:most] for rows in self.rows_of().values()])]


def read_people(file: Path) -> Faces:
    """Read a file.

    Raises:
        SystemExit: it is not there, or is none; the sentence says what was found and what is needed.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            encodings, person = as_matrix(arrays["E"]), arrays["person"]
    except (OSError, ValueError, EOFError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise SystemExit(f"{file}: {error}; needed an .npz with E, shape (n, 128), and person, shape (n,)") from error
    if person.shape != (len(encodings),) or person.dtype.kind not in "iu":
        raise SystemExit(
            f"{file}: found person of shape {person.shape}, {person.dtype}; needed {len(encodings)} integers"
        )
    return Faces(encodings, person.astype(np.int64))
