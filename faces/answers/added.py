"""An answer that says that there is a face where none was found: `add`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.answers.held_faces import HeldFaces
from faces.answers.row_style import RowStyle
from faces.answers.scope import Scope
from faces.answers.who_it_is import person_named, target_of
from faces.errors import RequestError
from faces.people.kept_face import KeptFace, Said
from faces.people.matching import distances
from faces.people.names import checked_name
from faces.people.reconcile import MOST_ROWS, NEAR
from faces.people.refs import Ref
from faces.photo.face import Encoding, Quality, RatioBox
from faces.store import faces, images
from faces.store.database import Transaction


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFace:
    """A face as it was encoded at a box that a person has drawn."""

    encoding: Encoding
    quality: Quality | None
    box: RatioBox


def add(
    answers: Answers, answer: GivenAnswer, image_id: int, drawn: DrawnFace, who: str | Ref | None = None
) -> Answered:
    """Say that a photo has a face where none was found, and whose it is. No job ever removes it.

    Args:
        answers: what it is given with.
        answer: who says it.
        image_id: the photo's row.
        drawn: the face.
        who: a name, or a person's id; None: nobody has said.

    Raises:
        RequestError: there is no such image, a face of it is that one, or it has as many as it can have.
        ChangedSince, SchemaError, StoreUnavailable: as `Answers.give` says.
    """
    target = who if who is None or isinstance(who, Ref) else checked_name(who)

    def scope(transaction: Transaction) -> Scope:
        person = None if target is None else person_named(transaction, target)
        return Scope.of(transaction, [] if person is None else [Ref("person", person)])

    return answers.give(answer, "added", scope, partial(_add, image_id=image_id, drawn=drawn, who=target))


def _add(held: HeldFaces, style: RowStyle, *, image_id: int, drawn: DrawnFace, who: str | Ref | None) -> None:
    transaction = held.transaction
    if images.lock(transaction, image_id) is None:
        raise RequestError(f"found no image {image_id}, needed the id of one")
    live = [row for row in faces.lock_of_image(transaction, image_id) if not row.deleted]
    _refuse_a_second(live, drawn)
    values: dict[str, object] = {"encoding": faces.write_encoding(drawn.encoding), "box": faces.write_box(drawn.box)}
    if drawn.quality:
        values["quality_score"] = drawn.quality.total
        values["quality_details"] = faces.write_quality_details(drawn.quality)
    index = _free_index(live, image_id)
    face = faces.insert(transaction, image_id, values | {"face_index": index})
    quality = drawn.quality.total if drawn.quality and "quality_score" in transaction.schema.face_columns else None
    held.take_new(KeptFace(face, index, None, quality_score=quality), image_id)
    held.say(face, Said.ADDED)
    if who is not None:
        style.confirm(held, target_of(held, style, who), [face])


def _refuse_a_second(live: list[KeptFace], drawn: DrawnFace) -> None:
    known = [row for row in live if row.encoding is not None]
    if not known:
        return
    found = distances(drawn.encoding, np.stack([row.encoding for row in known if row.encoding is not None]))
    nearest = int(found.argmin())
    if found[nearest] < NEAR:
        face = Ref("face", known[nearest].id)
        raise RequestError(
            f"found that {face} of this photo is that face, distance {found[nearest]:.2f}: `name {face}`"
        )


def _free_index(live: list[KeptFace], image_id: int) -> int:
    """Behind the last one, else the first that is free."""
    used = {row.face_index for row in live}
    behind = max(used, default=-1) + 1
    free = behind if behind < MOST_ROWS else next((one for one in range(MOST_ROWS) if one not in used), None)
    if free is None:
        raise RequestError(f"found {len(live)} faces in image {image_id}, which can have no more")
    return free
