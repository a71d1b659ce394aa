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
from faces.store.database import Store, Transaction
from faces.store.sidecar import not_face_rows
from faces.store.sidecar.not_face_rows import AskedFace

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
            page = not_face_rows.asked_after(transaction, self._after, self.page)
        differing = self._differing(page)
        changed = 0
        if differing:
            locked = {page[face].image_id for face in differing}
            changed = self.store.write(partial(self._write, face_ids=differing, image_ids=locked))
        if page:
            self._after = max(page)
        else:
            self.store.write(partial(not_face_rows.note_looked, change=self._change))
            self._follow()
        return changed

    def _differing(self, faces: dict[int, AskedFace]) -> dict[int, int | None]:
        near = self.library.not_faces.nearest_of_each({face: one.encoding for face, one in faces.items()})
        return {face: near.get(face) for face, one in faces.items() if near.get(face) != one.like_not_face}

    def _write(self, transaction: Transaction, face_ids: Collection[int], image_ids: Collection[int]) -> int:
        """Of the faces that are in these images still, and that no person has answered meanwhile."""
        images.lock_all(transaction, image_ids)
        current = not_face_rows.asked(transaction, face_ids)
        differing = self._differing({face: one for face, one in current.items() if one.image_id in set(image_ids)})
        not_face_rows.write(transaction, differing)
        return len(differing)

    def _follow(self) -> None:
        with self.store.reading() as transaction:
            self.library.follow(transaction)
