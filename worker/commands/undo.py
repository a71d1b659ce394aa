"""undo: an answer, or a machine's link, is taken back."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from faces.errors import RequestError
from worker.commands.answering import answers_of, number_of_faces, speaker, tell_left
from worker.commands.invocation import Invocation
from worker.commands.parser import row_id
from worker.commands.verbs import add_verb

if TYPE_CHECKING:
    # Not at run time: only a database with our tables needs it.
    from faces.answers.answer import Answered
    from faces.answers.giving import Answers

_DETAILS = """\
Takes back an entry of the ledger (`ledger` lists them): whatever nothing touched since is as it was before. Faces that
were answered again since, or changed by the app, stay and are told. Links that a machine made to a person who is no
more then are taken away, too. Taking back a machine's link says that it was wrong: it is never made again.

--back-to takes back all that people have answered since a time, the newest first, each as an entry of its own. An undo
is an entry, too: `undo` with its number brings back what it took. --dry-run shows what would change, and changes
nothing."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "undo", run, _DETAILS)
    parser.add_argument(
        "entry", metavar="ENTRY", nargs="?", type=row_id, help="the entry's number; without it the last"
    )
    parser.add_argument("--back-to", metavar="TIME", help="all since then: 2026-11-30T18:00 of this machine's clock")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Take back; 1 where nothing was to be done."""
    from faces.answers.answer import GivenAnswer
    from faces.answers.undo import undo

    if arguments.entry is not None and arguments.back_to is not None:
        raise RequestError("found an entry and --back-to, needed one of the two")
    with answers_of(invocation) as answers:
        entries = [arguments.entry] if arguments.entry is not None else _entries(answers, arguments.back_to)
        done = []
        for entry in entries:
            one = undo(answers, GivenAnswer(speaker()), entry, dry_run=arguments.dry_run)
            _tell(invocation, entry, one, dry_run=arguments.dry_run)
            done.append({"taken_back": entry, **asdict(one)})
        if done and not arguments.dry_run:
            answers.look_again()
    invocation.output.records(done)
    if not entries:
        invocation.output.say("undo: found nothing that a person has answered since, and that is in force")
    return 0 if any(one["faces"] or one["people"] or one["entry"] is not None for one in done) else 1


def _entries(answers: Answers, back_to: str | None) -> list[int]:
    """The last one, or all since a time."""
    from faces.answers.undo import undoable_since

    since = None if back_to is None else _time(back_to)
    with answers.arrivals.store.reading() as transaction:
        found = [one.id for one in undoable_since(transaction, since, None)]
    return found if back_to is not None else found[:1]


def _time(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(f"found {text!r}, needed a time such as 2026-11-30T18:00") from None
    return read.astimezone(timezone.utc).replace(tzinfo=None)


def _tell(invocation: Invocation, entry: int, one: Answered, *, dry_run: bool) -> None:
    output = invocation.output
    tell_left(output, one)
    if one.entry is None:
        output.say(f"entry {entry}: nothing is to be taken back")
        return
    followed = f", {len(one.followed)} that hung on them follow" if one.followed else ""
    what = f"entry {entry}: {_what(one)}{followed}"
    output.result(f"{what} (--dry-run: nothing was changed)" if dry_run else f"{what}. `undo {one.entry}` redoes it")


def _what(one: Answered) -> str:
    """What is as before; an entry may be about no face, such as that two people are not one."""
    if one.faces or one.followed:
        return f"{number_of_faces(one)} as before"
    people = " and ".join(f"p{person}" for person in one.people)
    return f"{people} as before, no face changes" if people else "taken back, no face changes"
