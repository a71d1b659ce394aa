"""Memberships without a store: for libraries that are grouped at once, and what a store is compared with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from faces.people.encoding_sum import EncodingSum
from faces.people.groups.group_index import KeptGroup
from faces.people.groups.memberships import Memberships, NewFace
from faces.people.groups.refusals import Refusals
from faces.people.refs import Ref


@dataclass(slots=True)
class _Members:
    total: EncodingSum
    faces: dict[int, NewFace]
    photos: set[int]
    person: int | None = None


@dataclass(slots=True)
class MembersInMemory(Memberships):
    """All faces with their encodings: 1 kB a face and more."""

    refusals: Refusals = field(default_factory=Refusals)
    _groups: dict[int, _Members] = field(default_factory=dict)
    _next: int = 1

    def faces_of(self, group: int) -> list[int]:
        """The faces of a group, in the order in which they came."""
        return list(self._groups[group].faces)

    def groups(self) -> dict[int, list[int]]:
        """All groups with their faces."""
        return {group: self.faces_of(group) for group in self._groups}

    def person_of(self, group: int) -> int | None:
        """Who the group is, where it has a name."""
        return self._groups[group].person

    def name(self, group: int, person: int) -> None:
        """A person says who the group is."""
        self._groups[group].person = person

    def regroup(self, group: int, faces: Collection[int]) -> set[int]:
        """Let these faces be the group `group`, as an undo or a person's hand has it; the groups that have changed.

        Sums are made anew of the members, and are then to the bit what they were. A group without a face is no more.
        """
        moved = {face: old for old, members in self._groups.items() for face in members.faces.keys() & set(faces)}
        here = self._groups.setdefault(group, _members({}))
        self._next = max(self._next, group + 1)
        for face in faces:
            here.faces[face] = self._groups[moved[face]].faces.pop(face)
        changed = {group, *moved.values()}
        for old in changed:
            members = self._groups.pop(old)
            if members.faces:
                self._groups[old] = _members(members.faces, members.person)
        return changed

    def known(self, group: int) -> KeptGroup | None:
        if group not in self._groups:
            return None
        members = self._groups[group]
        return KeptGroup(group, members.total, members.person is not None)

    def may_take(self, group: int, face: NewFace) -> bool:
        if group not in self._groups:
            return True
        if face.photo in self._groups[group].photos:
            return False
        return not self.refusals.forbid({Ref("face", face.id)}, self._refs(group))

    def may_be_one(self, one: int, other: int) -> bool:
        left, right = self._groups.get(one), self._groups.get(other)
        if left is None or right is None:
            return True
        if left.person is not None and right.person is not None:
            return False
        if not left.photos.isdisjoint(right.photos):
            return False
        return not self.refusals.forbid(self._refs(one), self._refs(other))

    def start(self, face: NewFace) -> int:
        group, self._next = self._next, self._next + 1
        self._groups[group] = _members({face.id: face})
        return group

    def add(self, face: NewFace, group: int) -> EncodingSum | None:
        if group not in self._groups:
            return None
        members = self._groups[group]
        members.faces[face.id] = face
        members.photos.add(face.photo)
        members.total += EncodingSum.of(face.encoding[None])
        return members.total

    def absorb(self, kept: int, gone: int) -> EncodingSum | None:
        if kept not in self._groups or gone not in self._groups:
            return None
        members, others = self._groups[kept], self._groups.pop(gone)
        members.faces |= others.faces
        members.photos |= others.photos
        members.total += others.total
        self.refusals.inherit(kept, gone)
        return members.total

    def _refs(self, group: int) -> set[Ref]:
        """The group, its person, and those of its faces that a refusal names."""
        members = self._groups[group]
        refs = {ref for ref in self.refusals.named if ref.kind == "face" and ref.id in members.faces}
        refs.add(Ref("group", group))
        if members.person is not None:
            refs.add(Ref("person", members.person))
        return refs


def _members(faces: dict[int, NewFace], person: int | None = None) -> _Members:
    rows = np.stack([face.encoding for face in faces.values()]) if faces else np.empty((0, 128))
    return _Members(EncodingSum.of(rows), faces, {face.photo for face in faces.values()}, person)
