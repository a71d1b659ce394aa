"""An image's faces after its rows were written: what our tables must say of them, in the same transaction.

One way for all that changes rows: a job, a verb, an answer, and what PHP has changed. It compares the rows with the
tables and brings those up to date, so doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from faces.errors import StoreUnavailable
from faces.library.image_update import GroupsMoved, ImageUpdate
from faces.library.library import Library
from faces.people.linking import Link
from faces.store import faces, images
from faces.store.database import Store, Transaction

T = TypeVar("T")

NO_LINKS: Mapping[int, Link] = MappingProxyType({})

#: Times that a transaction is done again because a group that it chose was joined to another meanwhile.
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Brings our tables up to date with the rows of images. Threads may share it."""

    store: Store
    library: Library

    def follow(self) -> None:
        """Let the library take in what was committed since the last time; one query where nothing was."""
        with self.store.reading() as transaction:
            self.library.follow(transaction)

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which brings an image up to date, in a transaction; again where groups have moved meanwhile.

        Raises:
            StoreUnavailable: the database cannot be used, or others change the same groups all the time.
        """
        for _ in range(_TRIES):
            with suppress(GroupsMoved):
                return self.store.write(work)
            self.follow()
        raise StoreUnavailable(f"the database {self.store.name} is too busy: others join the same groups all the time")

    def bring_up_to_date(
        self, transaction: Transaction, image_id: int, links: Mapping[int, Link] = NO_LINKS
    ) -> set[int]:
        """Make our tables say what an image's rows say, whose locks are held; locks groups, people and the library.

        Returns the other images whose faces hang on a face that is somebody else now: they are to be brought up to
        date, too, in transactions of their own.

        Args:
            transaction: in which the rows were written.
            image_id: the image.
            links: how faces were linked in this transaction, by face: each becomes an entry of the ledger.

        Raises:
            GroupsMoved: a group that a face is to join is gone; nothing must be committed.
        """
        return ImageUpdate(transaction, self.library, image_id, links).run()

    def update_images(self, image_ids: Iterable[int]) -> None:
        """Bring images up to date, each in a transaction of its own, and whatever hangs on their faces.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        waiting = dict.fromkeys(image_ids)
        while waiting:
            image_id = next(iter(waiting))
            del waiting[image_id]
            # The groups that the last one began or changed are chosen from for this one.
            self.follow()
            waiting |= dict.fromkeys(self.update_alone(image_id))

    def update_alone(self, image_id: int) -> set[int]:
        """Bring an image up to date; returns those that hang on its faces, which stay noted as pending.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        return self.write(partial(self._update_image, image_id=image_id))

    def _update_image(self, transaction: Transaction, image_id: int) -> set[int]:
        images.lock(transaction, image_id)
        faces.lock_of_image(transaction, image_id)
        return self.bring_up_to_date(transaction, image_id)
