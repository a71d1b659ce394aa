"""What people gain and lose when faces become theirs or others', added up before their rows are locked."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime

from faces.library.library import Library
from faces.people.encoding_sum import EncodingSum
from faces.people.kept_face import FaceState
from faces.people.matching import Encodings
from faces.store.database import Transaction
from faces.store.sidecar import people_of_app, people_rows
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.group_rows import Offer
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.people_rows import NOTHING, PersonChange

#: Faces of these states have no name: they are in groups, and people are offered for them.
UNNAMED = (FaceState.UNKNOWN, FaceState.SUGGESTED)


@dataclass(slots=True)
class _Noted:
    """Of one person; encodings are added up all at once, since there may be thousands."""

    confirmed: int = 0
    linked: int = 0
    suggested: int = 0
    times: Counter[datetime | None] = field(default_factory=Counter)
    """How many of the faces more, or less, were taken then: the time of a photo may be known late."""
    gained: list[Encodings] = field(default_factory=list)
    lost: list[Encodings] = field(default_factory=list)

    def count(self, one: IndexedFace, by: int) -> None:
        self.confirmed += by * (one.state is FaceState.CONFIRMED)
        self.linked += by * (one.state is FaceState.LINKED)
        self.suggested += by * (one.state is FaceState.SUGGESTED)
        self.times[one.taken_at] += by * (one.state not in UNNAMED)

    @property
    def change(self) -> PersonChange:
        return PersonChange(_sum(self.gained) - _sum(self.lost), self.confirmed, self.linked, self.suggested)


@dataclass(frozen=True, slots=True)
class PeopleTally:
    """The people that one transaction changes."""

    _noted: defaultdict[int, _Noted] = field(default_factory=lambda: defaultdict(_Noted))

    def take(self, one: IndexedFace | None, known: KnownEncoding | None = None) -> None:
        """A face is not any more what it was; `known` is its encoding, where it was confirmed."""
        if one and one.person_id is not None:
            noted = self._noted[one.person_id]
            noted.count(one, -1)
            if one.state is FaceState.CONFIRMED and known:
                noted.lost.append(known.numbers)

    def give(self, one: IndexedFace | None, known: KnownEncoding | None = None) -> None:
        """A face is this now."""
        if one and one.person_id is not None:
            noted = self._noted[one.person_id]
            noted.count(one, 1)
            if one.state is FaceState.CONFIRMED and known:
                noted.gained.append(known.numbers)

    @property
    def people(self) -> set[int]:
        """Those that change: in `write` they are locked by id, where their locks are not held yet."""
        return set(self._changes())

    def write(self, transaction: Transaction, library: Library) -> set[int]:
        """Lock those that have changed by id, write them, and return them; the index of faces is written already."""
        changes = self._changes()
        people_rows.lock(transaction, changes.keys())
        # A middle of the app's stands in for a person until a face is confirmed: such a sum is never added to.
        others = [person for person, change in changes.items() if not change.total.is_nothing]
        sums = people_of_app.made_anew(transaction, others) if people_of_app.keeps_middles(transaction) else {}
        people_rows.apply(transaction, changes, library.around, sums)
        return set(changes)

    def _changes(self) -> dict[int, PersonChange]:
        changes = {person: noted.change for person, noted in self._noted.items()}
        return {
            person: change
            for person, change in changes.items()
            if not change.is_nothing or any(self._noted[person].times.values())
        }


def with_offer(one: IndexedFace, offer: Offer | None) -> IndexedFace:
    """An unnamed face with the offer for its group."""
    if offer is None:
        return replace(one, state=FaceState.UNKNOWN, person_id=None, probability=None)
    return replace(one, state=FaceState.SUGGESTED, person_id=offer.person_id, probability=offer.probability)


def _sum(encodings: list[Encodings]) -> EncodingSum:
    return EncodingSum.of(encodings) if encodings else NOTHING
