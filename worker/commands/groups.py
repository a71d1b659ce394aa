"""groups: faces that look like one person's, and whose they may be."""

from __future__ import annotations

import argparse
from typing import Any

from faces.laravel.disks import place_of
from faces.people.refs import Ref
from faces.store.sidecar.lists.group_pages import GroupChoice, ListedGroup, list_groups
from worker.commands.choice import FirstRows, add_after, add_limit, number, tell_of_more, with_one_more
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_DETAILS = """\
Lists groups of faces without a name, the largest first: the id, which other verbs take (g12), how many faces are in
it, who is offered for it (Ada? 87 %), and the photo with its best face and the face's number there. A table on a
terminal, tab-separated lines else. `faces --group g12` lists the faces of one."""

_COLUMNS = ("id", "faces", "who", "photo", "face")


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "groups", run, _DETAILS)
    parser.add_argument("--min", metavar="N", type=number, default=2, help="groups of N faces or more; default: 2")
    parser.add_argument("--named", action="store_true", help="groups with a name instead, person by person")
    add_limit(parser, "groups")
    add_after(parser, "group")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """List them."""
    output, limit = invocation.output, arguments.limit
    with invocation.store() as store, store.reading() as transaction:
        choice = GroupChoice(arguments.named, arguments.min, arguments.after, with_one_more(limit))
        shown = FirstRows(list_groups(transaction, choice), limit)
        if output.as_json:
            output.records(_record(group) for group in shown)
        else:
            output.table(_COLUMNS, (_row(group) for group in shown))
        if last := shown.continued:
            tell_of_more(arguments, invocation, Ref("group", last.id))
    return 0


def _row(group: ListedGroup) -> tuple[str, ...]:
    example = group.example
    return (
        str(Ref("group", group.id)),
        str(group.size),
        _who(group),
        "" if example is None else place_of(example.disk, example.path, example.filename),
        "" if example is None else str(example.face_index),
    )


def _who(group: ListedGroup) -> str:
    if group.person_id is not None:
        return group.person or str(Ref("person", group.person_id))
    return "" if group.offer is None else str(group.offer)


def _record(group: ListedGroup) -> dict[str, object]:
    example = group.example
    return {
        "ref": str(Ref("group", group.id)),
        "id": group.id,
        "faces": group.size,
        "person_id": group.person_id,
        "person": group.person,
        "offered_person_id": group.offered_person_id,
        "offered": group.offered,
        "probability": group.probability,
        "photo": example and place_of(example.disk, example.path, example.filename),
        "face_id": example and example.face_id,
        "face_index": example and example.face_index,
    }
