"""What only `refresh` looks for: what no change of the app's rows explains, but a fault or a lost table does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from faces.library.upkeep.differences import images_that_differ
from faces.people.groups.not_faces import is_asked
from faces.people.kept_face import FaceState, RowRule
from faces.store.database import Transaction
from faces.store.sidecar import (
    face_index,
    group_rows,
    known_encodings,
    ledger,
    library_row,
    photo_rows,
    unsettled_groups,
)
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.group_rows import GroupRow
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.ledger import PastLink
from faces.store.sidecar.not_face_rows import read_not_faces
from faces.store.sidecar.photo_rows import PhotoFacts
from faces.store.sidecar.upkeep import watched_rows
from faces.store.sidecar.upkeep.watched_rows import WatchedRow

#: What rows say of faces that a machine has linked: to a face, or to one of the app's persons.
_LINKED = (FaceState.LINKED, FaceState.SUGGESTED)


@dataclass(slots=True)
class WrongImages:
    """Images that are to be brought up to date, and what is to be forgotten before."""

    images: set[int] = field(default_factory=set)
    first: set[int] = field(default_factory=set)
    """Those of them with a confirmed face that others may hang on."""
    encodings: set[int] = field(default_factory=set)
    """Faces of which other numbers are kept than their rows have."""
    lost_encodings: set[int] = field(default_factory=set)
    """Faces that are no more and of which an encoding is kept."""


def look_closely(transaction: Transaction, rows: Sequence[WatchedRow], wrong: WrongImages) -> None:
    """Compare rows with all that our tables have of them, and note what is another."""
    found = set(images_that_differ(transaction, rows))
    known = _KnownClosely.read(transaction, rows)
    for row in rows:
        if not row.is_live or row.image_id is None:
            continue
        if known.encoding_is_another(row):
            wrong.encodings.add(row.face.id)
            found.add(row.image_id)
        elif known.differs(row, transaction.schema.rule):
            found.add(row.image_id)
    state = {row.image_id for row in rows if _may_be_a_parent(row, transaction.schema.rule)}
    wrong.first |= {image for image in found if image in state}
    wrong.images |= found


@dataclass(frozen=True, slots=True)
class _KnownClosely:
    index: dict[int, IndexedFace]
    kept: dict[int, KnownEncoding]
    member_of: dict[int, int]
    groups: dict[int, GroupRow]
    unsettled: set[int]
    photos: dict[int, PhotoFacts]
    links: dict[int, PastLink]
    like: dict[int, int] | None
    """Which face that was said to be none each of these is like; None where that is looked at still."""

    @classmethod
    def read(cls, transaction: Transaction, rows: Sequence[WatchedRow]) -> _KnownClosely:
        ids = watched_rows.ids_of(rows)
        index = face_index.read(transaction, ids)
        member_of = group_rows.groups_of(transaction, ids)
        groups = group_rows.read(transaction, set(member_of.values()))
        images = {row.image_id for row in rows if row.is_live and row.image_id is not None}
        linked = [row.face.id for row in rows if transaction.schema.rule.state(row.face) in _LINKED]
        return cls(
            index,
            known_encodings.kept_of(transaction, ids),
            member_of,
            groups,
            unsettled_groups.unsettled_of(transaction, groups.keys()),
            photo_rows.made_anew(transaction, images),
            ledger.last_links(transaction, linked),
            _likeness(transaction, rows),
        )

    def encoding_is_another(self, row: WatchedRow) -> bool:
        """Whether numbers are kept of the very text that do not stand in it."""
        kept, read = self.kept.get(row.face.id), row.encoding
        is_same_text = kept is not None and read is not None and kept.crc == read.crc
        return is_same_text and known_encodings.bits(kept) != known_encodings.bits(read)

    def differs(self, row: WatchedRow, rule: RowRule) -> bool:
        one = self.index.get(row.face.id)
        if one is None or row.image_id is None:
            return True
        photo = self.photos.get(row.image_id)
        return (
            one.group_id != self.member_of.get(row.face.id)
            or (photo is not None and (one.source_id, one.taken_at) != (photo.source_id, photo.taken_at))
            or self._offer_differs(one, rule.state(row.face))
            or self._likeness_differs(one, row)
            or (rule.state(row.face) in _LINKED and one.probability != self._probability(row))
        )

    def _offer_differs(self, one: IndexedFace, state: FaceState) -> bool:
        """Faces of a group that has not been asked about since it changed hear of that when it settles."""
        if state is not FaceState.UNKNOWN or one.group_id in self.unsettled:
            return False
        group = self.groups.get(one.group_id or 0)
        offer = group.offer if group else None
        expected = (offer.person_id, offer.probability) if offer else (None, None)
        return (one.person_id, one.probability) != expected

    def _likeness_differs(self, one: IndexedFace, row: WatchedRow) -> bool:
        if self.like is None:
            return False
        expected = self.like.get(row.face.id) if is_asked(one.state, row.face.answer) else None
        return one.like_not_face != expected

    def _probability(self, row: WatchedRow) -> float | None:
        link = self.links.get(row.face.id)
        is_still_it = link is not None and link.is_of(row.face.parent_id, row.face.person_id)
        return link.probability if link and is_still_it else None


def _likeness(transaction: Transaction, rows: Sequence[WatchedRow]) -> dict[int, int] | None:
    state = library_row.read(transaction)
    if state.not_face_change > state.not_face_looked:
        return None
    not_faces = read_not_faces(transaction, state.not_face_change)
    read = {row.face.id: row.encoding for row in rows if row.is_live} if not_faces else {}
    return not_faces.nearest_of_each({face: known.numbers for face, known in read.items() if known is not None})


def _may_be_a_parent(row: WatchedRow, rule: RowRule) -> bool:
    return row.is_live and rule.state(row.face) is FaceState.CONFIRMED
