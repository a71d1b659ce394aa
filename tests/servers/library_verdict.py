"""Whether our tables say what the rows of faces say, and each group and person is what its faces make it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.library.library import Library
from faces.people import names
from faces.people.cohort import Cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.groups.alarm import Alarm
from faces.people.groups.not_faces import LIMIT
from faces.people.kept_face import BY_PARENT, BY_PERSON, FaceState, KeptFace
from faces.people.neighbourhood import Neighbourhood
from faces.store import faces
from faces.store.database import Store, Transaction
from faces.store.schema import images
from faces.store.sidecar import people_of_app
from faces.store.sidecar.known_encodings import KnownEncoding, read_of_image
from faces.store.sidecar.library_row import tables_of

_UNNAMED = (FaceState.UNKNOWN, FaceState.SUGGESTED)

#: The persons of an app that are read, more than any test has.
_MOST_PERSONS = 10_000


def wrong(store: Store, cohort: Cohort) -> list[str]:
    """Everything that is not as it must be; nothing is written meanwhile."""
    with store.reading() as transaction:
        found = _read(transaction)
    return [
        *_members(found),
        *_groups(found),
        *_vectors(found),
        *_indexed(found),
        *_people(found),
        *_like_not_faces(found),
        *_alarm(found, cohort),
        *_changes(found),
    ]


def unlike_a_fresh_one(store: Store, followed: Library) -> list[str]:
    """What a library that has followed has otherwise than one that reads all now."""
    fresh = Library(followed.cohort)
    with store.reading() as transaction:
        fresh.follow(transaction)
        followed.follow(transaction)
        for one in (fresh, followed):
            # What waits to be measured anew is no difference.
            while one.renew(1000):
                pass
        probes = [one.numbers for one in _read(transaction).encodings.values()]
    has_followed, is_fresh = _told(followed, probes), _told(fresh, probes)
    return [
        f"{name}: followed {has_followed[name]}, fresh {other}"
        for name, other in is_fresh.items()
        if has_followed[name] != other
    ]


def _told(library: Library, probes: list[Any]) -> dict[str, object]:
    """All that a library answers."""
    groups, people = library.groups, library.people
    ids = groups.ids.tolist()
    answers = library.identify(probes) if probes else []
    return {
        "change": library.state.change,
        "number": library.state.number,
        "groups": ids,
        "order of groups": [groups.priority(group) for group in ids],
        "around groups": [groups.around(group) for group in ids],
        "nearest groups": [library.nearest_groups(probe[None]) for probe in probes],
        "people": people.ids.tolist(),
        "confirmed": people.confirmed.tolist(),
        "middles of people": people.middles.tobytes(),
        "around people": people.around.tobytes(),
        "identified": answers,
        "learned": library.learned,
        "no faces": (library.not_faces.change, library.not_faces.ids),
        "like no faces": library.not_faces.nearest(probes) if probes else [],
    }


@dataclass
class _Found:
    """All rows."""

    has_persons: bool
    live: dict[int, KeptFace] = field(default_factory=dict)
    image_of: dict[int, int] = field(default_factory=dict)
    encodings: dict[int, KnownEncoding] = field(default_factory=dict)
    """What can be read of the live ones."""
    library: Any = None
    members: dict[int, Any] = field(default_factory=dict)
    groups: dict[int, Any] = field(default_factory=dict)
    people: dict[int, Any] = field(default_factory=dict)
    vectors: dict[int, Any] = field(default_factory=dict)
    index: dict[int, Any] = field(default_factory=dict)
    stand_ins: dict[int, EncodingSum] = field(default_factory=dict)
    """The middles of the app's persons, by the app's id: each stands for a person until a face is confirmed."""

    def state(self, face: int) -> FaceState:
        return (BY_PERSON if self.has_persons else BY_PARENT).state(self.live[face])

    def sum_of(self, members: list[int]) -> EncodingSum:
        return EncodingSum.of([self.encodings[face].numbers for face in members])


def _read(transaction: Transaction) -> _Found:
    tables, connection = tables_of(transaction), transaction.connection

    def by_id(table: sa.Table, key: str) -> dict[int, Any]:
        return {int(row._mapping[key]): row for row in connection.execute(sa.select(table))}

    found = _Found(transaction.schema.has_persons)
    for image in connection.execute(sa.select(images.c.id)).scalars():
        rows = [row for row in faces.of_image(transaction, image) if not row.deleted]
        found.live |= {row.id: row for row in rows}
        found.image_of |= dict.fromkeys((row.id for row in rows), image)
        found.encodings |= read_of_image(transaction, image)
    found.library = connection.execute(sa.select(tables.library)).one()
    found.members = by_id(tables.group_members, "face_id")
    found.groups, found.people = by_id(tables.groups, "id"), by_id(tables.people, "id")
    found.vectors, found.index = by_id(tables.vectors, "face_id"), by_id(tables.face_index, "face_id")
    if found.has_persons:
        found.stand_ins = {one.id: one.middle for one in people_of_app.in_order(transaction, 0, _MOST_PERSONS)}
    return found


def _members(found: _Found) -> Iterator[str]:
    """A face has one row, its key; so none is in two groups."""
    for face in found.live:
        if found.state(face) in _UNNAMED and face in found.encodings and face not in found.members:
            yield f"face {face}, which nobody has named, is in no group"
    for face, row in found.members.items():
        if face not in found.live:
            yield f"face {face} is gone, and in group {row.group_id}"
        elif found.state(face) in (FaceState.STRANGER, FaceState.NOT_FACE):
            yield f"face {face} was said to be nobody, and is in group {row.group_id}"
        elif row.image_id != found.image_of[face]:
            yield f"face {face} of image {found.image_of[face]} is a member as of image {row.image_id}"
        if row.group_id not in found.groups or found.groups[row.group_id].joined_to is not None:
            yield f"face {face} is in group {row.group_id}, which is gone"
    photos = Counter((row.group_id, row.image_id) for row in found.members.values())
    yield from (f"group {group} has two faces of image {image}" for (group, image), n in photos.items() if n > 1)


def _groups(found: _Found) -> Iterator[str]:
    members = defaultdict(list)
    for face, row in found.members.items():
        members[row.group_id].append(face)
    for group, row in found.groups.items():
        made = found.sum_of(members[group]) if members[group] else None
        if row.joined_to is not None:
            if members[group] or found.groups[row.joined_to].joined_to == group:
                yield f"group {group} was joined to {row.joined_to}, and has faces {members[group]}"
        elif row.size != len(members[group]) or (made and EncodingSum.from_bytes(row.size, row.sum) != made):
            yield f"group {group} has the sum of {row.size} faces, and not that of {members[group]}"
        known = {found.index[face].person_id for face in members[group] if _is_confirmed(found, face)}
        if known - {row.person_id, None}:
            yield f"group {group} of person {row.person_id} has confirmed faces of {known}"


def _is_confirmed(found: _Found, face: int) -> bool:
    return face in found.live and face in found.index and found.state(face) is FaceState.CONFIRMED


def _vectors(found: _Found) -> Iterator[str]:
    for face in found.vectors.keys() | found.encodings.keys():
        row, known = found.vectors.get(face), found.encodings.get(face)
        if row is None or known is None:
            yield f"face {face} {'is not kept as numbers' if row is None else 'is kept, and has no encoding'}"
        elif (row.encoding_crc, row.encoding) != (known.crc, known.numbers.astype("<f4").tobytes()):
            yield f"face {face} is kept with other numbers than its own"


def _indexed(found: _Found) -> Iterator[str]:
    for face in found.index.keys() ^ found.live.keys():
        yield f"face {face} is {'indexed, and gone' if face in found.index else 'not indexed'}"
    for face in found.index.keys() & found.live.keys():
        row, live, state = found.index[face], found.live[face], found.state(face)
        group = found.members[face].group_id if face in found.members else None
        told = (row.image_id, row.group_id, row.quality)
        if told != (found.image_of[face], group, live.quality_score):
            yield f"face {face}: indexed with image, group and quality {told}, group is {group}"
        if row.state != state and (row.state, state) != (FaceState.SUGGESTED, FaceState.UNKNOWN):
            yield f"face {face}: indexed as {row.state}, is {state!r}"
        if row.state == FaceState.UNKNOWN and (row.person_id, row.probability) != (None, None):
            yield f"face {face}: is unknown, and indexed with person {row.person_id}"
        if not found.has_persons and state in (FaceState.LINKED, FaceState.CONFIRMED):
            yield from _person_of(found, face)
        if found.has_persons and state in (FaceState.SUGGESTED, FaceState.CONFIRMED):
            person = found.people.get(row.person_id)
            if live.person_id != (person.app_person_id if person else None):
                yield f"face {face}: its row has person {live.person_id}, and it is indexed as {row.person_id}"


def _person_of(found: _Found, face: int) -> Iterator[str]:
    live, row = found.live[face], found.index[face]
    root = live if found.state(face) is FaceState.CONFIRMED else found.live.get(live.parent_id or 0)
    if root is None or found.state(root.id) is not FaceState.CONFIRMED:
        if row.person_id is not None:
            yield f"face {face}: hangs on {live.parent_id}, which is nobody, and is indexed as person {row.person_id}"
    elif root.name:
        person = found.people.get(row.person_id)
        if person is None or names.key(person.name or "") != names.key(root.name):
            yield f"face {face}: is named, and indexed as person {row.person_id} of another name"


def _people(found: _Found) -> Iterator[str]:
    of_person = defaultdict(list)
    for face, row in found.index.items():
        if row.person_id is not None:
            of_person[row.person_id].append(face)
    for person, row in found.people.items():
        states = Counter(FaceState(found.index[face].state) for face in of_person[person])
        counted = (states[FaceState.CONFIRMED], states[FaceState.LINKED], states[FaceState.SUGGESTED])
        if (row.confirmed, row.linked, row.suggested) != counted:
            told = (row.confirmed, row.linked, row.suggested)
            yield f"person {person}: confirmed, linked and suggested are counted as {told}, are {counted}"
        confirmed = [
            face
            for face in of_person[person]
            if found.index[face].state == FaceState.CONFIRMED and face in found.encodings
        ]
        made = found.sum_of(confirmed) if confirmed else found.stand_ins.get(row.app_person_id)
        if row.k != (made.count if made else 0) or (row.k and EncodingSum.from_bytes(row.k, row.sum) != made):
            yield f"person {person} has the sum of {row.k} faces, and not that of {confirmed}"
        known = [
            face for face in of_person[person] if found.index[face].state in (FaceState.LINKED, FaceState.CONFIRMED)
        ]
        times = [found.index[face].taken_at for face in known if found.index[face].taken_at]
        if row.last_taken != max(times, default=None):
            yield f"person {person}: last_taken is {row.last_taken}, should be {max(times, default=None)}"
        if not found.has_persons:
            yield from _master(found, person, confirmed)
    yield from (
        f"faces {of_person[gone]} are of person {gone}, who is gone" for gone in of_person.keys() - found.people
    )


def _master(found: _Found, person: int, confirmed: list[int]) -> Iterator[str]:
    """A person without a name is known by the face that it began with, whatever has become of that."""
    if found.people[person].name is None and found.people[person].app_person_id is None:
        return
    can_be = {face for face in confirmed if found.live[face].parent_id is None and found.live[face].status == "ok"}
    master = found.people[person].master_face_id
    if (master is None and can_be) or (master is not None and master not in can_be):
        yield f"person {person} has the master {master}, of {can_be}"


def _like_not_faces(found: _Found) -> Iterator[str]:
    """One by one, as far as nothing is to be looked at still."""
    if found.library.not_face_change > found.library.not_face_looked:
        return
    none = {
        face: found.encodings[face].numbers.astype(np.float32).astype(float)
        for face in sorted(found.live)
        if found.state(face) is FaceState.NOT_FACE and face in found.encodings
    }
    for face in found.index.keys() & found.live.keys():
        asked = found.live[face].answer is None and found.state(face) in (*_UNNAMED, FaceState.LINKED)
        near = []
        if asked and face in found.encodings:
            numbers = found.encodings[face].numbers.astype(np.float32).astype(float)
            near = [(float(np.linalg.norm(numbers - other)), one) for one, other in none.items()]
        expected = min(((distance, one) for distance, one in near if distance < LIMIT), default=(0.0, None))[1]
        told = found.index[face].like_not_face
        if told != expected:
            yield f"face {face} is like {told}, which is no face, and should be like {expected}"


def _alarm(found: _Found, cohort: Cohort) -> Iterator[str]:
    members = [found.encodings[face].numbers for face in found.members if face in found.encodings]
    made = Alarm.of(Neighbourhood(cohort).shipped_alone(members)) if members else Alarm()
    kept = Alarm(int(found.library.alarm_steps), int(found.library.alarm_faces))
    if kept != made:
        yield f"the alarm is kept as {kept}, made anew it is {made}"


def _changes(found: _Found) -> Iterator[str]:
    for kind, rows in (("group", found.groups), ("person", found.people)):
        for key, row in rows.items():
            if row.change > found.library.change:
                yield f"{kind} {key} has the change {row.change}, the library {found.library.change}"
            if kind == "group" and not row.change:
                yield f"group {key} has no change: nobody follows it"
