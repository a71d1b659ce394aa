"""What is known of whose face it is."""

from __future__ import annotations

from enum import IntEnum


class FaceState(IntEnum):
    """Kept as its number, told as its word."""

    UNKNOWN = 0
    #: A person is offered.
    SUGGESTED = 1
    #: Linked by itself.
    LINKED = 2
    #: A person has said who it is.
    CONFIRMED = 3
    #: A person has said that it is none of the known people.
    STRANGER = 4
    #: A person has said that it is no face.
    NOT_FACE = 5

    @property
    def word(self) -> str:
        """Such as `not_face`."""
        return self.name.lower()
