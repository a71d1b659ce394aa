"""A write that finds out whether the database takes any, where a question alone does not tell: read-only, or full."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa

from faces.store import driver_errors, failed_jobs
from faces.store.database import Transaction
from faces.store.failed_jobs import FailedJob
from faces.store.schema import images


def write(transaction: Transaction) -> None:
    """Write a row of `failed_jobs`, or where there is no such table an image's; meant for `Store.rehearse`.

    A row that only its table refuses, for a right or a column, is no error: the server takes others.

    Raises:
        sqlalchemy.exc.DBAPIError: the server takes no writes, or was lost.
    """
    try:
        if "failed_jobs" in transaction.schema.tables:
            failed_jobs.record(transaction, FailedJob(str(uuid4()), "probe", "probe", "{}", "rolled back"))
        else:
            nowhere = sa.update(images).where(images.c.id == 0).values(updated_at=images.c.updated_at)
            transaction.connection.execute(nowhere)
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated or driver_errors.is_away(error):
            raise
