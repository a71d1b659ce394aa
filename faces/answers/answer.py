"""What is said with every answer, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from faces.people.refs import Ref
from faces.store.sidecar.ledger import MACHINE

#: Characters of whoever says something.
_LONGEST_ACTOR = 100


def is_actor(text: str) -> bool:
    """Whether the ledger can tell this as who said something: a name in one line, and not the machine's."""
    return 0 < len(text) <= _LONGEST_ACTOR and text.isprintable() and text.strip().lower() not in {"", MACHINE}


def _new_uuid() -> str:
    return str(uuid4())


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """Who says it, under which uuid, and what was seen when it was said.

    The same uuid twice is one entry. `seen` has the revisions of groups and people, and of faces the entry that said
    something of them last, 0 for none: where one is another by now nothing is written.
    """

    actor: str
    uuid: str = field(default_factory=_new_uuid)
    seen: Mapping[Ref, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """What an answer has changed."""

    entry: int | None
    """Of the ledger; None where all was as it was said already, and nothing was written."""
    kind: str
    faces: tuple[int, ...] = ()
    """That became something else by what was said, by id."""
    followed: tuple[int, ...] = ()
    """Others, that were linked to one of these and now hang elsewhere or on nothing, by id."""
    people: tuple[int, ...] = ()
    """Who was named, or lost or gained faces, by id."""
    left: tuple[LeftAlone, ...] = ()
    """What was asked about and stays as it is."""
    again: bool = False
    """Whether it was said under this uuid before: nothing was written now."""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A face, group, person or refusal that an answer did not touch, and why, as a sentence."""

    ref: str
    why: str
