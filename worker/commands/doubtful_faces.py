"""faces --doubtful: the confirmed faces that do not fit the others of their person."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from faces.errors import RequestError, SchemaError
from faces.laravel.disks import place_of
from faces.people.names import canonical
from faces.people.refs import Ref
from faces.store.listing import ListedFace, ListedImage, read_faces
from faces.store.sidecar.lists.people_pages import person_of
from faces.store.sidecar.people_rows import marks
from worker.commands.invocation import Invocation

if TYPE_CHECKING:
    # Not at run time: only a database with our tables needs it.
    from faces.answers.history.doubtful_faces import DoubtfulFace

_COLUMNS = ("photo", "face", "who", "p", "distance", "others", "likelier", "id")

_Shown = tuple["DoubtfulFace", ListedFace, ListedImage]


def list_doubtful(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """List them, the worst first.

    Raises:
        RequestError, SchemaError: not as it was asked, or not in this database.
    """
    _refuse_contradictions(arguments)
    output = invocation.output
    with invocation.store() as store:
        store.schema.require_sidecar()
        library = invocation.library(store)
        if library.arrivals is None:
            raise SchemaError(
                f"found no tables of people and groups in {store.name}, needed those of `tables --create`"
            )
        from faces.answers.history.doubtful_faces import doubtful_faces

        with store.reading() as transaction:
            if arguments.person is not None:
                person_of(transaction, arguments.person)
            found = {
                one.face_id: one
                for one in doubtful_faces(transaction, library.arrivals.library, arguments.person, arguments.limit)
            }
            names = _names(marks(transaction, _likelier_people(found.values())))
            shown = ((found[face.id], face, image) for face, image in read_faces(transaction, list(found)))
            if output.as_json:
                output.records(_record(*one, names) for one in shown)
            else:
                output.table(_COLUMNS, (_row(*one, names) for one in shown))
    return 0


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    for option in ("name", "group", "after"):
        if getattr(arguments, option) is not None:
            raise RequestError(f"found --{option} beside --doubtful, needed --person, --limit or neither")
    if arguments.not_face:
        raise RequestError("found --not-face beside --doubtful, needed one of them")
    if arguments.offset:
        raise RequestError("found --offset beside --doubtful, needed --limit: the worst are the first")


def _likelier_people(found: Iterable[DoubtfulFace]) -> set[int]:
    return {one.standing.likelier for one in found if one.standing.likelier is not None}


def _names(marks_of: dict[int, dict[str, object]]) -> dict[int, str | None]:
    return {person: canonical(str(one["name"] or "")) or None for person, one in marks_of.items()}


def _row(one: DoubtfulFace, face: ListedFace, image: ListedImage, names: dict[int, str | None]) -> tuple[str, ...]:
    standing = one.standing
    return (
        place_of(image.disk, image.path, image.filename),
        str(face.face_index),
        face.name or str(Ref("person", one.person_id)),
        f"{standing.probability:.3f}",
        f"{standing.distance:.3f}",
        str(standing.others),
        "" if standing.likelier is None else _likelier(standing.likelier, names),
        str(Ref("face", face.id)),
    )


def _likelier(person: int, names: dict[int, str | None]) -> str:
    ref = str(Ref("person", person))
    return f"{names[person]} ({ref})" if names.get(person) else ref


def _record(one: DoubtfulFace, face: ListedFace, image: ListedImage, names: dict[int, str | None]) -> dict[str, object]:
    standing = one.standing
    likelier = standing.likelier
    return {
        "photo": place_of(image.disk, image.path, image.filename),
        "id": face.id,
        "ref": str(Ref("face", face.id)),
        "face_index": face.face_index,
        "person_id": one.person_id,
        "person": face.name,
        "probability": standing.probability,
        "t": standing.t,
        "score": standing.score,
        "distance": standing.distance,
        "others": standing.others,
        "likelier_id": likelier,
        "likelier": None if likelier is None else names.get(likelier),
    }
