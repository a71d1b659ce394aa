"""What every change knows: what it would do, and how; done ones describe nothing, so that a list can be run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from installer.record import Record
from installer.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Work:
    """What a change needs to act: the record of what it puts, and `tell` for its sentences."""

    record: Record
    tell: Callable[[Sentence], None]


class Change(Protocol):
    """One step of an installation."""

    def describe(self) -> list[Sentence]:
        """What `do` would change now; empty: nothing."""
        ...

    def do(self, work: Work) -> None:
        """Make it so. Interrupted anywhere, it can be done again.

        Raises:
            Refusal: it cannot be done; says what was found and what is needed.
        """
        ...
