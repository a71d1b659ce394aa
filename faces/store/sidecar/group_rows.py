"""The tables `groups` and `group_members`: which unknown faces look like one person. One face, one group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from faces.people.encoding_sum import EncodingSum
from faces.people.groups.group_index import KeptGroup
from faces.store.database import Transaction, chunked
from faces.store.sidecar.library_row import tables_of
from faces.store.sidecar.people_rows import NOTHING, Around, TableSum, sum_of

#: What a group waits for: `unsettled_groups`.
SETTLED, TO_JOIN, TO_ASK = range(3)


@dataclass(frozen=True, slots=True)
class Offer:
    """The likeliest person of a group without a name, as a person is asked."""

    person_id: int
    probability: float


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group as the rules need it."""

    id: int
    person_id: int | None
    joined_to: int | None
    total: EncodingSum
    around: Around | None
    offer: Offer | None
    unsettled: bool
    """Changed since it was asked about last."""

    @property
    def is_there(self) -> bool:
        """Whether faces can join it: it has some, and is in no other group."""
        return self.joined_to is None and self.total.count > 0

    def kept(self, *, measured: bool) -> KeptGroup:
        """For the groups in memory; without `measured` its neighbourhood is to be measured anew."""
        value, number = (self.around.value, self.around.number) if self.around and measured else (None, 0)
        return KeptGroup(self.id, self.total, self.person_id is not None, value, number)


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """How many groups there are, and for how many of them somebody is offered."""

    groups: int
    offered: int


def changed_since(transaction: Transaction, change: int) -> Iterator[GroupRow]:
    """Groups that a change after this one has touched, those that are gone too; with -1 all that are there."""
    groups = tables_of(transaction).groups
    query = _select(transaction)
    if change < 0:
        query = query.where(groups.c.joined_to.is_(None), groups.c.size > 0, groups.c.sum.is_not(None))
    else:
        query = query.where(groups.c.change > change)
    return (_group(row) for row in transaction.connection.execute(query))


def read(transaction: Transaction, ids: Collection[int]) -> dict[int, GroupRow]:
    """These groups, by id; locks nothing."""
    return _read(transaction, ids, lock=False)


def lock(transaction: Transaction, ids: Collection[int]) -> dict[int, GroupRow]:
    """These groups as they are now, locked by id."""
    return _read(transaction, ids, lock=True)


def there_after(transaction: Transaction, group_id: int, most: int) -> list[int]:
    """The next groups with faces after this one, by id."""
    groups = tables_of(transaction).groups
    query = sa.select(groups.c.id).where(groups.c.id > group_id, groups.c.joined_to.is_(None), groups.c.size > 0)
    return [int(group) for group in transaction.connection.execute(query.order_by(groups.c.id).limit(most)).scalars()]


def start(transaction: Transaction, total: EncodingSum, around: Around | None) -> int:
    """A new group; returns its id. `around` is None where it has no face yet."""
    values = {**_total(total, around), "created_at": transaction.now}
    result: sa.CursorResult[Any] = transaction.connection.execute(
        sa.insert(tables_of(transaction).groups).values(**values)
    )
    return int(result.lastrowid)


def write_total(
    transaction: Transaction, group_id: int, total: EncodingSum, around: Around | None, offer: Offer | None
) -> None:
    """Write a locked group's sum, and what follows from it; it is unsettled then.

    `around` is None where no face is left.
    """
    update(transaction, group_id, {**_total(total, around), **offer_columns(offer)})


def write_measured(transaction: Transaction, group_id: int, total: EncodingSum, around: Around | None) -> None:
    """Write the sum that a locked group should have had already: its offer, and whether it is settled, stay."""
    columns = _total(total, around)
    update(transaction, group_id, {name: value for name, value in columns.items() if name != "unsettled"})


def offer_columns(offer: Offer | None) -> dict[str, Any]:
    """The columns of a group that hold an offer."""
    return {
        "offered_person_id": offer.person_id if offer else None,
        "probability": offer.probability if offer else None,
    }


def update(transaction: Transaction, group_id: int, values: Mapping[str, Any]) -> None:
    """Write columns of a locked group, and count its revision."""
    groups = tables_of(transaction).groups
    query = sa.update(groups).where(groups.c.id == group_id)
    transaction.connection.execute(query.values(**values, revision=groups.c.revision + 1))


