"""faces: who is where."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from faces.errors import RequestError
from faces.laravel.disks import place_of
from faces.people.names import NOT_A_FACE
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.face_pages import Choice, FaceOrder, page_of_faces
from faces.store.listing import ListedFace, ListedImage, read_faces
from faces.store.sidecar import not_face_rows
from faces.store.sidecar.lists.group_pages import current_group, faces_of_group
from faces.store.sidecar.lists.people_pages import current_person, faces_of_person
from worker.commands.choice import add_after, add_choice, choice_of, tell_if_nobody, tell_of_more, with_one_more
from worker.commands.doubtful_faces import list_doubtful
from worker.commands.invocation import Invocation
from worker.commands.parser import ref_of
from worker.commands.verbs import add_verb

_DETAILS = """\
Lists the faces in the database: the photo, the face's number in it, who it is, how sure that is (the distance to the
known face, smaller is nearer), how good the face is (0–100), its group (g12) and its id (f12). Who is only offered
stands with a question mark and the probability: Ada? 87 %. A table on a terminal, tab-separated lines else.
In the order of the photos' places; --limit and --offset take a page of them, or --limit and --after, which is as quick
for the last page as for the first.

--group and --person list the faces of one group, the best first, or of one person: the confirmed ones, then those that
were linked, the newest photos first, then those that the person is offered for, the likeliest first.

--doubtful lists the confirmed faces that do not fit the others of their person, of people with three or more, the worst
first: how likely each is that person by the others alone, how far from their middle, and who is likelier.

--not-face lists what may be no face: it is like a find that a person has said is none, and stands as "not a face?".
An answer of any kind ends that question."""


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "faces", run, _DETAILS)
    add_choice(parser, "faces")
    parser.add_argument("--group", metavar="ID", type=ref_of("group"), help="only the faces of this group, such as g12")
    parser.add_argument("--person", metavar="ID", type=ref_of("person"), help="only the faces of this person: p12")
    parser.add_argument("--not-face", action="store_true", help="only what is like a find that was said to be no face")
    parser.add_argument("--doubtful", action="store_true", help="only confirmed faces that do not fit their person")
    add_after(parser, "face")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """List them; 1 where nobody has the name."""
    if arguments.doubtful:
        return list_doubtful(arguments, invocation)
    _refuse_contradictions(arguments)
    output, limit = invocation.output, arguments.limit
    with invocation.store() as store, store.reading() as transaction:
        ids = _ids(arguments, transaction, invocation)
        code = tell_if_nobody(arguments, invocation, len(ids))
        shown = read_faces(transaction, ids[:limit])
        if output.as_json:
            output.records(_record(face, image) for face, image in shown)
        elif not code:
            # Where there are groups.
            grouped = transaction.schema.sidecar is not None
            columns = (
                "photo",
                "face",
                "who",
                "distance",
                "quality",
                "status",
                *(("group",) if grouped else ()),
                "id",
            )
            output.table(columns, (_row(face, image, grouped=grouped) for face, image in shown))
        if limit and len(ids) > limit:
            tell_of_more(arguments, invocation, Ref("face", ids[limit - 1]))
    return code


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    whose = [option for option in ("name", "group", "person") if getattr(arguments, option) is not None]
    whose += ["not-face"] if arguments.not_face else []
    if len(whose) > 1:
        raise RequestError(f"found {' and '.join(f'--{option}' for option in whose)}, needed one of them")
    if arguments.after is not None and "name" in whose:
        raise RequestError("found --after beside --name, needed --offset for the other pages of a name")
    if arguments.offset and (whose in (["group"], ["person"], ["not-face"]) or arguments.after is not None):
        other = f"--{whose[0]}" if whose else "--after"
        raise RequestError(f"found --offset beside {other}, needed --after alone, with the last id of the page before")


def _ids(arguments: argparse.Namespace, transaction: Transaction, invocation: Invocation) -> Sequence[int]:
    """A page; not of --name and --offset with one face more, where there is one."""
    more = with_one_more(arguments.limit)
    if arguments.person is not None:
        person = current_person(transaction, arguments.person)
        _tell_where(invocation, Ref("person", arguments.person), Ref("person", person))
        return faces_of_person(transaction, person, arguments.after, more)
    if arguments.not_face:
        return not_face_rows.page(transaction, arguments.after, more)
    if arguments.group is not None:
        group = current_group(transaction, arguments.group)
        _tell_where(invocation, Ref("group", arguments.group), Ref("group", group))
        return faces_of_group(transaction, group, arguments.after, more)
    if arguments.after is not None:
        return page_of_faces(transaction, Choice(limit=more, after=arguments.after), FaceOrder.PLACES)
    return page_of_faces(transaction, choice_of(arguments, transaction), FaceOrder.PLACES)


def _tell_where(invocation: Invocation, asked: Ref, current: Ref) -> None:
    if current != asked:
        invocation.output.say(f"faces: {asked} was joined to {current}: these are the faces of {current}")


def _row(face: ListedFace, image: ListedImage, *, grouped: bool) -> tuple[str, ...]:
    group = "" if face.group_id is None else str(Ref("group", face.group_id))
    return (
        place_of(image.disk, image.path, image.filename),
        str(face.face_index),
        NOT_A_FACE if face.like_not_face is not None else str(face.offer or face.name or ""),
        "" if face.distance is None else f"{face.distance:.3f}",
        "" if face.quality is None else f"{face.quality:g}",
        face.status,
        *((group,) if grouped else ()),
        str(Ref("face", face.id)),
    )


def _record(face: ListedFace, image: ListedImage) -> dict[str, object]:
    return {"photo": place_of(image.disk, image.path, image.filename), **asdict(face), **face.added}
