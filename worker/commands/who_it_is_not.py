"""reject, apart, stranger, not-face and unknown: who faces and groups are not."""

from __future__ import annotations

import argparse
from typing import Any

from worker.commands.answering import add_ids, answer, number_of_faces, person, refs
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_UNDONE = "\n\nIt is one entry of the ledger, and `undo` takes it back, also when others have followed."

_DETAILS = {
    "reject": """\
Says no: faces (f12) or groups (g12) are not the person that they are linked to or offered as, or not the one of
--person. The link is taken away, and it is never made or offered again."""
    + _UNDONE,
    "apart": """\
Says that two people (p12), groups (g12) or faces (f12) are not one: they are never joined, and never asked about."""
    + _UNDONE,
    "stranger": """\
Says that faces (f12) or groups (g12) are nobody who is known: they are never asked about again."""
    + _UNDONE,
    "not-face": """\
Says that what was found (f12, or whole groups g12) is no face: a pattern, a statue. Later finds that look like it are
asked about before anything else."""
    + _UNDONE,
    "unknown": """\
Takes out who faces (f12) or groups (g12) were said or linked to be: nobody knows. People are offered for them, and
none is linked by itself."""
    + _UNDONE,
}

_DONE = {"stranger": "strangers", "not-face": "no faces", "unknown": "unknown"}


def add_to(verbs: Any, verb: str) -> None:
    """Add one of them to the command line."""
    parser = add_verb(verbs, verb, {"reject": _reject, "apart": _apart}.get(verb, _nobody), _DETAILS[verb])
    parser.set_defaults(verb_of_many=verb)
    if verb == "apart":
        parser.add_argument("one", metavar="ID", help="a person, group or face")
        parser.add_argument("other", metavar="ID", help="another one")
        return
    add_ids(parser, "ID", "faces and groups")
    if verb == "reject":
        parser.add_argument("--person", metavar="NAME", help="who they are not, by name or id")


def _reject(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers import who_it_is_not

    ids = refs(arguments.ids, "face", "group")
    who = None if arguments.person is None else person(arguments.person)
    return answer(
        invocation,
        lambda answers, one: who_it_is_not.reject(answers, one, ids, who),
        lambda done: f"{', '.join(map(str, ids))}: {number_of_faces(done)} taken away, never asked again",
    )


def _apart(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers import who_it_is_not

    one, other = refs([arguments.one])[0], refs([arguments.other])[0]
    return answer(
        invocation,
        lambda answers, said: who_it_is_not.apart(answers, said, one, other),
        lambda done: f"{one} and {other} are two",
    )


def _nobody(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers import who_it_is_not

    verb = arguments.verb_of_many
    give = {
        "stranger": who_it_is_not.stranger,
        "not-face": who_it_is_not.not_face,
        "unknown": who_it_is_not.unknown,
    }[verb]
    ids = refs(arguments.ids, "face", "group")
    return answer(
        invocation,
        lambda answers, one: give(answers, one, ids),
        lambda done: f"{number_of_faces(done)}: {_DONE[verb]}",
    )
