"""people: who is known."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from faces.people.names import canonical
from faces.people.refs import Ref
from faces.store.sidecar.lists.people_pages import ListedPerson, PeopleChoice, list_people
from worker.commands.choice import FirstRows, add_after, add_limit, tell_of_more, with_one_more
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_DETAILS = """\
Lists people, those with most confirmed faces first: the id, which other verbs take (p12), the name, how many faces a
person has confirmed, how many were linked by themselves, how many the person is offered for, and when the newest photo
was taken. A table on a terminal, tab-separated lines else. `faces --person p12` lists the faces of one."""

_COLUMNS = ("id", "name", "confirmed", "linked", "offered", "last taken")


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "people", run, _DETAILS)
    parser.add_argument("--name", metavar="NAME", help="only people of this name; upper and lower case are the same")
    parser.add_argument("--hidden", action="store_true", help="the hidden people instead of the others")
    add_limit(parser, "people")
    add_after(parser, "person")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """List them; 1 where nobody has the name."""
    output, limit = invocation.output, arguments.limit
    with invocation.store() as store, store.reading() as transaction:
        choice = PeopleChoice(arguments.name, arguments.hidden, arguments.after, with_one_more(limit))
        found = list_people(transaction, choice)
        if arguments.name is not None:
            found = iter(named := list(found))
            if not named and arguments.after is None:
                output.records(())
                output.say(f"people: found nobody named {canonical(arguments.name)}; `people` without --name lists all")
                return 1
        shown = FirstRows(found, limit)
        if output.as_json:
            output.records(_record(person) for person in shown)
        else:
            output.table(_COLUMNS, (_row(person) for person in shown))
        if last := shown.continued:
            tell_of_more(arguments, invocation, Ref("person", last.id))
    return 0


def _row(person: ListedPerson) -> tuple[str, ...]:
    return (
        str(Ref("person", person.id)),
        person.name or "",
        *(str(count) for count in (person.confirmed, person.linked, person.suggested)),
        "" if person.last_taken is None else str(person.last_taken),
    )


def _record(person: ListedPerson) -> dict[str, object]:
    taken = None if person.last_taken is None else person.last_taken.isoformat()
    return {"ref": str(Ref("person", person.id)), **asdict(person), "last_taken": taken}
