"""ledger: what was said and linked, by whom and when."""

from __future__ import annotations

import argparse
from typing import Any

from faces.answers.history.told_entries import ToldEntry, told
from faces.store.sidecar.lists.ledger_pages import EntryChoice, list_entries
from worker.commands.choice import FirstRows, add_limit, number, tell_of_more, with_one_more
from worker.commands.invocation import Invocation
from worker.commands.parser import ref_of
from worker.commands.verbs import add_verb

_DETAILS = """\
Lists what people have said of faces, groups and people, and what was linked by itself, the newest first: the entry's
number, when (UTC), who (machine: no person), what, and by which entry it was undone. People have today's names. A table
on a terminal, tab-separated lines else.

--person and --face list what was said of one; `why f12` tells all of a face."""

_COLUMNS = ("entry", "when", "who", "what", "undone by")


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "ledger", run, _DETAILS)
    parser.add_argument("--by", metavar="ACTOR", help="only what this one said; machine: what was linked by itself")
    parser.add_argument("--person", metavar="ID", type=ref_of("person"), help="only what is about this person: p12")
    parser.add_argument("--face", metavar="ID", type=ref_of("face"), help="only what is about this face, such as f12")
    parser.add_argument("--kind", metavar="KIND", help="only entries of this kind, such as named, linked or not_face")
    add_limit(parser, "entries")
    parser.add_argument("--after", metavar="ENTRY", type=number, help="those before this entry: the next page")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """List them."""
    output, limit = invocation.output, arguments.limit
    with invocation.store() as store, store.reading() as transaction:
        choice = EntryChoice(
            *(arguments.by, arguments.kind, arguments.face, arguments.person, arguments.after), with_one_more(limit)
        )
        shown = FirstRows(told(transaction, list_entries(transaction, choice)), limit)
        if output.as_json:
            output.records(entry.record for entry in shown)
        else:
            output.table(_COLUMNS, (_row(entry) for entry in shown))
        if last := shown.continued:
            tell_of_more(arguments, invocation, last.id)
    return 0


def _row(entry: ToldEntry) -> tuple[str, ...]:
    undone = "" if entry.undone_by is None else str(entry.undone_by)
    return str(entry.id), str(entry.at), entry.actor, entry.what, undone
