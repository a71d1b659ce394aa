"""Which faces are listed, in which order, and a page of them: as ids, which `listing` reads. Reads no encoding."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

import sqlalchemy as sa

from faces.errors import RequestError
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.face_names import is_one_of, may_be_named, with_names
from faces.store.image_order import PLACE, images_by_id, images_by_place
from faces.store.scan_marks import is_listed
from faces.store.schema import faces, images
from faces.store.sidecar.lists.place_jump import Jump, jump

#: Images whose faces are asked for at a time, where the app's database is read image by image.
_CHUNK = 500

#: Faces of one name that are read one by one, by their ids; a row is some kilobytes.
_FEW = 2000

#: Of a name with more faces: pages that end before so many are read in the order of places instead of sorted.
_SOON = 500


class FaceOrder(Enum):
    """By the images' places, as a person looks for them, or by their ids; then by the faces' numbers."""

    PLACES = "places"
    IDS = "ids"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which faces, or images with such faces: those of `spellings` (None: all), `limit` of them after `offset`.

    Faces also behind the face `after`, where all are asked for.
    """

    spellings: Collection[str] | None = None
    limit: int | None = None
    offset: int = 0
    after: int | None = None

    @property
    def is_at_the_begin(self) -> bool:
        """Whether the page ends so soon that reading on until it is full takes less than sorting all."""
        return self.limit is not None and self.offset + self.limit <= _SOON

    @property
    def is_empty(self) -> bool:
        """Whether nobody is asked for."""
        return self.spellings is not None and not self.spellings


def page_of_faces(transaction: Transaction, choice: Choice, order: FaceOrder) -> Sequence[int]:
    """The ids of a page of the faces that are not deleted and have an image that is listed; 8 bytes each.

    Raises:
        RequestError: there is no face `after`.
    """
    if choice.is_empty:
        return ()
    if choice.spellings is None:
        ahead = jump(transaction, choice.offset) if order is FaceOrder.PLACES and choice.after is None else Jump()
        if choice.after is not None or ahead.faces or not transaction.schema.ours:
            start = choice.offset - ahead.faces
            end = None if choice.limit is None else start + choice.limit
            found = _image_by_image(transaction, order, choice.after, ahead.behind, end)
            return array("q", islice(found, start, end))
    named = None if choice.spellings is None else may_be_named(transaction, choice.spellings)
    are_few = named is not None and _are_few(transaction, named)
    if named is not None and not are_few and choice.is_at_the_begin:
        found = _behind(transaction, order, None, _CHUNK, choice.spellings)
        return array("q", islice(found, choice.offset, choice.offset + (choice.limit or 0)))
    source, conditions = _listed(transaction, choice, named if are_few else None)
    if order is FaceOrder.PLACES:
        # A sum has no index: SQLite is to read images in the order of their index, and each one's faces, instead of
        # sorting all. Where few faces are wanted, sorting those is quicker.
        image_id = images.c.id + 0 if choice.spellings is None else images.c.id
        source = source.join(images, faces.c.image_id == image_id)
    ordered = (*PLACE, images.c.id) if order is FaceOrder.PLACES else (faces.c.image_id,)
    query = sa.select(faces.c.id).select_from(source).where(*conditions)
    # MariaDB would read the faces in the order of images, all over the disk.
    query = query.prefix_with("STRAIGHT_JOIN", dialect="mysql").order_by(*ordered, faces.c.face_index, faces.c.id)
    return _ids(transaction, query.limit(choice.limit).offset(choice.offset or None))


def page_of_images(transaction: Transaction, choice: Choice) -> Sequence[int]:
    """The ids of a page of the images that are listed, in the order of their places: all, or those with such faces."""
    if choice.is_empty:
        return ()
    query = sa.select(images.c.id).where(is_listed(transaction.schema, images.c.id)).order_by(*PLACE, images.c.id)
    if choice.spellings is not None:
        named = may_be_named(transaction, choice.spellings)
        are_few = named is not None and _are_few(transaction, named)
        source, conditions = _listed(transaction, choice, named if are_few else None)
        query = query.where(images.c.id.in_(sa.select(faces.c.image_id).select_from(source).where(*conditions)))
    return _ids(transaction, query.limit(choice.limit).offset(choice.offset or None))


