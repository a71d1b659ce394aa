"""Where else a person is: the nearest faces with what our tables have of them, and the likeliest people."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from faces.errors import RequestError
from faces.library.library import Library
from faces.library.search.face_search import FaceSearch
from faces.people.identify import Contender, contenders
from faces.people.refs import Ref
from faces.photo.face import Encoding
from faces.store.database import Store
from faces.store.sidecar import face_filter, known_encodings
from faces.store.sidecar.face_filter import FaceFilter
from faces.store.sidecar.face_index import IndexedFace

#: How many times as many faces are asked when those did not suffice.
_FURTHER = 4

_EVERY_FACE = FaceFilter()


@dataclass(frozen=True, slots=True)
class SearchedFace:
    """A face that was found, with what the index of faces has of it: image, person, state, group."""

    face_id: int
    distance: float
    indexed: IndexedFace


@dataclass(frozen=True, slots=True)
class FaceFinder:
    """Threads may share it."""

    store: Store
    search: FaceSearch
    library: Library
    few_wanted: int = 20_000
    """Up to so many wanted faces are looked for by their ids; of more it is asked whether the nearest are wanted."""
    most_asked: int = 5_000
    """Of so many it is asked; where not enough of them are wanted, the ids of all that are wanted are read."""

    def faces(
        self,
        encoding: Encoding,
        count: int,
        wanted: FaceFilter = _EVERY_FACE,
        *,
        most: float = math.inf,
        without: Collection[int] = (),
    ) -> list[SearchedFace]:
        """The nearest faces that are wanted, nearest first, of equals by id; with all that was committed until now.

        None that is soft-deleted in its row, whether or not our tables have followed that.

        Args:
            encoding: shape (128,).
            count: how many at most, 1 or more.
            wanted: which faces.
            most: the largest distance of one that is told.
            without: none of these.

        Raises:
            ValueError: it is no encoding.
            StoreUnavailable: the database cannot be used.
        """
        self.search.follow()
        among = self._few_wanted(wanted)
        known: dict[int, IndexedFace] = {}
        asked_of, asked = set[int](), count
        while True:
            (near,) = self.search.nearest(encoding[None], asked, most=most, among=among, without=without)
            new = {one.face_id for one in near} - asked_of
            asked_of |= new
            with self.store.reading() as transaction:
                known |= face_filter.wanted_of(transaction, new, wanted)
                if asked >= self.most_asked and among is None:
                    among = face_filter.ids_of(transaction, wanted)
            found = [
                SearchedFace(one.face_id, one.distance, known[one.face_id]) for one in near if one.face_id in known
            ]
            if len(found) >= count or len(near) < asked:
                return found[:count]
            asked *= _FURTHER

    def faces_like(
        self, face_id: int, count: int, wanted: FaceFilter = _EVERY_FACE, *, most: float = math.inf
    ) -> list[SearchedFace]:
        """The faces nearest to one, which is not told itself, as `faces` has them.

        Raises:
            RequestError: there is no such face, or no encoding of it.
            StoreUnavailable: the database cannot be used.
        """
        return self.faces(self.encoding_of(face_id), count, wanted, most=most, without={face_id})

    def encoding_of(self, face_id: int) -> Encoding:
        """What is kept of a face that is there, shape (128,).

        Raises:
            RequestError: there is no such face, or no encoding of it.
            StoreUnavailable: the database cannot be used.
        """
        with self.store.reading() as transaction:
            known = known_encodings.kept_of(transaction, [face_id])
            if face_id not in known or not face_filter.wanted_of(transaction, [face_id], _EVERY_FACE):
                raise RequestError(f"found no face {Ref('face', face_id)} with an encoding")
        return known[face_id].numbers

    def people(self, encoding: Encoding, count: int) -> list[Contender]:
        """The people that a face may be, by score, as `contenders` says; with all that was committed until now.

        The first one's numbers are those of `Library.identify`.

        Raises:
            ValueError: it is no encoding.
            StoreUnavailable: the database cannot be used.
        """
        with self.store.reading() as transaction:
            self.library.follow(transaction)
        with self.library.mutex:
            return contenders(np.asarray(encoding), self.library.people, self.library.learned, count)

    def _few_wanted(self, wanted: FaceFilter) -> list[int] | None:
        """The wanted faces, where they are few."""
        if wanted.is_nothing:
            return None
        with self.store.reading() as transaction:
            ids = face_filter.ids_of(transaction, wanted, self.few_wanted + 1)
        return ids if len(ids) <= self.few_wanted else None
