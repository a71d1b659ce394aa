"""Who is in which group: the facts, beside the rows that are compared. A store keeps them, or `MembersInMemory`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from faces.people.encoding_sum import EncodingSum
from faces.people.groups.group_index import KeptGroup
from faces.photo.face import Encoding


@dataclass(frozen=True, slots=True, eq=False)
class NewFace:
    """A face without a name that is in no group yet."""

    id: int
    photo: int
    encoding: Encoding


class Memberships(ABC):
    """The groups' faces, photos, names and refusals, which `Groups` asks, and tells what it has decided.

    A join takes the group as it is now, not as it was when it was chosen: another process may have been first.
    """

    @abstractmethod
    def known(self, group: int) -> KeptGroup | None:
        """The group as its members make it; None where there is none by this id."""

    @abstractmethod
    def may_take(self, group: int, face: NewFace) -> bool:
        """Whether the group has no face of this photo, and nothing of it was refused for this face.

        True where it is gone, as in `may_be_one`: joining tells.
        """

    @abstractmethod
    def may_be_one(self, one: int, other: int) -> bool:
        """Whether two groups may be joined.

        They may not where both have a name, where they have faces of one photo, or where a person has refused that
        anything of the one (the group, its person, a face in it) belongs to anything of the other.
        """

    @abstractmethod
    def start(self, face: NewFace) -> int:
        """Make a group of this face alone; its id is larger than all before it."""

    @abstractmethod
    def add(self, face: NewFace, group: int) -> EncodingSum | None:
        """Put the face into the group; its sum now, or None where the group is gone."""

    @abstractmethod
    def absorb(self, kept: int, gone: int) -> EncodingSum | None:
        """Put all faces and refusals of the one into the other; its sum now, or None where one of them is gone."""
