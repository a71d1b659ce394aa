"""Faces that came before something like them was said to be no face, or that are like nothing such any more.

One product over all that no person has answered, in pages beside the jobs; a face that comes later is compared in the
transaction of its own photo.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from faces.library.library import Library
from faces.store import images
from faces.store.database import Store, Transaction, chunked
from faces.store.sidecar import not_face_rows
from faces.store.sidecar.not_face_rows import AskedFaces

#: Faces compared at a time: a megabyte of encodings.
PAGE = 2000


@dataclass(slots=True)
class OlderFinds:
    """Looks at them for one process. `go_on` is called between two pages, and ends it by raising; it goes on there."""

    store: Store
    library: Library
    go_on: Callable[[], None]
    page: int = PAGE
    _change: int = 0
    """What was no face at this change is compared with."""
    _after: int = 0

    @property
    def is_due(self) -> bool:
        """Whether a face has come to be none, or ceased to, since all were compared."""
        state = self.library.state
        return state.not_face_change > state.not_face_looked

    def look(self) -> int:
        """Compare all, where that is due; how many faces have become like something else, or like nothing.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        changed = 0
        while self.is_due:
            if self._change != self.library.not_faces.change:
                self._change, self._after = self.library.not_faces.change, 0
            self.go_on()
            changed += self._look_at_page()
        return changed

    def _look_at_page(self) -> int:
        with self.store.reading() as transaction:
            ids, encodings = not_face_rows.encodings_after(transaction, self._after, self.page)
            told = not_face_rows.likeness_between(transaction, self._after, ids[-1]) if ids else {}
        near = zip(ids, self.library.not_faces.nearest(encodings), strict=True)
        like = {face: one.face_id for face, one in near if one is not None}
        changed = 0
        for some in chunked(face for face in sorted(like.keys() | told.keys()) if like.get(face) != told.get(face)):
            changed += self._compare(some)
        if ids:
            self._after = ids[-1]
        else:
            self.store.write(partial(not_face_rows.note_looked, change=self._change))
            self._follow()
        return changed

    def _compare(self, face_ids: Collection[int]) -> int:
        """Few of those that lie near are asked about: that one itself is among them."""
        with self.store.reading() as transaction:
            faces = not_face_rows.asked(transaction, face_ids)
        differing = self._differing(faces)
        images_of = dict(zip(faces.ids, faces.image_ids, strict=True))
        locked = {images_of[face] for face in differing}
        if not differing:
            return 0
        return self.store.write(partial(self._write, face_ids=differing.keys(), image_ids=locked))

    def _differing(self, faces: AskedFaces) -> dict[int, int | None]:
        near = [like.face_id if like else None for like in self.library.not_faces.nearest(faces.encodings)]
        return {face: now for face, now, was in zip(faces.ids, near, faces.like, strict=True) if now != was}

    def _write(self, transaction: Transaction, face_ids: Collection[int], image_ids: Collection[int]) -> int:
        """Of the faces that are in these images still, and that no person has answered meanwhile."""
        images.lock_all(transaction, image_ids)
        current = not_face_rows.asked(transaction, face_ids)
        here = {face for face, image in zip(current.ids, current.image_ids, strict=True) if image in image_ids}
        differing = {face: like for face, like in self._differing(current).items() if face in here}
        not_face_rows.write(transaction, differing)
        return len(differing)

    def _follow(self) -> None:
        with self.store.reading() as transaction:
            self.library.follow(transaction)
