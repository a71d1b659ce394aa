"""The app's table `queues`: one row for each job that waits, so that it is not queued twice."""

from __future__ import annotations

import sqlalchemy as sa

from faces.store.database import Transaction

_queues = sa.Table(
    "queues",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("queue_key", sa.LargeBinary(16)),
)


def forget(transaction: Transaction, dedup_key: bytes) -> None:
    """Delete a job's row, so that its image can be queued again; many jobs have none, which is normal.

    Args:
        transaction: the one that ends the job.
        dedup_key: the 16 bytes of the MD5.
    """
    if "queues" in transaction.schema.tables:
        transaction.connection.execute(sa.delete(_queues).where(_queues.c.queue_key == dedup_key))
