"""Which faces or images a verb is asked for: its options --name, --limit and --offset."""

from __future__ import annotations

import argparse

from faces.people.names import canonical
from faces.store.database import Transaction
from faces.store.face_pages import Choice, spellings_of
from worker.commands.invocation import Invocation

#: More faces than any database has; the sum of two such numbers still is a number of SQL's.
_MOST = 10**18


def add_choice(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the options; `what` is chosen, such as faces."""
    parser.add_argument("--name", metavar="NAME", help="only this person; upper and lower case are the same")
    parser.add_argument("--limit", metavar="N", type=_number, help=f"at most N {what}")
    parser.add_argument("--offset", metavar="N", type=_number, default=0, help=f"without the first N {what}")


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


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"found {text!r}, needed a whole number, 0 or more")
    return min(int(text), _MOST)
