"""A search without any art: a list, and a distance after the other. What an index outside would have to answer, too."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from faces.library.search.face_search import NearFace
from faces.people.products import as_matrix
from faces.store.database import Store
from faces.store.sidecar import encoding_changes

#: More faces than any test has.
_ALL = 1_000_000


class PlainSearch:
    """Another `FaceSearch`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._faces: dict[int, npt.NDArray[np.float32]] = {}

    def follow(self) -> None:
        with self._store.reading() as transaction:
            rows = encoding_changes.after(transaction, 0, _ALL)
        self._faces = dict(zip(rows.ids.tolist(), rows.encodings, strict=True))

    def nearest(
        self,
        encodings: npt.ArrayLike,
        count: int,
        *,
        most: float = math.inf,
        among: Collection[int] | None = None,
        without: Collection[int] = (),
    ) -> list[list[NearFace]]:
        faces = [face for face in self._faces if (among is None or face in among) and face not in without]
        found = []
        for asked in as_matrix(encodings).astype(np.float64):
            distances = [(float(np.sqrt(np.square(asked - self._faces[face]).sum())), face) for face in faces]
            near = sorted(one for one in distances if one[0] <= most and one[0] <= 20)
            found.append([NearFace(face, distance) for distance, face in near[:count]])
        return found
