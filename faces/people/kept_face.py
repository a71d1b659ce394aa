"""A row of `faces` as the rules see it: found before, perhaps touched by a person since."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from faces.photo.face import Encoding

#: Statuses that a machine gives; every other one was a person's click.
MACHINE_STATUSES = frozenset({"process", "suggested"})


class FaceState(IntEnum):
    """What is known of a face; the numbers are stored."""

    UNKNOWN = 0
    SUGGESTED = 1
    """A person is offered for it."""
    LINKED = 2
    """A machine has said who it is."""
    CONFIRMED = 3
    """A person has said who it is."""
    STRANGER = 4
    """A person has said that it is nobody they know."""
    NOT_FACE = 5

    @property
    def word(self) -> str:
        """As lists and JSON tell it, such as `not_face`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class KeptFace:
    """A row of `faces`, soft-deleted ones included. Columns that the database lacks have their defaults here.

    `encoding` is None where it is empty or cannot be read. `is_parent` is only known of rows that are locked.
    """

    id: int
    face_index: int
    encoding: Encoding | None
    status: str = "process"
    name: str | None = None
    parent_id: int | None = None
    person_id: int | None = None
    is_reference: bool = False
    is_parent: bool = False
    deleted: bool = False
    quality_score: float | None = None
    quality_details: str | None = None
    box: str | None = None

    @property
    def touched(self) -> bool:
        """Whether a person decided something about it, or other faces hang on it.

        A name beside the status `process` does not count: the app's code puts it there when the parent is named. A
        person beside it does: a machine's choice is `suggested`.
        """
        chosen = self.person_id is not None and self.status != "suggested"
        return self.status not in MACHINE_STATUSES or chosen or self.is_reference or self.is_parent

    def state(self, *, has_persons: bool) -> FaceState:
        """What its row says of it, offers apart.

        Args:
            has_persons: whether faces are linked by `person_id`; else by `parent_id`.
        """
        if self.status in ("not_face", "unknown"):
            return FaceState.NOT_FACE if self.status == "not_face" else FaceState.STRANGER
        chosen = self.person_id is not None and self.status != "suggested"
        if self.status not in MACHINE_STATUSES or chosen or self.is_reference:
            return FaceState.CONFIRMED
        if has_persons:
            return FaceState.UNKNOWN if self.person_id is None else FaceState.SUGGESTED
        return FaceState.UNKNOWN if self.parent_id is None else FaceState.LINKED
