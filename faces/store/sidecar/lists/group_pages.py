"""The list of groups, the largest first, and the faces of each. Only reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from faces.errors import RequestError
from faces.people.names import OfferedName, canonical
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.keyset import behind, in_pages
from faces.store.scan_marks import is_listed
from faces.store.schema import faces, images
from faces.store.sidecar.lists.face_order import both, face_ids
from faces.store.sidecar.tables import SidecarTables


@dataclass(frozen=True, slots=True)
class Example:
    """A group's best face, and its photo's place."""

    face_id: int
    face_index: int
    disk: str | None
    path: str | None
    filename: str


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group of `size` faces; named where `person_id` is set, and then nobody is offered.

    `example` is None where no face of it is listed.
    """

    id: int
    size: int
    person_id: int | None
    person: str | None
    offered_person_id: int | None
    offered: str | None
    probability: float | None
    example: Example | None

    @property
    def place(self) -> GroupPlace:
        """Where it stands in the list."""
        return self.person_id, self.size, self.id

    @property
    def offer(self) -> OfferedName | None:
        """Who is offered for it."""
        if self.offered_person_id is None or self.person_id is not None:
            return None
        return OfferedName(self.offered or str(Ref("person", self.offered_person_id)), self.probability)


GroupPlace = tuple[int | None, int, int]
"""Whose group, how many faces, and which id: what the list is in the order of."""


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """Which groups: named ones or the others, of `at_least` faces or more.

    `limit` of them behind the group `after`, or behind a `place`, where the group that was there may be gone.
    """

    named: bool = False
    at_least: int = 1
    after: int | None = None
    limit: int | None = None
    place: GroupPlace | None = None


def list_groups(transaction: Transaction, choice: GroupChoice) -> Iterator[ListedGroup]:
    """The largest first, of equal ones the newest; named ones are together by person, the newest person first.

    Raises:
        SchemaError: the database has no such tables.
        RequestError: the group `after` is not there, or named where the others are wanted, or the other way round.
    """
    tables = transaction.schema.require_sidecar()
    start = choice.place if choice.after is None else _start(transaction, tables, choice, choice.after)

    def read(last: ListedGroup | None, size: int) -> list[ListedGroup]:
        query = _query(
            transaction, tables, _page(transaction, tables.groups, choice, last.place if last else start, size)
        )
        rows = transaction.connection.execute(query).mappings().all()
        examples = _examples(transaction, [row["example"] for row in rows if row["example"] is not None])
        return [_listed(row, examples) for row in rows]

    return in_pages(read, choice.limit)


def current_group(transaction: Transaction, group_id: int) -> int:
    """The id of the group that has the faces of this one now: itself, unless it was joined to another.

    Raises:
        SchemaError: the database has no such tables.
        RequestError: there is none of this id.
    """
    groups = transaction.schema.require_sidecar().groups
    at, seen = group_id, set[int]()
    while at not in seen:
        seen.add(at)
        row = transaction.connection.execute(sa.select(groups.c.joined_to).where(groups.c.id == at)).one_or_none()
        if row is None:
            raise RequestError(f"found no group {Ref('group', group_id)}, needed the id of one: `groups` lists them")
        if row.joined_to is None:
            return at
        at = row.joined_to
    raise RequestError(f"found that the group {Ref('group', group_id)} was joined to itself: run `refresh`")


def faces_of_group(
    transaction: Transaction, group_id: int, after: int | None = None, limit: int | None = None
) -> Sequence[int]:
    """The ids of a group's faces, the best first.

    Raises:
        SchemaError: the database has no such tables.
        RequestError: the face `after` is not in the group.
    """
    return face_ids(transaction, both({"group_id": group_id}, "quality"), after, limit)


def _start(transaction: Transaction, tables: SidecarTables, choice: GroupChoice, after: int) -> GroupPlace:
    groups = tables.groups
    query = sa.select(groups.c.person_id, groups.c.size, groups.c.id, groups.c.joined_to).where(groups.c.id == after)
    row = transaction.connection.execute(query).one_or_none()
    if row is None or row.joined_to is not None or (row.person_id is not None) != choice.named:
        raise RequestError(
            f"found that the group {Ref('group', after)} is none of these, or not any more, "
            "needed the last one of a list of them: begin without --after"
        )
    return row.person_id, row.size, row.id


def _page(
    transaction: Transaction, groups: sa.Table, choice: GroupChoice, last: GroupPlace | None, size: int
) -> sa.Subquery:
    """Which groups are on a page, by the index alone: their rows are 1 kB each."""
    columns = (groups.c.person_id, groups.c.size, groups.c.id)
    # Unnamed ones are equal in the first column.
    ordered = columns if choice.named else columns[1:]
    query = (
        sa.select(*columns)
        .where(groups.c.joined_to.is_(None), groups.c.size >= choice.at_least)
        .where(groups.c.person_id.is_not(None) if choice.named else groups.c.person_id.is_(None))
        .order_by(*(column.desc() for column in ordered))
        .limit(size)
    )
    if last is not None:
        query = query.where(behind(transaction, *zip(ordered, last[-len(ordered) :], strict=True)))
    return query.subquery("page")


def _query(transaction: Transaction, tables: SidecarTables, page: sa.Subquery) -> sa.Select[Any]:
    groups, offered, person = tables.groups, tables.people.alias("offered"), tables.people.alias("person")
    return (
        sa.select(
            *(page.c.person_id, page.c.size, page.c.id, groups.c.offered_person_id, groups.c.probability),
            *(offered.c.name.label("offered"), person.c.name.label("person")),
            _best_face(transaction, tables, page).label("example"),
        )
        .select_from(page)
        .join(groups, groups.c.id == page.c.id)
        .outerjoin(offered, offered.c.id == groups.c.offered_person_id)
        .outerjoin(person, person.c.id == page.c.person_id)
        .order_by(page.c.person_id.desc(), page.c.size.desc(), page.c.id.desc())
    )


def _best_face(transaction: Transaction, tables: SidecarTables, page: sa.Subquery) -> sa.ScalarSelect[Any]:
    index = tables.face_index
    query = (
        sa.select(index.c.face_id)
        .where(index.c.group_id == page.c.id, is_listed(transaction.schema, index.c.image_id))
        .order_by(index.c.quality.desc(), index.c.face_id.desc())
        .limit(1)
    )
    return query.correlate(page).scalar_subquery()


def _examples(transaction: Transaction, face_ids: Collection[int]) -> dict[int, Example]:
    query = (
        sa.select(faces.c.id, faces.c.face_index, images.c.disk, images.c.path, images.c.filename)
        .join_from(faces, images, images.c.id == faces.c.image_id)
        .where(faces.c.id.in_(face_ids))
    )
    return {row[0]: Example(*row) for row in transaction.connection.execute(query)} if face_ids else {}


def _listed(row: sa.RowMapping, examples: Mapping[int, Example]) -> ListedGroup:
    return ListedGroup(
        id=row["id"],
        size=row["size"],
        person_id=row["person_id"],
        person=canonical(row["person"] or "") or None,
        offered_person_id=row["offered_person_id"],
        offered=canonical(row["offered"] or "") or None,
        probability=row["probability"],
        example=examples.get(row["example"]),
    )
