"""Images that were noted as pending, brought up to date: what a killed process left, and metadata that came late."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from faces.errors import FacesError
from faces.library.arrivals import Arrivals
from faces.store.sidecar.upkeep import pending_images

_log = logging.getLogger(__name__)

#: Seconds that this takes at most between two jobs, one image more or less; the rest is done after the next.
_BUDGET = 0.25

#: Notes read at a time.
_NOTES = 200

#: Images whose metadata is waited for that one look asks about: 10 ms where their rows are in the server's memory, 40
#: where they are not. Of more, each look asks about the next.
_AWAITED = 1000


def _never() -> bool:
    return False


@dataclass(slots=True)
class PendingUpdates:
    """Works off the notes of any process. Threads may share it: one does it, the others go on.

    Beside an app it is a part of each look at what the app changed; in a file of our own it is all that is looked at.
    """

    arrivals: Arrivals
    clock: Callable[[], float] = time.monotonic
    updated: int = 0
    """Images brought up to date so far."""
    _mutex: threading.Lock = field(default_factory=threading.Lock)
    _last_awaited: int = 0

    def look_if_due(self) -> None:
        """Work off what there is, between two jobs; one query where there is nothing, as almost ever.

        Raises nothing of the database's: what is done stays, and the rest is done the next time.
        """
        if not self._mutex.acquire(blocking=False):
            return
        try:
            end = self.clock() + _BUDGET
            self.follow(lambda: self.clock() >= end)
        except FacesError as error:
            _log.warning("what another process left undone is done later: %s", error)
        finally:
            self._mutex.release()

    def look(self) -> None:
        """Work off all that there is now.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        with self._mutex:
            self.follow()

    def follow(self, is_over: Callable[[], bool] = _never, *, all_awaited: bool = True) -> bool:
        """Ask whose metadata has come, then work off what is stale; False where it was over before all was done.

        Args:
            is_over: asked before each image.
            all_awaited: ask about all images whose metadata is waited for; else about the next of them.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        return all(
            self._update(images, is_over) for images in chain(self._awaited(all_awaited=all_awaited), self._stale())
        )

    def _stale(self) -> Iterator[list[int]]:
        last = 0
        while True:
            with self.arrivals.store.reading() as transaction:
                notes = pending_images.stale(transaction, last, _NOTES)
            if not notes:
                return
            yield list(dict.fromkeys(note.image_id for note in notes))
            # Behind it are, among others, those that hang on the faces of these images.
            last = notes[-1].id

    def _awaited(self, *, all_awaited: bool) -> Iterator[list[int]]:
        if self.arrivals.store.schema.ours or "metadata" not in self.arrivals.store.schema.image_columns:
            return
        last: int | None = 0 if all_awaited else self._last_awaited
        while last is not None:
            with self.arrivals.store.reading() as transaction:
                found = pending_images.awaited(transaction, last, _AWAITED)
            yield found.come
            if found.over:
                self.arrivals.store.write(partial(pending_images.remove, ids=found.over))
            last = found.last
            if not all_awaited:
                self._last_awaited = last or 0
                return

    def _update(self, image_ids: list[int], is_over: Callable[[], bool]) -> bool:
        for image_id in image_ids:
            if is_over():
                return False
            self.arrivals.follow()
            self.arrivals.update_alone(image_id)
            self.updated += 1
        return True