def write_offers(transaction: Transaction, offers: Mapping[int, Offer | None]) -> None:
    """Write who is offered for each of these locked groups, and count their revisions."""
    groups = tables_of(transaction).groups
    query = sa.update(groups).where(groups.c.id == sa.bindparam("group_id"))
    query = query.values({name: sa.bindparam(name) for name in offer_columns(None)})
    query = query.values(revision=groups.c.revision + 1)
    rows = [{"group_id": group, **offer_columns(offer)} for group, offer in sorted(offers.items())]
    if rows:
        transaction.connection.execute(query, rows)


def write_all(transaction: Transaction, rows: Collection[GroupRow]) -> None:
    """Write locked groups as they become, many at once, and count their revisions: sum, offer, whose, and where to.

    They are unsettled then; one that has gone into another is settled, and nobody's.
    """
    groups = tables_of(transaction).groups
    there = [{"group_id": row.id, **_columns(row)} for row in sorted(rows, key=lambda row: row.id)]
    if there:
        query = sa.update(groups).where(groups.c.id == sa.bindparam("group_id"))
        query = query.values({name: sa.bindparam(name) for name in there[0] if name != "group_id"})
        transaction.connection.execute(query.values(revision=groups.c.revision + 1), there)


def absorb(transaction: Transaction, kept: GroupRow, gone: GroupRow, around: Around) -> None:
    """Put all faces of one locked group into another; its row stays, so that it is known where they went."""
    members = tables_of(transaction).group_members
    moved = sa.update(members).where(members.c.group_id == gone.id).values(group_id=kept.id)
    transaction.connection.execute(moved)
    write_total(transaction, kept.id, kept.total + gone.total, around, kept.offer)
    emptied = {**_total(NOTHING, None), **offer_columns(None), "joined_to": kept.id, "unsettled": SETTLED}
    update(transaction, gone.id, emptied)


def offered(transaction: Transaction) -> Iterator[GroupRow]:
    """The groups that somebody is offered for, surest first."""
    groups = tables_of(transaction).groups
    query = _select(transaction).where(groups.c.offered_person_id.is_not(None), groups.c.joined_to.is_(None))
    query = query.where(groups.c.size > 0, groups.c.person_id.is_(None))
    return (
        _group(row) for row in transaction.connection.execute(query.order_by(groups.c.probability.desc(), groups.c.id))
    )


def of_people(transaction: Transaction, person_ids: Collection[int]) -> list[int]:
    """The groups that are these people's by name, or that they are offered for, by id."""
    groups = tables_of(transaction).groups
    found: set[int] = set()
    for chunk in chunked(sorted(person_ids)):
        named = sa.select(groups.c.id).where(groups.c.joined_to.is_(None), groups.c.person_id.in_(chunk))
        offered = sa.select(groups.c.id).where(groups.c.offered_person_id.in_(chunk))
        found |= {int(group) for query in (named, offered) for group in transaction.connection.execute(query).scalars()}
    return sorted(found)


def counts(transaction: Transaction) -> GroupCounts:
    """How many groups there are."""
    groups = tables_of(transaction).groups
    there = sa.select(sa.func.count()).where(groups.c.joined_to.is_(None), groups.c.size > 0)
    offered = there.where(groups.c.person_id.is_(None), groups.c.offered_person_id.is_not(None))
    return GroupCounts(*(int(transaction.connection.execute(query).scalar_one()) for query in (there, offered)))


def table_sum(transaction: Transaction) -> TableSum:
    """Of all groups with faces."""
    groups = tables_of(transaction).groups
    return sum_of(transaction, groups.c.id, groups.c.size, groups.c.joined_to.is_(None), groups.c.size > 0)


def stamp(transaction: Transaction, ids: Collection[int], change: int) -> None:
    """Tell the processes that follow by this change number that these groups are others now."""
    groups = tables_of(transaction).groups
    for chunk in chunked(ids):
        transaction.connection.execute(sa.update(groups).where(groups.c.id.in_(chunk)).values(change=change))


# --- members ---


def groups_of_image(transaction: Transaction, image_id: int) -> dict[int, int]:
    """The groups of an image's faces, by face."""
    members = tables_of(transaction).group_members
    query = sa.select(members.c.face_id, members.c.group_id).where(members.c.image_id == image_id)
    return {int(row.face_id): int(row.group_id) for row in transaction.connection.execute(query)}


