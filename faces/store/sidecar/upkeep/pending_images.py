"""The table `pending_images`: images whose faces our tables are still to be brought up to date with.

A note is written in the transaction that makes an image stale, and removed in the one that brings it up to date. So it
stays where a process is killed between the two.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from faces.store.database import Transaction, chunked
from faces.store.schema import images
from faces.store.sidecar.library_row import tables_of


@dataclass(frozen=True, slots=True)
class PendingImage:
    """A note. An image may have several: of several changes, each in a transaction of its own."""

    id: int
    image_id: int
    awaits_until: datetime | None
    """None: it is stale now. Else the app may still write its metadata, until then."""


@dataclass(frozen=True, slots=True)
class AwaitedImages:
    """Some images whose metadata is waited for."""

    come: list[int]
    """Those that have it by now, or are gone."""
    over: list[int]
    """Notes of those that were waited for long enough."""
    last: int | None
    """The last note that was looked at; None where there are no more."""


def of_image(transaction: Transaction, image_id: int) -> list[PendingImage]:
    """The notes of an image; to be read before what they are of, so that none is removed that came meanwhile."""
    pending = tables_of(transaction).pending_images
    return _read(transaction, sa.select(pending).where(pending.c.image_id == image_id))


def add(transaction: Transaction, image_ids: Collection[int]) -> None:
    """Note that these images are stale as soon as this transaction is committed."""
    pending = tables_of(transaction).pending_images
    for chunk in chunked(sorted(image_ids)):
        transaction.connection.execute(sa.insert(pending), [{"image_id": image_id} for image_id in chunk])


def await_metadata(transaction: Transaction, image_id: int, until: datetime) -> None:
    """Note that an image is to be brought up to date when the app has written its metadata."""
    pending = tables_of(transaction).pending_images
    transaction.connection.execute(sa.insert(pending).values(image_id=image_id, awaits_until=until))


def remove(transaction: Transaction, ids: Collection[int]) -> None:
    """Remove notes."""
    pending = tables_of(transaction).pending_images
    for chunk in chunked(sorted(ids)):
        transaction.connection.execute(sa.delete(pending).where(pending.c.id.in_(chunk)))


def stale(transaction: Transaction, after: int, most: int) -> Sequence[PendingImage]:
    """So many notes of images that are stale now, behind this one, in the order in which they were written."""
    pending = tables_of(transaction).pending_images
    query = sa.select(pending).where(pending.c.awaits_until.is_(None), pending.c.id > after)
    return _read(transaction, query.order_by(pending.c.id).limit(most))


def awaited(transaction: Transaction, after: int, most: int) -> AwaitedImages:
    """Look at so many of the images whose metadata is waited for, behind this note: each by its key."""
    pending = tables_of(transaction).pending_images
    # Where it is wide, it is not read: only whether there is any.
    has_it = images.c.metadata.is_not(None)
    query = sa.select(pending, has_it.label("has_it"), images.c.id.label("there"))
    query = query.join(images, images.c.id == pending.c.image_id, isouter=True)
    query = query.where(pending.c.awaits_until.is_not(None), pending.c.id > after)
    rows = transaction.connection.execute(query.order_by(pending.c.id).limit(most)).all()
    come = [int(row.image_id) for row in rows if row.has_it or row.there is None]
    over = [int(row.id) for row in rows if row.awaits_until <= transaction.now and row.image_id not in come]
    return AwaitedImages(come, over, int(rows[-1].id) if len(rows) == most else None)


def _read(transaction: Transaction, query: sa.Select[Any]) -> list[PendingImage]:
    rows = transaction.connection.execute(query)
    return [PendingImage(int(row.id), int(row.image_id), row.awaits_until) for row in rows]
