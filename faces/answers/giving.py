"""Gives an answer: takes all it is about in hand, lets it be said, and writes it; one transaction, one entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from faces.answers.answer import Answered, GivenAnswer
from faces.answers.held_faces import HeldFaces, NotUpToDate
from faces.answers.row_style import RowStyle, style_of
from faces.answers.scope import Scope
from faces.answers.writing.writing import write
from faces.errors import StoreUnavailable
from faces.library.arrivals import Arrivals
from faces.library.groups.settling import Settling
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.sidecar import ledger

#: Times that an answer is given again because something that it is about changed between reading and locking.
_TRIES = 20

#: Seconds after which asking again is left to others: who has given an answer waits for it.
_PATIENCE = 60.0

#: Faces that one answer may name by ids and groups: others wait for its transaction, some seconds in a large library.
#: Of a person it is about all faces, and an undo about all of its entry, however many: half a person renamed were two.
MOST_FACES = 5000

Says = Callable[[HeldFaces, RowStyle], None]
"""Changes what is held, by what a person has said."""


class _MoreConcerned(Exception):
    """By now it is about more than was locked."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What answers are given with, for a process and a database. Threads may share it."""

    arrivals: Arrivals
    settling: Settling | None = None
    """None where nothing is asked again by these."""

    def give(
        self,
        answer: GivenAnswer,
        kind: str,
        scope_of: Callable[[Transaction], Scope],
        says: Says,
        *,
        dry_run: bool = False,
    ) -> Answered:
        """Give an answer; nothing is half written, whatever happens.

        Args:
            answer: who says it, and what was seen.
            kind: of the ledger's entry.
            scope_of: what it is about, read without a lock; asked again under the locks.
            says: makes of it what it becomes.
            dry_run: nothing is kept.

        Raises:
            ChangedSince: it is another by now than was seen; nothing was written.
            RequestError: it cannot be done as it was said; nothing was written.
            SchemaError: not in a database of this version.
            StoreUnavailable: the database cannot be used, or others answer about the same all the time.
        """
        store = self.arrivals.store
        attempt = store.try_out if dry_run else store.write
        for _ in range(_TRIES):
            self.arrivals.follow()
            try:
                return attempt(partial(self._attempt, answer=answer, kind=kind, scope_of=scope_of, says=says))
            except NotUpToDate as error:
                self.arrivals.update_images(error.images)
            except _MoreConcerned:
                pass
        raise StoreUnavailable(f"the database {store.name} is too busy: others answer about the same all the time")

    def look_again(self, is_told_to_stop: Callable[[], bool] = lambda: False) -> None:
        """Ask about everything unnamed that may be a person who has changed; outside the answer's own time.

        Another process that settles just now does it instead, and what is left after a minute is taken up by the
        next one; so it is where `is_told_to_stop`, which is asked between two steps. Never raises for the database.
        """
        if self.settling is not None:
            self.arrivals.follow()
            self.settling.settle_some(is_told_to_stop, _PATIENCE)

    def _attempt(
        self,
        transaction: Transaction,
        answer: GivenAnswer,
        kind: str,
        scope_of: Callable[[Transaction], Scope],
        says: Says,
    ) -> Answered:
        if (found := ledger.find(transaction, answer.uuid)) is not None:
            return self._said_before(transaction, found)
        scope = scope_of(transaction)
        held = HeldFaces.lock(transaction, self.arrivals.library, answer, scope)
        if (found := ledger.find(transaction, answer.uuid)) is not None:
            return self._said_before(transaction, found)
        if not scope_of(transaction) <= scope:
            raise _MoreConcerned
        style = style_of(held)
        says(held, style)
        style.settle(held)
        return write(held, kind)

    def _said_before(self, transaction: Transaction, entry: int) -> Answered:
        kept = ledger.entry(transaction, entry)
        kind = kept.kind if kept else ""
        return Answered(entry, kind, tuple(sorted(ledger.faces_of(transaction, entry))), again=True)


def about(refs: Iterable[Ref], *people: int) -> Callable[[Transaction], Scope]:
    """The scope of an answer about these, and of people who are named in it."""
    wanted = [*refs, *(Ref("person", person) for person in people)]
    return lambda transaction: Scope.of(transaction, wanted).with_relatives(transaction)
