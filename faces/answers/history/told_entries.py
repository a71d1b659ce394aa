"""Entries of the ledger with their sentences, in which people have today's names. Only reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from faces.answers.history.entry_sentences import NameToday, People, people_in, sentence
from faces.people.names import canonical
from faces.store.database import Transaction
from faces.store.sidecar import people_rows
from faces.store.sidecar.lists.ledger_pages import ListedEntry

#: Entries whose people's names are read together.
_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class ToldEntry:
    """An entry, as a person reads it."""

    id: int
    at: datetime
    """UTC."""
    actor: str
    kind: str
    what: str
    """The sentence."""
    undoes: int | None
    undone_by: int | None
    faces: int
    p: float | None
    t: float | None
    distance: float | None
    rule: str | None

    @property
    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: getattr(self, name) for name in self.__slots__} | {"at": self.at.isoformat()}


def told(transaction: Transaction, entries: Iterable[ListedEntry]) -> Iterator[ToldEntry]:
    """Each with its sentence, in the same order, some hundred at a time."""
    remaining = iter(entries)
    while some := list(islice(remaining, _TOGETHER)):
        names = names_today(transaction, set().union(*map(people_in, some)))
        yield from (_told(entry, names) for entry in some)


def names_today(transaction: Transaction, people: Collection[int]) -> People:
    """What these people are called now, as far as they are there."""
    return {
        person: NameToday(canonical(marks["name"] or "") or None, marks["joined_to"])
        for person, marks in people_rows.marks(transaction, people).items()
    }


def _told(entry: ListedEntry, names: People) -> ToldEntry:
    one = entry.entry
    return ToldEntry(
        *(one.id, one.at, one.actor, one.kind, sentence(entry, names), one.undoes, entry.undone_by, entry.faces),
        *(one.p, one.t, one.distance, one.rule),
    )
