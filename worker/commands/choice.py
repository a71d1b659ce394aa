"""Which faces, images, people or groups a verb is asked for: its options --name, --limit, --offset and --after."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar

from faces.people.names import canonical
from faces.people.refs import Kind, Ref
from faces.store.database import Transaction
from faces.store.face_names import spellings_of
from faces.store.face_pages import Choice
from worker.commands.invocation import Invocation
from worker.commands.parser import ref_of

T = TypeVar("T")

#: More faces than any database has; the sum of two such numbers still is a number of SQL's.
_MOST = 10**18


def add_choice(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the options; `what` is chosen, such as faces."""
    parser.add_argument("--name", metavar="NAME", help="only this person; upper and lower case are the same")
    add_limit(parser, what)
    parser.add_argument("--offset", metavar="N", type=number, default=0, help=f"without the first N {what}")


def add_limit(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option; of `what` not all are listed."""
    parser.add_argument("--limit", metavar="N", type=number, help=f"at most N {what}")


def add_after(parser: argparse.ArgumentParser, kind: Kind) -> None:
    """Add the option; such a thing is the last one of the page before."""
    example = Ref(kind, 12)
    parser.add_argument("--after", metavar="ID", type=ref_of(kind), help=f"those behind this {kind}, such as {example}")


def choice_of(arguments: argparse.Namespace, transaction: Transaction) -> Choice:
    """What the options ask this database for."""
    spellings = None if arguments.name is None else spellings_of(transaction, arguments.name)
    return Choice(spellings, arguments.limit, arguments.offset)


def tell_if_nobody(arguments: argparse.Namespace, invocation: Invocation, found: int) -> int:
    """The verb's exit code: 1 after a sentence where nobody has the name that was asked for."""
    if arguments.name is None or found or arguments.offset or arguments.limit == 0:
        return 0
    name = canonical(arguments.name)
    invocation.output.say(f"{arguments.verb}: found nobody named {name}; `faces` without --name lists who is there")
    return 1


class FirstRows(Generic[T]):
    """At most `limit` of some rows, which hold one more where there is one."""

    def __init__(self, rows: Iterable[T], limit: int | None) -> None:
        self._rows, self._limit = iter(rows), limit
        self._last: T | None = None

    def __iter__(self) -> Iterator[T]:
        for row in islice(self._rows, self._limit):
            self._last = row
            yield row

    @property
    def continued(self) -> T | None:
        """The last row that was shown, where others follow."""
        return self._last if self._last is not None and next(self._rows, None) is not None else None


def with_one_more(limit: int | None) -> int | None:
    """How many rows `FirstRows` needs."""
    return None if limit is None else limit + 1


def tell_of_more(arguments: argparse.Namespace, invocation: Invocation, last: Ref | int) -> None:
    """Say how the next page is asked for."""
    invocation.output.say(f"{arguments.verb}: there are more: --after {last} lists those behind it")


def number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"found {text!r}, needed a whole number, 0 or more")
    return min(int(text), _MOST)
