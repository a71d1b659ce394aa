"""What people have said is no face: what lies near it is asked about, and no machine links it by itself.

A detector that takes a pattern for a face does so on the next photo of it again, and the encodings are as near to each
other as those of two shots of one face.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.kept_face import FaceState, SaidOfFace
from faces.people.products import as_matrix, exact_distances, pairs_up_to, rough_distances, squares_of
from faces.photo.face import ENCODING_LENGTH, Encoding

#: Euclidean distance strictly below which a find is asked about. People's faces are this near to each other in shots of
#: one moment only (docs/people.md has the figures).
LIMIT = 0.35

#: By how much a rough distance of about `LIMIT` may be wrong, and more.
_SPARE = 1e-3

#: Rows of a product at a time.
_BLOCK = 1024

#: What is asked about: nobody has said anything of it, a machine may have.
ASKED = frozenset({FaceState.UNKNOWN, FaceState.SUGGESTED, FaceState.LINKED})


@dataclass(frozen=True, slots=True)
class LikeNotFace:
    """The nearest of what is no face."""

    face_id: int
    distance: float


class NotFaces:
    """The encodings of faces that people have said are none. Does not change."""

    def __init__(self, encodings: Mapping[int, Encoding] | None = None, change: int = 0) -> None:
        """Take encodings by face, and the number of the change by which one came or went last."""
        known = sorted((encodings or {}).items())
        self.change = change
        self.ids = [face for face, _ in known]
        self._rows = as_matrix([numbers for _, numbers in known] or np.empty((0, ENCODING_LENGTH)))
        self._squares = squares_of(self._rows)

    def __len__(self) -> int:
        return len(self.ids)

    def without(self, faces: Collection[int]) -> NotFaces:
        """All but these, at the same change."""
        kept = {face: self._rows[at] for at, face in enumerate(self.ids) if face not in faces}
        return self if len(kept) == len(self) else NotFaces(kept, self.change)

    def nearest(self, encodings: npt.ArrayLike) -> list[LikeNotFace | None]:
        """For each encoding, shape (n, 128), the nearest strictly below `LIMIT`, of equals the smallest id.

        The rows beside one in a batch do not change its answer.
        """
        rows = as_matrix(encodings)
        found: list[LikeNotFace | None] = [None] * len(rows)
        for start in range(0, len(rows) if self.ids else 0, _BLOCK):
            block = rows[start : start + _BLOCK]
            rough = rough_distances(block, self._rows, self._squares)
            which, columns = pairs_up_to(rough, np.full(len(block), LIMIT + _SPARE, np.float32))
            distances = exact_distances(block, self._rows, which, columns)
            for row, column, distance in zip(which.tolist(), columns.tolist(), distances.tolist(), strict=True):
                best = found[start + row]
                if distance < LIMIT and (best is None or distance < best.distance):
                    found[start + row] = LikeNotFace(self.ids[column], distance)
        return found

    def nearest_of_each(self, encodings: Mapping[int, Encoding]) -> dict[int, int]:
        """Of faces by id those that are like one, with its id."""
        faces = list(encodings)
        near = self.nearest(_stacked([encodings[face] for face in faces]))
        return {face: like.face_id for face, like in zip(faces, near, strict=True) if like is not None}


def is_asked(state: FaceState, answer: SaidOfFace | None) -> bool:
    """Whether a face may be asked about: never one that a person has answered."""
    return answer is None and state in ASKED


def holds_back(like: LikeNotFace | None, distance: float) -> bool:
    """Whether no machine may link a face by itself to a person whose middle is so far from it.

    A person who is nearer wins: so a face that was said to be none by mistake keeps no other from its person.
    """
    return like is not None and like.distance <= distance


def _stacked(encodings: Sequence[Encoding]) -> npt.NDArray[np.float64]:
    return np.stack(encodings) if encodings else np.empty((0, ENCODING_LENGTH))
