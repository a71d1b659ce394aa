"""What our tables must say of one image's faces: who they are, which group they are in, who is offered.

The locks of the image and of its faces are held; groups, people and the library are locked here, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from faces.library.library import Library
from faces.library.people_of_rows import PeopleOfRows
from faces.library.people_tally import UNNAMED, PeopleTally, with_offer
from faces.library.upkeep.no_face_changes import likeness_differs, not_faces_differ, with_likeness
from faces.people.encoding_sum import EncodingSum
from faces.people.groups.alarm import Alarm
from faces.people.groups.group_index import NearGroup
from faces.people.groups.not_faces import NotFaces
from faces.people.kept_face import FaceState, KeptFace
from faces.people.linking import Link
from faces.people.refs import Ref
from faces.store import faces
from faces.store.database import Transaction
from faces.store.sidecar import (
    face_index,
    group_rows,
    known_encodings,
    ledger,
    library_row,
    not_face_rows,
    people_rows,
    photo_rows,
)
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.group_rows import GroupRow, Offer
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.ledger import FaceChange
from faces.store.sidecar.photo_rows import PhotoFacts
from faces.store.sidecar.upkeep import pending_images
from faces.store.sidecar.upkeep.pending_images import PendingImage

#: Up to so many people a job asks about the groups that its faces are in: that is a product with all of them, 7 ms of
#: CPU for three faces among 100,000. Where there are more, groups keep what was offered until they settle.
_ASKED_AT_ONCE = 20_000


class GroupsMoved(Exception):
    """Groups or names are others than when it was decided.

    The library has to follow first, and the work is done again.
    """


@dataclass(slots=True)
class ImageUpdate:
    """One image being brought up to date, in one transaction."""

    transaction: Transaction
    library: Library
    image_id: int
    links: Mapping[int, Link]
    rows: dict[int, KeptFace] = field(default_factory=dict)
    before: dict[int, IndexedFace] = field(default_factory=dict)
    kept: dict[int, KnownEncoding] = field(default_factory=dict)
    read: dict[int, KnownEncoding] = field(default_factory=dict)
    member_of: dict[int, int] = field(default_factory=dict)
    groups: dict[int, GroupRow] = field(default_factory=dict)
    totals: dict[int, EncodingSum] = field(default_factory=dict)
    offers: dict[int, Offer | None] = field(default_factory=dict)
    alarm: Alarm = field(default_factory=Alarm)
    touched_groups: set[int] = field(default_factory=set)
    photo: PhotoFacts = field(default=PhotoFacts(None, None))
    not_faces: NotFaces = field(init=False)
    people: PeopleOfRows = field(init=False)

    def run(self) -> set[int]:
        transaction = self.transaction
        notes = pending_images.of_image(transaction, self.image_id)
        self.people, self.not_faces = PeopleOfRows(transaction), self.library.not_faces
        live = [row for row in faces.of_image(transaction, self.image_id) if not row.deleted]
        self.rows = {row.id: row for row in live}
        self.before = face_index.of_image(transaction, self.image_id)
        self.read = known_encodings.read_of_image(transaction, self.image_id)
        self.kept = known_encodings.kept_of(transaction, self.rows.keys() | self.before.keys())
        self.member_of = group_rows.groups_of_image(transaction, self.image_id)
        after = self._states()
        changed = {face for face, one in self.kept.items() if face not in self.read or self.read[face].crc != one.crc}
        self._regroup(after, changed)
        after = {face: self._with_offer(one) for face, one in after.items()}
        after = with_likeness(self.not_faces, after, self.rows, self.read)
        encodings = self._keep_encodings(changed)
        for face in sorted(self.before.keys() | after.keys()):
            face_index.write(transaction, face, self.before.get(face), after.get(face))
        self._tell(after, changed, encodings)
        self._enter_links(after)
        self._remove(notes)
        followers = self._followers(after)
        pending_images.add(transaction, followers)
        return followers

    # --- who ---

    def _states(self) -> dict[int, IndexedFace]:
        """What the rows say of each face; groups and offers come later."""
        persons = self.people.of(self.rows.values(), self.before)
        if self.rows:
            self.photo = photo_rows.of_image(self.transaction, self.image_id)
        rule = self.transaction.schema.rule
        states = {row.id: rule.state(row) for row in self.rows.values()}
        probabilities = self._probabilities(states)
        return {
            row.id: IndexedFace(
                self.image_id,
                self.photo.source_id,
                self.photo.taken_at,
                persons.get(row.id),
                self.member_of.get(row.id),
                states[row.id],
                probabilities.get(row.id),
                row.quality_score,
            )
            for row in self.rows.values()
        }

    def _probabilities(self, states: Mapping[int, FaceState]) -> dict[int, float]:
        """What links, and the app's suggestions, were made with: the ledger keeps that."""
        linked = [face for face, state in states.items() if state in (FaceState.LINKED, FaceState.SUGGESTED)]
        found = {
            face: link.found.probability for face, link in self.links.items() if face in states and link.found
        }  # fmt: skip
        earlier = ledger.last_links(self.transaction, set(linked) - self.links.keys())
        return found | {
            face: link.probability
            for face, link in earlier.items()
            if link.probability is not None and link.is_of(self.rows[face].parent_id, self.rows[face].person_id)
        }

    # --- groups ---

    def _regroup(self, after: dict[int, IndexedFace], changed: set[int]) -> None:
        """Who leaves a group, and who joins one."""
        known = group_rows.read(self.transaction, set(self.member_of.values()))
        leaving = {face: group for face, group in self.member_of.items() if self._leaves(face, after, changed, known)}
        staying = self.member_of.keys() - leaving.keys()
        arriving = [
            face
            for face, one in sorted(after.items())
            if one.state in UNNAMED and face in self.read and face not in staying
        ]
        near = self._near(arriving)
        wanted = {one.group for one in near.values() if one is not None}
        named = self._to_be_named(after, staying, known)
        self.groups = group_rows.lock(self.transaction, {*leaving.values(), *wanted, *named})
        if self._have_moved(wanted, known):
            raise GroupsMoved
        self.totals = {group: row.total for group, row in self.groups.items()}
        for face, group in leaving.items():
            self._leave(face, group)
        for group, person in named.items():
            group_rows.update(self.transaction, group, {"person_id": person})
            self.touched_groups.add(group)
        self._join(near)
        for face, one in after.items():
            after[face] = replace(one, group_id=self.member_of.get(face))
        self._write_groups()

    def _have_moved(self, wanted: set[int], known: Mapping[int, GroupRow]) -> bool:
        """Whether what was decided without locks is decided upon other groups: joined, empty, or somebody else's."""
        if group_rows.groups_of_image(self.transaction, self.image_id) != self.member_of:
            return True
        locked = self.groups.keys()
        if any(self.groups[group].person_id != known[group].person_id for group in locked & known.keys()):
            return True
        return any(not self.groups[group].is_there for group in locked & wanted)

    def _near(self, arriving: list[int]) -> dict[int, NearGroup | None]:
        if not arriving:
            return {}
        encodings = np.stack([self.read[face].numbers for face in arriving])
        return dict(zip(arriving, self.library.nearest_groups(encodings), strict=True))

    def _write_groups(self) -> None:
        """Write what groups have become, and whom to offer for them; their other faces hear of it when they settle."""
        totals = {group: self.totals[group] for group in sorted(self.touched_groups)}
        self.offers |= self._offers(totals)
        for group, total in totals.items():
            around = self.library.around(total) if total.count else None
            group_rows.write_total(self.transaction, group, total, around, self.offers[group])

    def _offers(self, totals: Mapping[int, EncodingSum]) -> Mapping[int, Offer | None]:
        if len(self.library.people) <= _ASKED_AT_ONCE:
            return self.library.offers_for(totals)
        return {
            group: self.groups[group].offer if group in self.groups and total.count else None
            for group, total in totals.items()
        }

    def _leaves(
        self, face: int, after: Mapping[int, IndexedFace], changed: set[int], known: Mapping[int, GroupRow]
    ) -> bool:
        """A face leaves by a person's hand only: removed, no face, a stranger, another person, or somebody untold."""
        one = after.get(face)
        if one is None or face in changed or face not in self.read:
            return True
        if one.state is FaceState.CONFIRMED:
            return one.person_id is None or known[self.member_of[face]].person_id not in (None, one.person_id)
        return one.state in (FaceState.STRANGER, FaceState.NOT_FACE)

    def _to_be_named(
        self, after: Mapping[int, IndexedFace], staying: set[int], known: Mapping[int, GroupRow]
    ) -> dict[int, int]:
        """Groups without a name of which a face is confirmed by now, with its person."""
        return {
            self.member_of[face]: one.person_id
            for face, one in sorted(after.items())
            if face in staying and one.state is FaceState.CONFIRMED and one.person_id is not None
            if known[self.member_of[face]].person_id is None
        }

    def _leave(self, face: int, group: int) -> None:
        group_rows.take_member(self.transaction, face)
        del self.member_of[face]
        self.touched_groups.add(group)
        # One whose encoding was lost is in no sum that could be told: `refresh` makes such a group's anew.
        if kept := self.kept.get(face):
            self.totals[group] -= kept.total
            self.alarm -= self._alone(kept)

    def _join(self, near: Mapping[int, NearGroup | None]) -> None:
        """The nearest of the photo's faces first; the second best group is never taken."""
        wanted = {one.group for one in near.values() if one is not None}
        taken = group_rows.groups_with_image(self.transaction, wanted, self.image_id)
        for face in sorted(near, key=lambda face: (_score(near[face]), face)):
            chosen = near[face]
            total = self.read[face].total
            self.alarm += self._alone(self.read[face])
            if chosen is not None and chosen.group not in taken and self._may_join(face, chosen.group):
                group = chosen.group
                self.totals[group] += total
            else:
                group = group_rows.start(self.transaction, total, self.library.around(total))
                self.totals[group] = total
            taken.add(group)
            group_rows.put_member(self.transaction, group, face, self.image_id)
            self.member_of[face] = group
            self.touched_groups.add(group)

    def _may_join(self, face: int, group: int) -> bool:
        if group not in self.groups:
            return False
        refs = {Ref("group", group)}
        if (person := self.groups[group].person_id) is not None:
            refs.add(Ref("person", person))
        return not self.library.refusals.forbid({Ref("face", face)}, refs)

    def _alone(self, known: KnownEncoding) -> Alarm:
        return Alarm.of(self.library.neighbourhood.shipped_alone(known.numbers[None]))

    # --- offers, encodings, people ---

    def _with_offer(self, one: IndexedFace) -> IndexedFace:
        """The likeliest person of its group, where a person should be asked."""
        if one.state is not FaceState.UNKNOWN or one.group_id is None:
            return one
        if one.group_id not in self.offers:
            self.offers[one.group_id] = group_rows.read(self.transaction, [one.group_id])[one.group_id].offer
        return with_offer(one, self.offers[one.group_id])

    def _keep_encodings(self, changed: set[int]) -> set[int]:
        gone = (self.kept.keys() - self.rows.keys()) | changed
        new = {face: known for face, known in self.read.items() if face not in self.kept or face in changed}
        return known_encodings.replace(self.transaction, gone, new)

    def _tell(self, after: Mapping[int, IndexedFace], changed: set[int], encodings: set[int]) -> None:
        """Write what people gain and lose, and tell the processes that follow."""
        tally = PeopleTally()
        for face in self.before.keys() | after.keys():
            old, new = self.before.get(face), after.get(face)
            tally.take(old, self.kept.get(face))
            tally.give(new, self.read.get(face))
        confirmed = self._confirmed(self.before) | self._confirmed(after)
        people_rows.lock(self.transaction, tally.people | confirmed)
        if not self.people.names_are_the_same():
            raise GroupsMoved
        people = tally.write(self.transaction, self.library)
        for person in sorted(confirmed):
            self.people.see_to_master(person)
        not_faces = not_faces_differ(self.before, after, changed)
        if people or self.touched_groups or encodings or not_faces or likeness_differs(self.before, after):
            if not_face_rows.change_held(self.transaction) != self.not_faces.change:
                raise GroupsMoved
            change = library_row.next_change(self.transaction, self.alarm, not_faces=not_faces)
            group_rows.stamp(self.transaction, self.touched_groups, change)
            people_rows.stamp(self.transaction, people, change)
            known_encodings.note(self.transaction, encodings, change)
            self.library.expect(self.alarm.faces)

    def _enter_links(self, indexed: Mapping[int, IndexedFace]) -> None:
        """Say in the ledger how faces were linked, each by itself."""
        for face, link in sorted(self.links.items()):
            row = self.rows[face]
            after = {"parent_id": row.parent_id, "person_id": row.person_id}
            change = {face: FaceChange({"parent_id": None, "person_id": None}, after)}
            rule = None if link.found else "nearest"
            person = indexed[face].person_id
            people = [] if person is None else [person]
            ledger.add(
                self.transaction,
                "linked",
                change,
                found=link.found,
                distance=link.distance,
                rule=rule,
                people=people,
            )

    def _confirmed(self, faces_of: Mapping[int, IndexedFace]) -> set[int]:
        return {
            one.person_id for one in faces_of.values() if one.state is FaceState.CONFIRMED and one.person_id is not None
        }

    # --- what is left to do ---

    def _remove(self, notes: Sequence[PendingImage]) -> None:
        """Remove the notes that this has worked off; one that metadata is waited for stays, or is made."""
        until = self.photo.awaits_until
        waiting = [note.id for note in notes if until and note.awaits_until]
        pending_images.remove(self.transaction, {note.id for note in notes} - set(waiting))
        if until and not waiting:
            pending_images.await_metadata(self.transaction, self.image_id, until)

    def _followers(self, after: Mapping[int, IndexedFace]) -> set[int]:
        """Images with faces that are linked to a face of this one which is, or was, confirmed as somebody else."""
        moved: dict[int, set[int]] = {}
        for face in self.before.keys() | after.keys():
            was, now = (_confirmed_as(of.get(face)) for of in (self.before, after))
            if was != now:
                moved[face] = {one for one in (was, now) if one is not None}
        people = set().union(*moved.values()) if moved else set()
        return face_index.images_linked_to(self.transaction, moved.keys(), people) - {self.image_id}


def _confirmed_as(one: IndexedFace | None) -> int | None:
    return one.person_id if one is not None and one.state is FaceState.CONFIRMED else None


def _score(near: NearGroup | None) -> float:
    return near.score if near else np.inf
