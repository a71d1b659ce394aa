"""Laravel's table `job_batches`: how many jobs of a batch are left, counted as `Bus::batch` counts them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timezone
from typing import Any

import sqlalchemy as sa

from faces.laravel import php_json
from faces.store.database import Transaction

_batches = sa.Table(
    "job_batches",
    sa.MetaData(),
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("pending_jobs", sa.Integer),
    sa.Column("failed_jobs", sa.Integer),
    sa.Column("failed_job_ids", sa.Text),
    sa.Column("options", sa.Text),
    sa.Column("cancelled_at", sa.Integer),
    sa.Column("finished_at", sa.Integer),
)

_marks = sa.table("cache", sa.column("key"), sa.column("value"), sa.column("expiration"))

#: Beginning of the keys of jobs that were counted as done.
_MARK = "face-batch:"

#: Seconds for which a redelivery is known to be counted.
_MARK_SECONDS = 7 * 86400


def count_success(transaction: Transaction, batch_id: str, uuid: str) -> None:
    """One job less is pending; the last one finishes the batch. A job that was counted before is not counted again.

    Where Laravel's table `cache` is not there, nothing is remembered, and a redelivery counts again.
    """
    batch = _locked(transaction, batch_id)
    if batch is None or _was_counted(transaction, uuid):
        return
    pending = batch["pending_jobs"] - 1
    failed = [other for other in _uuids(batch) if other != uuid]
    finished = {"finished_at": _unix(transaction)} if pending == 0 else {}
    _update(transaction, batch_id, {"pending_jobs": pending, "failed_job_ids": php_json.dumps(failed)} | finished)


def count_failure(transaction: Transaction, batch_id: str, uuid: str, allows_failures: Callable[[bytes], bool]) -> None:
    """One job more has failed for good; the first ends a batch that allows no failures.

    Args:
        transaction: the one that ends the job.
        batch_id: the batch.
        uuid: the job; one that stands among the failed ones is not counted again.
        allows_failures: asked with the column `options`, which PHP serialized.
    """
    batch = _locked(transaction, batch_id)
    if batch is None or uuid in _uuids(batch):
        return
    failed = batch["failed_jobs"] + 1
    changes: dict[str, Any] = {"failed_jobs": failed, "failed_job_ids": php_json.dumps([*_uuids(batch), uuid])}
    if failed == 1 and not allows_failures((batch["options"] or "").encode()):
        changes |= {"cancelled_at": _unix(transaction), "finished_at": _unix(transaction)}
    _update(transaction, batch_id, changes)


def _locked(transaction: Transaction, batch_id: str) -> dict[str, Any] | None:
    if "job_batches" not in transaction.schema.tables:
        return None
    query = sa.select(_batches).where(_batches.c.id == batch_id).with_for_update()
    row = transaction.connection.execute(query).mappings().first()
    return dict(row) if row else None


def _update(transaction: Transaction, batch_id: str, changes: dict[str, Any]) -> None:
    transaction.connection.execute(sa.update(_batches).where(_batches.c.id == batch_id).values(**changes))


def _uuids(batch: dict[str, Any]) -> list[str]:
    try:
        uuids = json.loads(batch["failed_job_ids"])
    except ValueError:
        return []
    return [str(uuid) for uuid in uuids] if isinstance(uuids, list) else []


def _was_counted(transaction: Transaction, uuid: str) -> bool:
    """Look for the job's mark and set it; marks whose time is over are removed."""
    if "cache" not in transaction.schema.tables:
        return False
    now, key = _unix(transaction), f"{_MARK}{uuid}"
    ours = _marks.c.key.startswith(_MARK, autoescape=True)
    transaction.connection.execute(sa.delete(_marks).where(ours, _marks.c.expiration <= now))
    if transaction.connection.execute(sa.select(_marks.c.key).where(_marks.c.key == key)).first():
        return True
    transaction.connection.execute(sa.insert(_marks).values(key=key, value="b:1;", expiration=now + _MARK_SECONDS))
    return False


def _unix(transaction: Transaction) -> int:
    return int(transaction.now.replace(tzinfo=timezone.utc).timestamp())
