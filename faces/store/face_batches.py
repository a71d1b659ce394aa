"""The table `faces`, many rows at once and of many images: locked by id, and those that become alike written together.

Only with the locks of their images; encodings are not read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from faces.people.kept_face import KeptFace
from faces.store.database import Transaction, chunked
from faces.store.faces import kept, select_kept
from faces.store.schema import faces


def images_of(transaction: Transaction, face_ids: Collection[int]) -> dict[int, int]:
    """The image of each of these faces that has one, soft-deleted ones too."""
    found: dict[int, int] = {}
    for chunk in chunked(sorted(face_ids)):
        query = sa.select(faces.c.id, faces.c.image_id).where(faces.c.id.in_(chunk), faces.c.image_id.is_not(None))
        found |= {int(row.id): int(row.image_id) for row in transaction.connection.execute(query)}
    return found


def newest(transaction: Transaction) -> int:
    """The highest id; 0 where there is no row."""
    return int(transaction.connection.execute(sa.select(sa.func.max(faces.c.id))).scalar() or 0)


def lock(transaction: Transaction, face_ids: Collection[int]) -> dict[int, KeptFace]:
    """These rows, soft-deleted ones too, without their encodings, locked until the transaction ends."""
    found: dict[int, KeptFace] = {}
    for chunk in chunked(sorted(face_ids)):
        query = select_kept(transaction, encodings=False).where(faces.c.id.in_(chunk)).order_by(faces.c.id)
        rows = transaction.connection.execute(query.with_for_update()).mappings()
        found |= {int(row["id"]): kept(dict(row)) for row in rows}
    return found


def update(transaction: Transaction, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """Write each locked row's changed columns, and when; `deleted` becomes the time or NULL."""
    alike: defaultdict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for face, values in changes.items():
        alike[tuple(sorted(values.items()))].append(face)
    for columns, ids in alike.items():
        values = dict(columns)
        if "deleted" in values:
            values["deleted_at"] = transaction.now if values.pop("deleted") else None
        for chunk in chunked(sorted(ids)):
            query = sa.update(faces).where(faces.c.id.in_(chunk))
            transaction.connection.execute(query.values(**values, updated_at=transaction.now))
