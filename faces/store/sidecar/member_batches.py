"""The table `group_members`, many faces at once; and how often groups have changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from faces.store.database import Transaction, chunked
from faces.store.sidecar.library_row import tables_of


def put(transaction: Transaction, members: Mapping[int, tuple[int, int]]) -> None:
    """Put faces that are in no group into locked ones: the group and the image of each, by face."""
    rows = [{"face_id": face, "group_id": group, "image_id": image} for face, (group, image) in sorted(members.items())]
    if rows:
        transaction.connection.execute(sa.insert(tables_of(transaction).group_members), rows)


def take(transaction: Transaction, face_ids: Collection[int]) -> None:
    """Take faces out of their locked groups."""
    members = tables_of(transaction).group_members
    for chunk in chunked(sorted(face_ids)):
        transaction.connection.execute(sa.delete(members).where(members.c.face_id.in_(chunk)))


def revisions(transaction: Transaction, group_ids: Collection[int]) -> dict[int, int]:
    """How often each of these groups has changed."""
    groups = tables_of(transaction).groups
    found: dict[int, int] = {}
    for chunk in chunked(sorted(group_ids)):
        query = sa.select(groups.c.id, groups.c.revision).where(groups.c.id.in_(chunk))
        found |= {int(row.id): int(row.revision) for row in transaction.connection.execute(query)}
    return found
