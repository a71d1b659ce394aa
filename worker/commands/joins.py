"""join and split: people and groups that are one, and faces that are somebody else."""

from __future__ import annotations

import argparse
from typing import Any

from worker.commands.answering import add_ids, answer, number_of_faces, refs
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_UNDONE = "\n\nIt is one entry of the ledger, and `undo` takes it back, also when others have followed."

_DETAILS = {
    "join": """\
Says that two or more people (p12), or groups (g12), are one. All faces of the others become the first one's, with its
name; the old ids say where their faces are now, and what was refused for them is refused for the first. Where one of
the groups is a person's, the faces of the others that nothing was said of are this person from now on.

Refused where a person has said that they are not one (`apart`, `reject`, `split`), where two groups have faces of one
photo or are two people's, and where the app keeps people itself (its versions from 4 on): there it is said in the
app, and only groups are joined here."""
    + _UNDONE,
    "split": """\
Says that faces (f12) of a group (g12) or of a person (p12) are somebody else. They leave to a new group without a name,
which is never joined with the old one, and never linked to that person or offered as them."""
    + _UNDONE,
}


def add_to(verbs: Any, verb: str) -> None:
    """Add one of the two to the command line."""
    parser = add_verb(verbs, verb, {"join": _join, "split": _split}[verb], _DETAILS[verb])
    if verb == "join":
        add_ids(parser, "ID", "people or groups; the first one stays")
        return
    parser.add_argument("whole", metavar="ID", help="a group or person")
    add_ids(parser, "FACE", "faces of it")


def _join(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers import joins

    ids = refs(arguments.ids, "person", "group")
    first, others = ids[0], ", ".join(map(str, ids[1:]))
    return answer(
        invocation,
        lambda answers, one: joins.join(answers, one, ids),
        lambda done: f"{others} {'is' if len(ids) == 2 else 'are'} {first} now: {number_of_faces(done)}",
    )


def _split(arguments: argparse.Namespace, invocation: Invocation) -> int:
    from faces.answers import splits

    (whole,), ids = refs([arguments.whole], "group", "person"), refs(arguments.ids, "face")
    return answer(
        invocation,
        lambda answers, one: splits.split(answers, one, whole, ids),
        lambda done: f"{number_of_faces(done)} left {whole}, never to come back",
    )
