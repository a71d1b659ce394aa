"""Who is where: images and their faces with names, to look at; none of a photo that is gone. Only reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from faces.people.kept_face import FaceState
from faces.people.matching import distances
from faces.people.names import OfferedName, canonical
from faces.people.refs import Ref
from faces.photo.face import RatioBox
from faces.store.database import Transaction
from faces.store.face_names import parents, with_names
from faces.store.faces import read_box, read_encoding
from faces.store.scan_marks import is_listed
from faces.store.schema import faces, images

#: Rows read at a time: some megabytes of encodings, which are JSON.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class ListedImage:
    """An image, and why its faces are not known where they are not."""

    id: int
    disk: str | None
    path: str | None
    filename: str
    faces_checked: bool
    last_error: str | None


@dataclass(frozen=True, slots=True)
class ListedFace:
    """A face that is not deleted. `name` is the person's: of its master where it is linked, else its own.

    It is written as `canonical` writes it, whatever the database has. From `group_id` on all is of our own tables, and
    None without them: `person_id` and `state`, and of a person who is only offered the name and the probability;
    `like_not_face` is the face that was said to be none which this one is like, where that is to be asked about.
    """

    id: int
    image_id: int
    face_index: int
    name: str | None
    status: str
    parent_id: int | None
    quality: float | None
    box: RatioBox | None
    distance: float | None
    """To the master that it is linked to."""
    group_id: int | None = None
    person_id: int | None = None
    state: FaceState | None = None
    probability: float | None = None
    offered: str | None = None
    like_not_face: int | None = None

    @property
    def offer(self) -> OfferedName | None:
        """Who is offered for it."""
        if self.state is not FaceState.SUGGESTED or self.person_id is None:
            return None
        return OfferedName(self.offered or str(Ref("person", self.person_id)), self.probability)

    @property
    def added(self) -> dict[str, object]:
        """What our own tables say, as JSON has it: beside what was listed before there were any."""
        state = None if self.state is None else self.state.word
        return {
            "group_id": self.group_id,
            "person_id": self.person_id,
            "state": state,
            "probability": self.probability,
            "offered": self.offered,
            "like_not_face": self.like_not_face,
        }


def list_images(transaction: Transaction, ids: Collection[int] | None = None) -> list[ListedImage]:
    """All images, or these, in the order of their places."""
    columns = (
        images.c.id,
        images.c.disk,
        images.c.path,
        images.c.filename,
        images.c.faces_checked,
        images.c.last_error,
    )
    query = sa.select(*columns).where(is_listed(transaction.schema, images.c.id))
    query = query.order_by(images.c.disk, images.c.path, images.c.filename, images.c.id)
    rows = transaction.connection.execute(query if ids is None else query.where(images.c.id.in_(ids))).mappings()
    return [ListedImage(**{**row, "faces_checked": bool(row["faces_checked"])}) for row in rows]


def list_faces(transaction: Transaction, image_ids: Collection[int] | None = None) -> list[ListedFace]:
    """All faces that are not deleted, or those of these images, by image and number; only those that have an image."""
    query = (
        _query(transaction)
        .where(faces.c.deleted_at.is_(None), faces.c.image_id.is_not(None))
        .where(is_listed(transaction.schema, faces.c.image_id))
        .order_by(faces.c.image_id, faces.c.face_index, faces.c.id)
    )
    rows = transaction.connection.execute(query if image_ids is None else query.where(faces.c.image_id.in_(image_ids)))
    return [_listed(dict(row)) for row in rows.mappings()]


def read_faces(transaction: Transaction, ids: Sequence[int]) -> Iterator[tuple[ListedFace, ListedImage]]:
    """Faces with their images in the order of `ids`, some hundred at a time; without those that are gone by now."""
    for some in in_parts(ids):
        rows = transaction.connection.execute(
            _query(transaction).where(faces.c.id.in_(some), faces.c.deleted_at.is_(None))
        ).mappings()
        found = {row["id"]: _listed(dict(row)) for row in rows}
        places = list_images(transaction, {face.image_id for face in found.values()})
        at = {image.id: image for image in places}
        yield from (
            (found[face_id], at[found[face_id].image_id])
            for face_id in some
            if face_id in found and found[face_id].image_id in at
        )


def named_files(transaction: Transaction) -> set[tuple[str | None, str, str]]:
    """Folder, file and name of each face that a person named, as far as its image is listed."""
    source, name = with_names(transaction, faces)
    query = (
        sa.select(images.c.path, images.c.filename, name)
        .select_from(source.join(images, images.c.id == faces.c.image_id))
        .where(faces.c.status == "ok", faces.c.deleted_at.is_(None), name.is_not(None))
        .where(is_listed(transaction.schema, images.c.id))
    )
    return {(path, filename, canonical(who)) for path, filename, who in transaction.connection.execute(query)}


def in_parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """As many ids at a time as one statement may name and as are read at once."""
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def _query(transaction: Transaction) -> sa.Select[Any]:
    has = transaction.schema.face_columns
    source, name = with_names(transaction, faces)
    columns: list[sa.ColumnElement[Any]] = [
        *(faces.c.id, faces.c.image_id, faces.c.face_index, faces.c.status, name.label("who")),
        *(faces.c[name] for name in ("quality_score", "box", "parent_id") if name in has),
    ]
    if "parent_id" in has:
        linked = faces.c.parent_id.is_not(None)
        columns += [
            sa.case((linked, faces.c.encoding)).label("encoding"),
            parents.c.encoding.label("parent_encoding"),
        ]
    if transaction.schema.sidecar is not None:
        index, people = transaction.schema.sidecar.face_index, transaction.schema.sidecar.people
        source = source.outerjoin(index, index.c.face_id == faces.c.id)
        source = source.outerjoin(people, people.c.id == index.c.person_id)
        columns += [index.c.group_id, index.c.person_id.label("person"), index.c.state, index.c.probability]
        columns += [index.c.like_not_face]
        columns += [people.c.name.label("person_name")]
    return sa.select(*columns).select_from(source)


def _listed(row: dict[str, Any]) -> ListedFace:
    state = None if row.get("state") is None else FaceState(row["state"])
    return ListedFace(
        id=row["id"],
        image_id=row["image_id"],
        face_index=row["face_index"],
        name=canonical(row["who"] or "") or None,
        status=row["status"],
        parent_id=row.get("parent_id"),
        quality=row.get("quality_score"),
        box=read_box(row.get("box")),
        distance=_distance(row),
        group_id=row.get("group_id"),
        person_id=row.get("person"),
        state=state,
        probability=row.get("probability"),
        offered=canonical(row["person_name"] or "") or None if state is FaceState.SUGGESTED else None,
        like_not_face=row.get("like_not_face"),
    )


def _distance(row: dict[str, Any]) -> float | None:
    encoding, master = read_encoding(row.get("encoding")), read_encoding(row.get("parent_encoding"))
    return None if encoding is None or master is None else float(distances(encoding, master[None])[0])
