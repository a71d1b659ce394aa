"""A row of `faces` as the rules see it: found before, perhaps touched by a person since."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from faces.photo.face import Encoding

#: Statuses that a machine gives; every other one was a person's click.
MACHINE_STATUSES = frozenset({"process", "suggested"})


Decision = Literal["link", "offer", "silent"]
"""What to do with an answer: link it by itself, offer it to a person, or say nothing."""


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


class Said(IntEnum):
    """What a person has said of a face to us, last; the numbers are stored."""

    YES = 1
    """Who it is."""
    NO = 2
    """That it is not who it was taken for."""
    UNKNOWN = 3
    """That nobody knows who it is: a link or a name was taken away."""
    STRANGER = 4
    NOT_FACE = 5
    ADDED = 6
    """That it is a face, where none was found."""


@dataclass(frozen=True, slots=True)
class SaidOfFace:
    """What was said, by which entry of the ledger, and who it is where that was said."""

    said: Said
    entry: int
    person_id: int | None = None
    """Of our people."""


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
    answer: SaidOfFace | None = None
    """Where our tables have one."""

    @property
    def touched(self) -> bool:
        """Whether a person decided something about it, or other faces hang on it.

        A name beside the status `process` does not count: the app's code puts it there when the parent is named. A
        person beside it does: a machine's choice is `suggested`.
        """
        chosen = self.person_id is not None and self.status != "suggested"
        is_answered = self.answer is not None
        return self.status not in MACHINE_STATUSES or chosen or self.is_reference or self.is_parent or is_answered


@dataclass(frozen=True, slots=True)
class RowRule:
    """How a row of `faces` says who it is, where versions of the app differ. A schema has the one that holds."""

    linked: FaceState
    """What a link by a machine makes of a face."""
    written: tuple[Decision, ...]
    """Which decisions a machine writes into the row."""
    has_masters: bool
    """Whether faces are linked to faces, and may have names: by `parent_id`. Else to persons, by `person_id`."""

    def state(self, row: KeptFace) -> FaceState:
        """What the row says of the face, offers of ours apart."""
        if row.status in ("not_face", "unknown"):
            return FaceState.NOT_FACE if row.status == "not_face" else FaceState.STRANGER
        chosen = row.person_id is not None and row.status != "suggested"
        if row.status not in MACHINE_STATUSES or chosen or row.is_reference:
            return FaceState.CONFIRMED
        if self.is_confirmed_by_answer(row):
            return FaceState.CONFIRMED
        link = row.parent_id if self.has_masters else row.person_id
        return FaceState.UNKNOWN if link is None else self.linked

    def is_confirmed_by_answer(self, row: KeptFace) -> bool:
        """Whether a person has said to us who it is, while the row has a machine's status, and its link or none.

        The row has the name, too. Where it has none, the app has opened the face again since.
        """
        if not self.has_masters or row.status != "process" or row.person_id is not None or row.is_reference:
            return False
        if not row.name:
            return False
        return row.answer is not None and row.answer.said is Said.YES

    def name_of(self, row: KeptFace) -> str | None:
        """The name that a confirmed face has itself, as it is written; None where it has none, or persons have them."""
        return row.name or None if self.has_masters else None

    def root_of(self, row: KeptFace) -> int | None:
        """The face by which a confirmed face without a name or person is known; None where only persons are."""
        return row.parent_id or row.id if self.has_masters else None


#: The app's v1 to v3, and files of our own; the app's later versions.
BY_PARENT = RowRule(FaceState.LINKED, ("link",), has_masters=True)
BY_PERSON = RowRule(FaceState.SUGGESTED, ("link", "offer"), has_masters=False)
