"""All that is derived made anew, of rows, memberships, ledger and refusals; and what of it was another before.

Facts stay as they are, but for memberships of faces that are no more. It works in batches beside running workers. Whom
a group may be is not asked again: settling does that, for all of them by `worker group`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from faces.errors import StoreUnavailable
from faces.library.arrivals import Arrivals
from faces.library.image_update import GroupsMoved
from faces.library.upkeep.app_persons import AppPersons
from faces.library.upkeep.deep_differences import WrongImages, look_closely
from faces.library.upkeep.totals import Totals
from faces.store import faces, images
from faces.store.database import Transaction
from faces.store.sidecar import face_index, group_rows, known_encodings, library_row
from faces.store.sidecar.upkeep import counted, watched_rows

T = TypeVar("T")

#: Rows of `faces`, people and groups looked at in one transaction.
_ROWS, _PEOPLE, _GROUPS = 500, 100, 100

#: Times that an image is done again because its group was joined to another meanwhile.
_TRIES = 20


@dataclass(slots=True)
class Differences:
    """What was another than it is made anew: ids, each kind ascending."""

    faces: set[int] = field(default_factory=set)
    """Their rows in the index: state, person, group, offer, date."""
    encodings: set[int] = field(default_factory=set)
    """What is kept of the encodings of these faces."""
    memberships: set[int] = field(default_factory=set)
    """Faces that were in a group and belong in none, or in none though nobody has said who they are."""
    persons: set[int] = field(default_factory=set)
    """People of ours who stand for the app's: their names and middles."""
    people: set[int] = field(default_factory=set)
    """Sums, counters and masters."""
    groups: set[int] = field(default_factory=set)
    """Sizes and sums."""
    alarm: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether all was as it must be."""
        found = (self.faces, self.encodings, self.memberships, self.persons, self.people, self.groups)
        return not (self.alarm or any(found))


@dataclass(slots=True)
class Refresh:
    """One run. For one thread."""

    arrivals: Arrivals
    keep: bool = True
    """Whether what is made anew is kept; else everything is only compared."""
    found: Differences = field(default_factory=Differences)
    _people_before: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Of those whose faces are mended."""

    def run(self) -> Differences:
        """Make all anew.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        self._follow()
        persons = AppPersons(self.arrivals.store, self.arrivals.library)
        self.found.persons |= set(persons.differing())
        if self.keep:
            persons.follow()
        self._remake_faces()
        self._remake_totals()
        return self.found

    # --- faces ---

    def _remake_faces(self) -> None:
        wrong = self._wrong_images()
        # Faces hang on confirmed ones, which come first: then each is done once.
        for image_id in (*wrong.first, *(one for one in wrong.images if one not in wrong.first)):
            self._remake_image(image_id, wrong.encodings)
        if wrong.lost_encodings:
            self.found.encodings |= wrong.lost_encodings
            self._write(partial(_forget, face_ids=wrong.lost_encodings))

    def _wrong_images(self) -> WrongImages:
        wrong = WrongImages()
        after, store = 0, self.arrivals.store
        while True:
            with store.reading() as transaction:
                rows = watched_rows.in_order(transaction, after, _ROWS)
                look_closely(transaction, rows, wrong)
            if not rows:
                break
            after = rows[-1].face.id
        for read, into in (
            (watched_rows.images_of_lost, wrong.images),
            (watched_rows.images_of_lost_members, wrong.images),
            (watched_rows.lost_encodings, wrong.lost_encodings),
        ):
            last: int | None = 0
            while last is not None:
                with store.reading() as transaction:
                    lost, last = read(transaction, last, _ROWS)
                into |= lost
        return wrong

    def _remake_image(self, image_id: int, wrong_encodings: Collection[int]) -> None:
        for _ in range(_TRIES):
            self._follow()
            with suppress(GroupsMoved):
                followers = self._write(partial(self._mend, image_id=image_id, wrong_encodings=wrong_encodings))
                if self.keep:
                    self.arrivals.update_images(followers)
                return
        raise StoreUnavailable(f"the database {self.arrivals.store.name} is too busy: others join the same groups")

    def _mend(self, transaction: Transaction, image_id: int, wrong_encodings: Collection[int]) -> set[int]:
        """Bring an image up to date, and note what of it was another."""
        images.lock(transaction, image_id)
        rows = {row.id for row in faces.lock_of_image(transaction, image_id)}
        index, members = face_index.of_image(transaction, image_id), group_rows.groups_of_image(transaction, image_id)
        encodings = known_encodings.kept_of(transaction, rows | index.keys())
        forgotten = known_encodings.replace(transaction, set(wrong_encodings) & index.keys(), {})
        followers = self.arrivals.bring_up_to_date(transaction, image_id)
        if forgotten:
            # What cannot be read any more is not kept again, and is no change of the image's either.
            known_encodings.note(transaction, forgotten, library_row.next_change(transaction))
        now, now_members = face_index.of_image(transaction, image_id), group_rows.groups_of_image(transaction, image_id)
        self._note_people({one.person_id for one in (*index.values(), *now.values()) if one.person_id is not None})
        now_encodings = known_encodings.kept_of(transaction, rows | index.keys())
        self.found.faces |= {face for face in index.keys() | now.keys() if index.get(face) != now.get(face)}
        self.found.memberships |= {
            face for face in members.keys() | now_members.keys() if members.get(face) != now_members.get(face)
        }
        self.found.encodings |= {
            face
            for face in encodings.keys() | now_encodings.keys()
            if known_encodings.bits(encodings.get(face)) != known_encodings.bits(now_encodings.get(face))
        }
        return followers

    def _note_people(self, ids: set[int]) -> None:
        """As they are without the transaction in hand: mending a face changes its people's sums once more."""
        with self.arrivals.store.reading() as transaction:
            known = counted.kept(transaction, ids - self._people_before.keys())
        self._people_before |= known

    # --- people, groups, the alarm ---

    def _remake_totals(self) -> None:
        totals = Totals(self.arrivals.store, self.arrivals.library)
        for ids in self._batches(counted.people_after, _PEOPLE):
            self.found.people |= set(self._write(partial(totals.remake_people, ids=ids, before=self._people_before)))
        for ids in self._batches(counted.groups_after, _GROUPS):
            self.found.groups |= set(self._write(partial(totals.remake_groups, ids=ids)))
        self.found.alarm |= totals.remake_alarm(keep=self.keep)

    def _batches(self, ids_after: Callable[[Transaction, int, int], list[int]], most: int) -> Iterator[Sequence[int]]:
        last = 0
        while True:
            self._follow()
            with self.arrivals.store.reading() as transaction:
                ids = ids_after(transaction, last, most)
            if not ids:
                return
            yield ids
            last = ids[-1]

    # --- ---

    def _follow(self) -> None:
        self.arrivals.follow()

    def _write(self, work: Callable[[Transaction], T]) -> T:
        """In a transaction that is kept, or in a dry run is not."""
        store = self.arrivals.store
        return store.write(work) if self.keep else store.try_out(work)


def _forget(transaction: Transaction, face_ids: Collection[int]) -> None:
    forgotten = known_encodings.replace(transaction, face_ids, {})
    known_encodings.note(transaction, forgotten, library_row.next_change(transaction))
