"""The table `face_index`: each face that is not deleted, narrow: where, who, how sure. Derived of rows and facts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from faces.people.kept_face import FaceState, Said
from faces.store.database import Transaction, chunked
from faces.store.schema import faces
from faces.store.sidecar.library_row import tables_of


@dataclass(frozen=True, slots=True)
class IndexedFace:
    """A row, without its key."""

    image_id: int
    source_id: int | None
    taken_at: datetime | None
    person_id: int | None
    """Who it is or, where it is suggested, may be."""
    group_id: int | None
    state: FaceState
    probability: float | None
    """Of a suggestion, or of a link at the time when it was made."""
    quality: float | None
    like_not_face: int | None = None
    """The nearest face that was said to be none, where this one is to be asked about."""


_NAMES = tuple(IndexedFace.__dataclass_fields__)


def of_image(transaction: Transaction, image_id: int) -> dict[int, IndexedFace]:
    """An image's faces, by id."""
    index = tables_of(transaction).face_index
    return _read(transaction, index.c.image_id == image_id)


def read(transaction: Transaction, face_ids: Collection[int]) -> dict[int, IndexedFace]:
    """These faces, by id."""
    index = tables_of(transaction).face_index
    found: dict[int, IndexedFace] = {}
    for chunk in chunked(face_ids):
        found |= _read(transaction, index.c.face_id.in_(chunk))
    return found


def of_groups(transaction: Transaction, group_ids: Collection[int]) -> dict[int, dict[int, IndexedFace]]:
    """The faces of these groups, by group and face."""
    index = tables_of(transaction).face_index
    found: dict[int, dict[int, IndexedFace]] = {group: {} for group in group_ids}
    for chunk in chunked(group_ids):
        for face, one in _read(transaction, index.c.group_id.in_(chunk)).items():
            if one.group_id is not None:
                found[one.group_id][face] = one
    return found


def move_group(transaction: Transaction, gone: int, kept: int) -> None:
    """Say of the faces of one locked group that they are in another."""
    index = tables_of(transaction).face_index
    transaction.connection.execute(sa.update(index).where(index.c.group_id == gone).values(group_id=kept))


def people_in_images(transaction: Transaction, image_ids: Collection[int]) -> dict[int, set[int]]:
    """Who is linked or confirmed in these images, by image."""
    index = tables_of(transaction).face_index
    found: dict[int, set[int]] = {image: set() for image in image_ids}
    known = (index.c.person_id.is_not(None), index.c.state.in_((FaceState.LINKED, FaceState.CONFIRMED)))
    for chunk in chunked(image_ids):
        query = sa.select(index.c.image_id, index.c.person_id).where(index.c.image_id.in_(chunk), *known)
        for row in transaction.connection.execute(query):
            found[int(row.image_id)].add(int(row.person_id))
    return found


def has_other_confirmed(transaction: Transaction, person_id: int, face_id: int) -> bool:
    """Whether a person has a confirmed face beside this one, and those that are who it is because they hang on it."""
    index = tables_of(transaction).face_index
    query = sa.select(index.c.face_id).where(
        index.c.person_id == person_id, index.c.state == FaceState.CONFIRMED, index.c.face_id != face_id
    )
    if "parent_id" in transaction.schema.face_columns:
        hangs_on_it = sa.and_(faces.c.parent_id == face_id, faces.c.status == "process")
        query = query.join(faces, faces.c.id == index.c.face_id).where(
            sa.func.coalesce(sa.not_(hangs_on_it), sa.true())
        )
    return transaction.connection.execute(query.limit(1)).first() is not None


def images_linked_to(transaction: Transaction, parents: Collection[int], people: Collection[int]) -> set[int]:
    """The images that have a face linked to one of these faces and, as far as known here, to one of these people.

    Faces that are linked to nobody known count, too, and such as were confirmed to us alone, as whomever.
    `faces.parent_id` need have no index.
    """
    index = tables_of(transaction).face_index
    found: set[int] = set()
    is_theirs = sa.or_(index.c.person_id.is_(None), index.c.person_id.in_(sorted(people)))
    for chunk in chunked(sorted(parents) if "parent_id" in transaction.schema.face_columns else ()):
        query = sa.select(index.c.image_id).join(faces, faces.c.id == index.c.face_id)
        query = query.where(faces.c.parent_id.in_(chunk), index.c.state == FaceState.LINKED, is_theirs)
        found |= {int(image) for image in transaction.connection.execute(query.distinct()).scalars()}
    return found | set(_answered_of(transaction, parents).values())


def not_indexed(transaction: Transaction) -> dict[int, int]:
    """The images with faces that are not indexed though they are not deleted, by id, and how many each has."""
    index = tables_of(transaction).face_index
    query = (
        sa.select(faces.c.image_id, sa.func.count())
        .select_from(faces.outerjoin(index, index.c.face_id == faces.c.id))
        .where(faces.c.deleted_at.is_(None), faces.c.image_id.is_not(None), index.c.face_id.is_(None))
        .group_by(faces.c.image_id)
        .order_by(faces.c.image_id)
    )
    return {int(row[0]): int(row[1]) for row in transaction.connection.execute(query)}


def write(transaction: Transaction, face_id: int, before: IndexedFace | None, after: IndexedFace | None) -> None:
    """Make a face's row what it must be; None: there is none."""
    index = tables_of(transaction).face_index
    if before == after:
        return
    if after is None:
        transaction.connection.execute(sa.delete(index).where(index.c.face_id == face_id))
    elif before is None:
        transaction.connection.execute(sa.insert(index).values(face_id=face_id, **asdict(after)))
    else:
        old = asdict(before)
        values = {name: value for name, value in asdict(after).items() if old[name] != value}
        transaction.connection.execute(sa.update(index).where(index.c.face_id == face_id).values(**values))


