"""Which faces are listed, in which order, and a page of them: as ids, which `listing` reads. Reads no encoding."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from faces.errors import RequestError
from faces.people import names
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.image_order import PLACE, images_by_id, images_by_place
from faces.store.scan_marks import is_listed
from faces.store.schema import faces, images, persons
from faces.store.who import identities_of

#: The rows of faces that others are linked to.
parents = faces.alias("parents")

#: Images whose faces are asked for at a time, where the app's database is read image by image.
_CHUNK = 500


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
    def is_empty(self) -> bool:
        """Whether nobody is asked for."""
        return self.spellings is not None and not self.spellings


def spellings_of(transaction: Transaction, name: str) -> list[str]:
    """How a name is written in the database: composed or not, in capitals or not. Empty where nobody has it."""
    wanted = names.key(name)
    return sorted({found for found in _all_names(transaction) if names.key(found) == wanted})


def page_of_faces(transaction: Transaction, choice: Choice, order: FaceOrder) -> Sequence[int]:
    """The ids of a page of the faces that are not deleted and have an image that is listed; 8 bytes each.

    Raises:
        RequestError: there is no face `after`.
    """
    if choice.is_empty:
        return ()
    if choice.spellings is None and (choice.after is not None or not transaction.schema.ours):
        end = None if choice.limit is None else choice.offset + choice.limit
        return array("q", islice(_image_by_image(transaction, order, choice.after, end), choice.offset, end))
    source, conditions = _listed(transaction, choice)
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
        source, conditions = _listed(transaction, choice)
        query = query.where(images.c.id.in_(sa.select(faces.c.image_id).select_from(source).where(*conditions)))
    return _ids(transaction, query.limit(choice.limit).offset(choice.offset or None))


def _listed(transaction: Transaction, choice: Choice) -> tuple[sa.FromClause, list[sa.ColumnElement[bool]]]:
    """Faces, joined with what their names come from where these are asked for; and the conditions."""
    conditions: list[sa.ColumnElement[bool]] = [
        faces.c.deleted_at.is_(None),
        faces.c.image_id.is_not(None),
        is_listed(transaction.schema, faces.c.image_id),
    ]
    if choice.spellings is None:
        return faces, conditions
    source, name = with_names(transaction, faces)
    return source, [*conditions, _is_one_of(transaction, name, choice.spellings)]


def with_names(transaction: Transaction, source: sa.FromClause) -> tuple[sa.FromClause, sa.ColumnElement[Any]]:
    """Join what faces have their names from; and the expression for the name, NULL for a face without one.

    The person's comes first. Else a person's own word, and for other faces the master's name, because one beside
    `process` may be an old copy of it.
    """
    has = transaction.schema.face_columns
    known: list[sa.ColumnElement[Any]] = []
    own: sa.ColumnElement[Any] = sa.func.nullif(faces.c.name, "") if "name" in has else sa.null()
    if "parent_id" in has:
        source = source.outerjoin(parents, parents.c.id == faces.c.parent_id)
        master = sa.func.nullif(parents.c.name, "") if "name" in has else sa.null()
        own = sa.case((faces.c.status == "ok", sa.func.coalesce(own, master)), else_=sa.func.coalesce(master, own))
    if "person_id" in has and "persons" in transaction.schema.tables:
        source = source.outerjoin(persons, persons.c.id == identities_of(transaction.schema).person_of(parents))
        known.append(sa.func.nullif(persons.c.name, ""))
    return source, sa.func.coalesce(*known, own, sa.null())


def _is_one_of(
    transaction: Transaction, name: sa.ColumnElement[Any], spellings: Collection[str]
) -> sa.ColumnElement[bool]:
    """Exactly one of them: to a collation of MySQL's, Zoe and Zoë may be the same."""
    if transaction.connection.dialect.name == "mysql":
        name = sa.cast(name, mysql.CHAR(charset="utf8mb4")).collate("utf8mb4_bin")
    return name.in_(spellings)


def _all_names(transaction: Transaction) -> Iterable[str]:
    columns = [faces.c.name] if "name" in transaction.schema.face_columns else []
    columns += [persons.c.name] if "persons" in transaction.schema.tables else []
    for column in columns:
        query = sa.select(column).where(column.is_not(None)).distinct()
        if transaction.connection.dialect.name == "mysql":
            # Else a collation leaves one of the names that are the same to it.
            query = query.add_columns(sa.cast(column, sa.BINARY))
        yield from transaction.connection.execute(query).scalars()


def _image_by_image(transaction: Transaction, order: FaceOrder, after: int | None, count: int | None) -> Iterator[int]:
    """All faces in order, or those behind one, for `count` of them: the app's tables have no index for one query."""
    in_order = images_by_place if order is FaceOrder.PLACES else images_by_id
    start = None if after is None else _face(transaction, after)
    if start is not None:
        of_the_image = _faces_of(transaction, [start.image_id])
        yield from (face_id for _, place, face_id in of_the_image if (place, face_id) > (start.face_index, start.id))
    size = _CHUNK if count is None else max(1, min(count, _CHUNK))
    for ids in in_order(transaction, start and start.image_id, size):
        yield from (face_id for _, _, face_id in _faces_of(transaction, ids))


def _faces_of(transaction: Transaction, image_ids: Sequence[int]) -> list[tuple[int, int, int]]:
    """The faces of these images in their order: the image's place among them, the face's number, its id."""
    places = {image_id: place for place, image_id in enumerate(image_ids)}
    query = sa.select(faces.c.id, faces.c.image_id, faces.c.face_index).where(
        faces.c.image_id.in_(places), faces.c.deleted_at.is_(None)
    )
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
