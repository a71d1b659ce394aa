"""Faces that are older than our tables come into them: photo by photo, as if each had come just now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from faces.library.arrivals import Arrivals
from faces.library.groups.settling import Settling
from faces.store.sidecar import face_index


@dataclass(frozen=True, slots=True)
class TakingIn:
    """For one run; stopped at any moment, the next run goes on."""

    arrivals: Arrivals
    settling: Settling

    def images(self) -> dict[int, int]:
        """Those with faces that our tables do not know, by id, which is near the order of time, and how many.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        with self.arrivals.store.reading() as transaction:
            return face_index.not_indexed(transaction)

    def take_in(self, image_ids: Iterable[int], step: Callable[[], None]) -> int:
        """Take in the faces of these images, and join groups after each batch; returns how many went into others.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        joined = 0
        for image_id in image_ids:
            self.arrivals.update_images([image_id])
            joined += self.settling.join()
            step()
        return joined
