"""rename, hide, favourite, cover and forget: people themselves."""

from __future__ import annotations

import argparse
from typing import Any

from worker.commands.answering import add_ids, answer, number_of_faces, refs
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_UNDONE = "\n\nIt is one entry of the ledger, and `undo` takes it back, also when others have followed."

_DETAILS = {
    "rename": """\
Gives a person (p12) another name, on all faces that are theirs. A name that another person has is refused: `join` makes
two people one, and with --new there are two of one name."""
    + _UNDONE,
    "hide": """\
Leaves people (p12) out of the list of people; `people --hidden` lists them. They are linked and offered as before. With
--off they are listed again."""
    + _UNDONE,
    "favourite": """\
Says that people (p12) are favourites: `favourite` in the JSON of `people`. With --off they are none any more."""
    + _UNDONE,
    "cover": """\
Says which of a person's faces (f12) stands for them: for pages, and whoever reads our tables."""
    + _UNDONE,
    "forget": """\
Takes a person's (p12) name and links away from all their faces, which are unknown again. The person's id stays, without
a name, and is not listed.

It is no erasing: faces, encodings and the ledger, which has the name, stay. It is one entry of the ledger, and `undo`
takes it back, also when others have followed.""",
}


def add_to(verbs: Any, verb: str) -> None:
    """Add one of them to the command line."""
    run = {"rename": _rename, "cover": _cover, "forget": _forget}.get(verb, _mark)
    parser = add_verb(verbs, verb, run, _DETAILS[verb])
    parser.set_defaults(verb_of_many=verb)
    if verb in ("hide", "favourite"):
        add_ids(parser, "PERSON", "people")
        parser.add_argument("--off", action="store_true", help="not any more")
        return
    parser.add_argument("person", metavar="PERSON", help="a person's id")
    if verb == "rename":
        parser.add_argument("name", metavar="NAME", help="the new name")
        parser.add_argument("--new", action="store_true", help="another person of a name that there is already")
    elif verb == "cover":
        parser.add_argument("face", metavar="FACE", help="a face of that person")


def _rename(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers import people_marks

    (person,), name = refs([arguments.person], "person"), arguments.name
    return answer(
        invocation,
        lambda answers, one: people_marks.rename(answers, one, person, name, new=arguments.new),
        lambda done: f"{person} is {name} now, on {number_of_faces(done)}",
    )


def _mark(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers import people_marks

    verb, off = arguments.verb_of_many, arguments.off
    give, said = {
        "hide": (people_marks.hide, "listed again" if off else "hidden"),
        "favourite": (people_marks.favourite, "no favourite any more" if off else "a favourite"),
    }[verb]
    ids = refs(arguments.ids, "person")
    return answer(
        invocation,
        lambda answers, one: give(answers, one, ids, off=off),
        lambda done: f"{', '.join(f'p{person}' for person in done.people)}: {said}",
    )


def _cover(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers import people_marks

    (person,), (face,) = refs([arguments.person], "person"), refs([arguments.face], "face")
    return answer(
        invocation,
        lambda answers, one: people_marks.cover(answers, one, person, face),
        lambda done: f"{face} stands for {person}",
    )


def _forget(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers import people_marks

    (person,) = refs([arguments.person], "person")
    return answer(
        invocation,
        lambda answers, one: people_marks.forget(answers, one, person),
        lambda done: f"{person} is nobody now: {number_of_faces(done)} unknown",
    )