def groups_of(transaction: Transaction, face_ids: Collection[int]) -> dict[int, int]:
    """The groups of faces that are in one, by face."""
    members = tables_of(transaction).group_members
    found: dict[int, int] = {}
    for chunk in chunked(face_ids):
        query = sa.select(members.c.face_id, members.c.group_id).where(members.c.face_id.in_(chunk))
        found |= {int(row.face_id): int(row.group_id) for row in transaction.connection.execute(query)}
    return found


def members_of(transaction: Transaction, group_ids: Collection[int]) -> dict[int, list[tuple[int, int]]]:
    """The faces of groups, each with its image, by group; ascending by face."""
    members = tables_of(transaction).group_members
    found: dict[int, list[tuple[int, int]]] = {group: [] for group in group_ids}
    for chunk in chunked(group_ids):
        query = sa.select(members).where(members.c.group_id.in_(chunk)).order_by(members.c.face_id)
        for row in transaction.connection.execute(query):
            found[int(row.group_id)].append((int(row.face_id), int(row.image_id)))
    return found


def groups_with_image(transaction: Transaction, group_ids: Collection[int], image_id: int) -> set[int]:
    """Which of these groups have a face of this image."""
    members = tables_of(transaction).group_members
    found: set[int] = set()
    for chunk in chunked(group_ids):
        query = sa.select(members.c.group_id).where(members.c.image_id == image_id, members.c.group_id.in_(chunk))
        found |= {int(group) for group in transaction.connection.execute(query).scalars()}
    return found


def share_an_image(transaction: Transaction, one: int, other: int) -> bool:
    """Whether two groups have faces of one photo."""
    members = tables_of(transaction).group_members
    others = members.alias()
    query = (
        sa.select(members.c.face_id)
        .join(others, sa.and_(others.c.image_id == members.c.image_id, others.c.group_id == other))
        .where(members.c.group_id == one)
        .limit(1)
    )
    return transaction.connection.execute(query).first() is not None


def put_member(transaction: Transaction, group_id: int, face_id: int, image_id: int) -> None:
    """Put a face that is in no group into a locked one."""
    values = {"face_id": face_id, "group_id": group_id, "image_id": image_id}
    transaction.connection.execute(sa.insert(tables_of(transaction).group_members).values(**values))


def take_member(transaction: Transaction, face_id: int) -> None:
    """Take a face out of its locked group."""
    members = tables_of(transaction).group_members
    transaction.connection.execute(sa.delete(members).where(members.c.face_id == face_id))


def _columns(row: GroupRow) -> dict[str, Any]:
    total, whose = _total(row.total, row.around), {"person_id": row.person_id, "joined_to": row.joined_to}
    if row.joined_to is None:
        return {**total, **whose, **offer_columns(row.offer)}
    return {**total, **whose, **offer_columns(None), "unsettled": SETTLED}


def _total(total: EncodingSum, around: Around | None) -> dict[str, Any]:
    return {
        "size": total.count,
        "sum": total.to_bytes(),
        "around": around.value if around else None,
        "cohort_number": around.number if around else 0,
        "unsettled": TO_JOIN,
    }


def _read(transaction: Transaction, ids: Collection[int], *, lock: bool) -> dict[int, GroupRow]:
    groups = tables_of(transaction).groups
    found: dict[int, GroupRow] = {}
    for chunk in chunked(sorted(ids)):
        query = _select(transaction).where(groups.c.id.in_(chunk)).order_by(groups.c.id)
        rows = transaction.connection.execute(query.with_for_update() if lock else query)
        found |= {int(row.id): _group(row) for row in rows}
    return found


def _select(transaction: Transaction) -> sa.Select[Any]:
    groups = tables_of(transaction).groups
    columns = (
        *("id", "person_id", "joined_to", "size", "sum", "around", "cohort_number"),
        *("offered_person_id", "probability", "unsettled"),
    )
    return sa.select(*(groups.c[name] for name in columns))


def _group(row: Any) -> GroupRow:
    total = NOTHING if row.sum is None else EncodingSum.from_bytes(row.size, row.sum)
    return GroupRow(
        int(row.id),
        None if row.person_id is None else int(row.person_id),
        None if row.joined_to is None else int(row.joined_to),
        total,
        None if row.around is None else Around(row.around, row.cohort_number),
        None if row.offered_person_id is None else Offer(int(row.offered_person_id), row.probability),
        bool(row.unsettled),
    )