def _listed(
    transaction: Transaction, choice: Choice, named: Sequence[sa.Select[int]] | None = None
) -> tuple[sa.FromClause, list[sa.ColumnElement[bool]]]:
    """Faces, joined with what their names come from where these are asked for; and the conditions.

    `named` are queries for all ids that may have such a name, where only those are to be read.
    """
    conditions: list[sa.ColumnElement[bool]] = [
        faces.c.deleted_at.is_(None),
        faces.c.image_id.is_not(None),
        is_listed(transaction.schema, faces.c.image_id),
    ]
    if choice.spellings is None:
        return faces, conditions
    start: sa.FromClause = faces
    if named is not None:
        found = sa.union(*named).subquery("found")
        start = found.join(faces, faces.c.id == found.c.id)
    source, name = with_names(transaction, start)
    return source, [*conditions, is_one_of(transaction, name, choice.spellings)]


def _are_few(transaction: Transaction, named: Sequence[sa.Select[int]]) -> bool:
    """Whether so few faces may have a name that each one's row can be read."""
    found = sa.union_all(*named).limit(_FEW + 1).subquery()
    return int(transaction.connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()) <= _FEW


def _image_by_image(
    transaction: Transaction, order: FaceOrder, after: int | None, behind: int | None, count: int | None
) -> Iterator[int]:
    """All faces in order, or those behind a face, or an image, for `count` of them.

    The app's tables have no index for one query.
    """
    start = None if after is None else _face(transaction, after)
    if start is not None:
        behind = start.image_id
        of_the_image = _faces_of(transaction, [start.image_id])
        yield from (face_id for _, place, face_id in of_the_image if (place, face_id) > (start.face_index, start.id))
    yield from _behind(transaction, order, behind, _CHUNK if count is None else max(1, min(count, _CHUNK)))


def _behind(
    transaction: Transaction,
    order: FaceOrder,
    image_id: int | None,
    size: int,
    spellings: Collection[str] | None = None,
) -> Iterator[int]:
    """The faces on images behind one, or those of a name; of `size` images at a time."""
    in_order = images_by_place if order is FaceOrder.PLACES else images_by_id
    for ids in in_order(transaction, image_id, size):
        yield from (face_id for _, _, face_id in _faces_of(transaction, ids, spellings))


def _faces_of(
    transaction: Transaction, image_ids: Sequence[int], spellings: Collection[str] | None = None
) -> list[tuple[int, int, int]]:
    """The faces of these images, or those of a name, in their order: the image's place, the face's number, its id."""
    places = {image_id: place for place, image_id in enumerate(image_ids)}
    query = sa.select(faces.c.id, faces.c.image_id, faces.c.face_index).where(
        faces.c.image_id.in_(places), faces.c.deleted_at.is_(None)
    )
    if spellings is not None:
        source, conditions = _listed(transaction, Choice(spellings))
        query = query.select_from(source).where(*conditions)
    return sorted((places[row.image_id], row.face_index, row.id) for row in transaction.connection.execute(query))


def _face(transaction: Transaction, face_id: int) -> Any:
    query = sa.select(faces.c.id, faces.c.image_id, faces.c.face_index).where(
        faces.c.id == face_id, faces.c.image_id.is_not(None)
    )
    row = transaction.connection.execute(query).one_or_none()
    if row is None:
        raise RequestError(f"found no face {Ref('face', face_id)}, needed the id of one; `faces` lists them")
    return row


def _ids(transaction: Transaction, query: sa.Select[Any]) -> Sequence[int]:
    """Taken from the server in parts, and kept in 8 bytes each."""
    return array("q", transaction.connection.execute(query.execution_options(yield_per=_CHUNK)).scalars())
