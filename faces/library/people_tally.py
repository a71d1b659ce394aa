"""What people gain and lose when faces become theirs or others', added up before their rows are locked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime

from faces.library.library import Library
from faces.people.encoding_sum import EncodingSum
from faces.people.kept_face import FaceState
from faces.store.database import Transaction
from faces.store.sidecar import people_of_app, people_rows
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.group_rows import Offer
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.people_rows import NOTHING, PersonChange

#: Faces of these states have no name: they are in groups, and people are offered for them.
UNNAMED = (FaceState.UNKNOWN, FaceState.SUGGESTED)


@dataclass(frozen=True, slots=True)
class PeopleTally:
    """The people that one transaction changes."""

    _changes: defaultdict[int, PersonChange] = field(default_factory=lambda: defaultdict(PersonChange))
    _times: defaultdict[tuple[int, datetime | None], int] = field(default_factory=lambda: defaultdict(int))
    """How many of a person's faces more, or less, were taken then: the time of a photo may be known late."""

    def take(self, one: IndexedFace | None, known: KnownEncoding | None = None) -> None:
        """A face is not any more what it was; `known` is its encoding, where it was confirmed."""
        if one and one.person_id is not None:
            self._changes[one.person_id] += _taken(_counted(one, known))
            self._times[one.person_id, one.taken_at] -= one.state not in UNNAMED

    def give(self, one: IndexedFace | None, known: KnownEncoding | None = None) -> None:
        """A face is this now."""
        if one and one.person_id is not None:
            self._changes[one.person_id] += _counted(one, known)
            self._times[one.person_id, one.taken_at] += one.state not in UNNAMED

    @property
    def people(self) -> set[int]:
        """Those that change: in `write` they are locked by id, where their locks are not held yet."""
        changed = {person for person, change in self._changes.items() if not change.is_nothing}
        return changed | {person for (person, _), faces in self._times.items() if faces}

    def write(self, transaction: Transaction, library: Library) -> set[int]:
        """Lock those that have changed by id, write them, and return them; the index of faces is written already."""
        changes = {person: self._changes[person] for person in self.people}
        people_rows.lock(transaction, changes.keys())
        # A middle of the app's stands in for a person until a face is confirmed: such a sum is never added to.
        others = [person for person, change in changes.items() if not change.total.is_nothing]
        sums = people_of_app.made_anew(transaction, others) if people_of_app.keeps_middles(transaction) else {}
        people_rows.apply(transaction, changes, library.around, sums)
        return set(changes)


def with_offer(one: IndexedFace, offer: Offer | None) -> IndexedFace:
    """An unnamed face with the offer for its group."""
    if offer is None:
        return replace(one, state=FaceState.UNKNOWN, person_id=None, probability=None)
    return replace(one, state=FaceState.SUGGESTED, person_id=offer.person_id, probability=offer.probability)


def _counted(one: IndexedFace, known: KnownEncoding | None) -> PersonChange:
    """What a face adds to its person."""
    confirmed = one.state is FaceState.CONFIRMED
    return PersonChange(
        EncodingSum.of(known.numbers[None]) if confirmed and known else NOTHING,
        int(confirmed),
        int(one.state is FaceState.LINKED),
        int(one.state is FaceState.SUGGESTED),
    )


def _taken(change: PersonChange) -> PersonChange:
    return PersonChange(NOTHING - change.total, -change.confirmed, -change.linked, -change.suggested)
