"""undo: an answer, or a machine's link, is taken back."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime, timezone
from functools import partial
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
is an entry, too: `undo` with its number brings back what it took; --back-to does so where it had left faces that were
answered again, and then takes both back. What stays, and why, is told. --dry-run shows what would change, and changes
nothing. Where somebody else has by now a name that would come back, it is refused, as by `rename`; --new: then there
are two of one name."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "undo", run, _DETAILS)
    parser.add_argument(
        "entry", metavar="ENTRY", nargs="?", type=row_id, help="the entry's number; without it the last"
    )
    parser.add_argument("--back-to", metavar="TIME", help="all since then: 2026-11-30T18:00 of this machine's clock")
    parser.add_argument("--new", action="store_true", help="also where another person has the name by now")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Take back; 1 where nothing was to be done."""
    from faces.answers.answer import GivenAnswer
    from faces.answers.undo import undo

    if arguments.entry is not None and arguments.back_to is not None:
        raise RequestError("found an entry and --back-to, needed one of the two")
    with answers_of(invocation) as answers:
        take_back = partial(undo, answers, new=arguments.new, dry_run=arguments.dry_run)
        entries = _entries(answers, arguments)
        done = []
        for entry in entries:
            if arguments.back_to is not None and (by := _taken_back_by(answers, entry)) is not None:
                what = "would be, too, after" if arguments.dry_run else "stays taken back by"
                invocation.output.say(f"entry {entry} {what} {by}")
                continue
            try:
                one = take_back(GivenAnswer(speaker()), entry)
            except RequestError as error:
                if arguments.back_to is None:
                    raise
                invocation.output.say(f"entry {entry} stays: {error}")
                continue
            _tell(invocation, entry, one, dry_run=arguments.dry_run)
            done.append({"taken_back": entry, **asdict(one)})
        if done and not arguments.dry_run:
            answers.look_again()
    invocation.output.records(done)
    if not entries:
        invocation.output.say("undo: found nothing that a person has answered since, and that is in force")
    return 0 if any(one["faces"] or one["people"] or one["entry"] is not None for one in done) else 1


def _entries(answers: Answers, arguments: argparse.Namespace) -> list[int]:
    """The one that is named, the last one, or all since a time."""
    from faces.answers.history.way_back import undoable_since, way_back

    if arguments.entry is not None:
        return [arguments.entry]
    since = None if arguments.back_to is None else _time(arguments.back_to)
    with answers.arrivals.store.reading() as transaction:
        found = undoable_since(transaction, None, None)[:1] if since is None else way_back(transaction, since)
    return [one.id for one in found]


def _taken_back_by(answers: Answers, entry: int) -> int | None:
    """Of an undo, and what it has taken back, the undo is taken back first: where that was not done, this cannot be."""
    from faces.store.sidecar import ledger

    with answers.arrivals.store.reading() as transaction:
        return ledger.undone_by(transaction, entry)


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