def write_all(transaction: Transaction, rows: Mapping[int, IndexedFace | None]) -> None:
    """Make these faces' rows what they must be, many at once; None: there is none."""
    index = tables_of(transaction).face_index
    for chunk in chunked(sorted(rows)):
        transaction.connection.execute(sa.delete(index).where(index.c.face_id.in_(chunk)))
    there = [{"face_id": face, **_columns(one)} for face, one in sorted(rows.items()) if one is not None]
    if there:
        transaction.connection.execute(sa.insert(index), there)


def hanging_on(transaction: Transaction, parents: Collection[int], people: Collection[int]) -> set[int]:
    """The faces whose rows have one of these as parent, of these people or of none that is known here.

    Such as were confirmed to us alone count, as whomever. `faces.parent_id` need have no index.
    """
    if "parent_id" not in transaction.schema.face_columns:
        return set()
    index = tables_of(transaction).face_index
    found: set[int] = set()
    is_theirs = sa.or_(index.c.person_id.is_(None), index.c.person_id.in_(sorted(people)))
    is_known = index.c.state.in_((FaceState.LINKED, FaceState.CONFIRMED))
    if transaction.schema.ours:
        # There the rows have that index, and SQLite would rather go through all faces of nobody.
        hanging = _with_parents(transaction, parents)
        for chunk in chunked(sorted(hanging)):
            query = sa.select(index.c.face_id).where(index.c.face_id.in_(chunk), is_known, is_theirs)
            found |= {int(face) for face in transaction.connection.execute(query).scalars()}
        answered = _answered_of(transaction, parents) if hanging - found else {}
        return found | answered.keys()
    for chunk in chunked(sorted(parents)):
        query = sa.select(index.c.face_id).join(faces, faces.c.id == index.c.face_id)
        query = query.where(faces.c.parent_id.in_(chunk), is_known, is_theirs)
        found |= {int(face) for face in transaction.connection.execute(query).scalars()}
    return found | _answered_of(transaction, parents).keys()


def _with_parents(transaction: Transaction, parents: Collection[int]) -> set[int]:
    """The faces whose rows have one of these as parent."""
    found: set[int] = set()
    for chunk in chunked(sorted(parents)):
        query = sa.select(faces.c.id).where(faces.c.parent_id.in_(chunk), faces.c.deleted_at.is_(None))
        found |= {int(face) for face in transaction.connection.execute(query).scalars()}
    return found


def _answered_of(transaction: Transaction, parents: Collection[int]) -> dict[int, int]:
    """The faces with a machine's status that a person has confirmed to us, and that hang on one of these: their images.

    Found by what was answered: that is less than there are faces.
    """
    if "parent_id" not in transaction.schema.face_columns:
        return {}
    answers, found = tables_of(transaction).answers, dict[int, int]()
    for chunk in chunked(sorted(parents)):
        query = sa.select(faces.c.id, faces.c.image_id).join(answers, answers.c.face_id == faces.c.id)
        query = query.where(answers.c.says == Said.YES, faces.c.parent_id.in_(chunk), faces.c.status == "process")
        query = query.where(faces.c.deleted_at.is_(None), faces.c.image_id.is_not(None))
        found |= {int(row.id): int(row.image_id) for row in transaction.connection.execute(query)}
    return found


def who_is(transaction: Transaction, face_ids: Collection[int]) -> dict[int, int | None]:
    """Whom each of these faces is linked to or confirmed as, by face; faces that are not indexed are left out."""
    index = tables_of(transaction).face_index
    found: dict[int, int | None] = {}
    known = (int(FaceState.LINKED), int(FaceState.CONFIRMED))
    for chunk in chunked(sorted(face_ids)):
        query = sa.select(index.c.face_id, index.c.state, index.c.person_id).where(index.c.face_id.in_(chunk))
        for face, state, person in transaction.connection.execute(query):
            found[int(face)] = int(person) if state in known and person is not None else None
    return found


def ids_of_groups(transaction: Transaction, group_ids: Collection[int]) -> set[int]:
    """The faces of these groups."""
    index = tables_of(transaction).face_index
    found: set[int] = set()
    for chunk in chunked(sorted(group_ids)):
        query = sa.select(index.c.face_id).where(index.c.group_id.in_(chunk))
        found |= {int(face) for face in transaction.connection.execute(query).scalars()}
    return found


def of_people(transaction: Transaction, person_ids: Collection[int], *states: FaceState) -> set[int]:
    """The faces that are these people's, in one of these states."""
    index = tables_of(transaction).face_index
    found: set[int] = set()
    for chunk in chunked(sorted(person_ids)):
        query = sa.select(index.c.face_id).where(index.c.person_id.in_(chunk), index.c.state.in_(states))
        found |= {int(face) for face in transaction.connection.execute(query).scalars()}
    return found


def _read(transaction: Transaction, condition: sa.ColumnElement[bool]) -> dict[int, IndexedFace]:
    index = tables_of(transaction).face_index
    query = sa.select(index.c.face_id, *(index.c[name] for name in _NAMES))
    rows = transaction.connection.execute(query.where(condition).order_by(index.c.face_id))
    return {int(face): _indexed(*columns) for face, *columns in rows}


def _indexed(
    image: Any, source: Any, taken: Any, person: Any, group: Any, state: int, probability: Any, quality: Any, like: Any
) -> IndexedFace:
    person, group, like = (None if one is None else int(one) for one in (person, group, like))
    return IndexedFace(int(image), source, taken, person, group, FaceState(state), probability, quality, like)


def _columns(one: IndexedFace) -> dict[str, Any]:
    """As `asdict`, a tenth of the time: there are thousands."""
    return {name: getattr(one, name) for name in _NAMES}
