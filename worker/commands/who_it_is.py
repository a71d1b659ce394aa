"""name, confirm and move: who faces and groups are."""

from __future__ import annotations

import argparse
from typing import Any

from worker.commands.answering import add_ids, answer, number_of_faces, person, refs
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_UNDONE = "\n\nIt is one entry of the ledger, and `undo` takes it back, also when others have followed."

_DETAILS = {
    "name": """\
Says whose faces these are: of groups (g12) all faces that nothing was said of yet, and single faces (f12). The last
word is a name, or a person's id (p12) where several people have one name. Whoever is not known yet is known from now
on. A face that was said to be another person's stays that one's: `move` says otherwise."""
    + _UNDONE,
    "move": """\
Says whose faces these are, whatever was said of them before: from one person to another. As `name` otherwise."""
    + _UNDONE,
    "confirm": """\
Says yes: faces (f12), all faces of groups (g12) or all linked faces of people (p12) are who they are linked to or
offered as. A person is known by the faces that are confirmed, so each makes the next ones surer."""
    + _UNDONE,
}


def add_to(verbs: Any, verb: str) -> None:
    """Add one of the three to the command line."""
    parser = add_verb(verbs, verb, _RUN[verb], _DETAILS[verb])
    if verb == "confirm":
        add_ids(parser, "ID", "faces, groups or people")
        return
    add_ids(parser, "ID", "faces and groups")
    parser.add_argument("who", metavar="NAME", help="the person's name, or id")
    parser.add_argument("--new", action="store_true", help="another person of a name that there is already")


def _name(arguments: argparse.Namespace, invocation: Invocation) -> int:
    return _say(arguments, invocation, "name")


def _move(arguments: argparse.Namespace, invocation: Invocation) -> int:
    return _say(arguments, invocation, "move")


def _say(arguments: argparse.Namespace, invocation: Invocation, verb: str) -> int:
    from faces.answers import who_it_is

    ids, who = refs(arguments.ids, "face", "group"), person(arguments.who)
    give = who_it_is.name if verb == "name" else who_it_is.move
    return answer(
        invocation,
        lambda answers, one: give(answers, one, ids, who, new=arguments.new),
        lambda done: f"{number_of_faces(done)} named {who}" if verb == "name" else f"{number_of_faces(done)} to {who}",
    )


def _confirm(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers import who_it_is

    ids = refs(arguments.ids)
    return answer(
        invocation,
        lambda answers, one: who_it_is.confirm(answers, one, ids),
        lambda done: f"{number_of_faces(done)} confirmed",
    )


_RUN = {"name": _name, "move": _move, "confirm": _confirm}
