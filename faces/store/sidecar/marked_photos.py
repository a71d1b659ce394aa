"""Photos and their faces as gold sets need them: content, place in the photo, who it is, what was said before.

A photo's content is known where a scan has read it; an app's files have to be read.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from faces.people.kept_face import FaceState, Said
from faces.people.names import canonical
from faces.photo.face import RatioBox
from faces.store.database import Transaction, chunked
from faces.store.faces import read_box
from faces.store.scan_marks import is_listed
from faces.store.schema import faces, images, scan_marks
from faces.store.sidecar import ledger
from faces.store.sidecar.library_row import tables_of
from faces.store.sidecar.people_rows import key_of

#: The ledger's kind of an entry that says what a gold set says.
IMPORTED = "imported"

_ANSWERED = (FaceState.CONFIRMED, FaceState.STRANGER, FaceState.NOT_FACE)

#: What a person has said that a mark can say, too.
_MARKS = (Said.YES, Said.STRANGER, Said.NOT_FACE)


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """An image that is listed; `sha256` and `size` as a scan has read them, None where none did."""

    image_id: int
    disk: str | None
    path: str | None
    filename: str
    checked: bool
    """Whether its faces were looked for."""
    sha256: bytes | None
    size: int | None


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A face that is not deleted; `box` is None where the row has none."""

    id: int
    image_id: int
    box: RatioBox | None
    state: FaceState
    person_id: int | None
    """Who it is, or is offered as."""
    person: str | None
    answer: Said | None
    """What was said of it to us last."""


def answered_images(transaction: Transaction) -> array[int]:
    """The images with a face of which people have said who it is, by id; 8 bytes each."""
    index = tables_of(transaction).face_index
    query = sa.select(index.c.image_id).where(index.c.state.in_(_ANSWERED)).distinct()
    return array("q", sorted(int(image) for image in transaction.connection.execute(query).scalars()))


def all_images(transaction: Transaction) -> array[int]:
    """All images, by id; 8 bytes each."""
    return array("q", transaction.connection.execute(sa.select(images.c.id).order_by(images.c.id)).scalars())


def photos(transaction: Transaction, image_ids: Collection[int]) -> list[StoredPhoto]:
    """Those of these images that are listed, by id."""
    columns = (images.c.id, images.c.disk, images.c.path, images.c.filename, images.c.faces_checked)
    found: list[StoredPhoto] = []
    for chunk in chunked(sorted(image_ids)):
        query: sa.Select[Any] = sa.select(*columns)
        query = query.where(images.c.id.in_(chunk), is_listed(transaction.schema, images.c.id))
        if transaction.schema.ours:
            marks = (scan_marks.c.sha256, scan_marks.c.size)
            query = query.add_columns(*marks).outerjoin(scan_marks, scan_marks.c.image_id == images.c.id)
        else:
            query = query.add_columns(sa.null(), sa.null())
        rows = transaction.connection.execute(query.order_by(images.c.id))
        found += [StoredPhoto(int(row[0]), row[1], row[2], row[3], bool(row[4]), row[5], row[6]) for row in rows]
    return found


def faces_in(transaction: Transaction, image_ids: Collection[int]) -> dict[int, list[StoredFace]]:
    """The faces of these images that are not deleted, by image, each image's by id."""
    tables = tables_of(transaction)
    index, people, answers = tables.face_index, tables.people, tables.answers
    box = faces.c.box if "box" in transaction.schema.face_columns else sa.null()
    columns = (index.c.face_id, index.c.image_id, box, index.c.state, index.c.person_id, people.c.name, answers.c.says)
    source = index.join(faces, faces.c.id == index.c.face_id)
    source = source.outerjoin(people, people.c.id == index.c.person_id)
    source = source.outerjoin(answers, answers.c.face_id == index.c.face_id)
    found: dict[int, list[StoredFace]] = {image: [] for image in image_ids}
    for chunk in chunked(sorted(image_ids)):
        query = sa.select(*columns).select_from(source).where(index.c.image_id.in_(chunk))
        query = query.where(faces.c.deleted_at.is_(None)).order_by(index.c.face_id)
        for row in transaction.connection.execute(query):
            found[int(row[1])].append(_face(*row))
    return found


def taken_back(transaction: Transaction, face_ids: Collection[int]) -> set[int]:
    """Those of these faces of which people have once said here who they are; a gold set's marks do not count.

    So, where nothing is said of a face any more, it was taken back; an import that was taken back is as none.
    """
    tables = tables_of(transaction)
    changes, entries, undone = tables.ledger_faces, tables.ledger, tables.ledger.alias("undone")
    is_an_import = sa.func.coalesce(undone.c.kind, entries.c.kind) == IMPORTED
    found: set[int] = set()
    for chunk in chunked(sorted(face_ids)):
        query = (
            sa.select(changes.c.face_id, changes.c.before, changes.c.after)
            .join(entries, entries.c.id == changes.c.entry)
            .outerjoin(undone, undone.c.id == entries.c.undoes)
            .where(changes.c.face_id.in_(chunk), entries.c.actor != ledger.MACHINE, sa.not_(is_an_import))
        )
        for face, *sides in transaction.connection.execute(query):
            if any(_says_a_mark(json.loads(side)) for side in sides):
                found.add(int(face))
    return found


def people_named(transaction: Transaction, spellings: Collection[str]) -> set[int]:
    """All people who have one of these names, the app's too."""
    people = tables_of(transaction).people
    found: set[int] = set()
    for chunk in chunked(sorted({key_of(name) for name in spellings})):
        query = sa.select(people.c.id).where(people.c.name_key.in_(chunk))
        found |= {int(person) for person in transaction.connection.execute(query).scalars()}
    return found


def _says_a_mark(record: Mapping[str, Any]) -> bool:
    return record.get("says") in _MARKS or record.get("status") in ("ok", "unknown", "not_face")


def _face(
    face: int, image: int, box: Any, state: int, person: int | None, name: str | None, says: int | None
) -> StoredFace:
    return StoredFace(
        int(face),
        int(image),
        read_box(box),
        FaceState(state),
        None if person is None else int(person),
        canonical(name or "") or None,
        None if says is None else Said(says),
    )
