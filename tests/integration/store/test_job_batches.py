"""Counting a batch's jobs: as real Laravel counts them, but each job once."""

from __future__ import annotations

from typing import Any

import pytest

from faces.store import job_batches
from faces.store.database import Store
from tests.servers.php import STORES, run_php
from tests.servers.rows import Rows
from worker.laravel.failures import allows_failures

on_both = pytest.mark.parametrize("url", ["sqlite with a queue", "mariadb v1"], indirect=True)

#: Makes a batch and counts in it as PHP's worker does.
_BATCH = (
    STORES
    + r"""
$connection = database($in->port, $in->database);
$queue = new Illuminate\Queue\QueueManager(new Illuminate\Container\Container);
$factory = new Illuminate\Bus\BatchFactory($queue);
$batches = new Illuminate\Bus\DatabaseBatchRepository($factory, $connection, 'job_batches');
$pending = new Illuminate\Bus\PendingBatch(new Illuminate\Container\Container, collect());
$pending->options = (array) $in->options;
$batch = $batches->store($pending);
$batches->incrementTotalJobs($batch->id, 3);
foreach ($in->steps as [$done, $uuid]) {
    $batch = $batch->fresh();
    $done ? $batch->recordSuccessfulJob($uuid) : $batch->recordFailedJob($uuid, new Exception('x'));
}
answer($batch->id);
"""
)

Step = tuple[bool, str]

STEPS: list[list[Step]] = [
    [(True, "a"), (True, "b")],
    [(True, "a"), (True, "b"), (True, "c")],
    [(False, "a")],
    [(False, "a"), (False, "b"), (True, "c")],
    [(False, "a"), (True, "b"), (True, "a"), (True, "c")],
]


def new_batch(rows: Rows, options: str = "a:0:{}") -> str:
    rows.run(
        "INSERT INTO job_batches (id, name, total_jobs, pending_jobs, failed_jobs, failed_job_ids, options, created_at)"
        " VALUES ('batch', '', 3, 3, 0, '[]', :options, 0)",
        options=options,
    )
    return "batch"


def count(store: Store, batch: str, *steps: Step) -> None:
    for done, uuid in steps:
        if done:
            store.write(lambda transaction, uuid=uuid: job_batches.count_success(transaction, batch, uuid))  # type: ignore[misc]
        else:
            store.write(
                lambda transaction, uuid=uuid: job_batches.count_failure(transaction, batch, uuid, allows_failures)  # type: ignore[misc]
            )


def counted(rows: Rows, batch: str) -> dict[str, Any]:
    row = rows.one("SELECT * FROM job_batches WHERE id = :id", id=batch)
    ended = {name: row[name] is not None for name in ("cancelled_at", "finished_at")}
    return {name: row[name] for name in ("total_jobs", "pending_jobs", "failed_jobs", "failed_job_ids")} | ended


@pytest.mark.parametrize("steps", STEPS, ids=str)
@pytest.mark.parametrize("allowed", [False, True], ids=["no failures", "failures allowed"])
@pytest.mark.parametrize("url", ["mariadb v1"], indirect=True)
def test_jobs_are_counted_as_laravel_counts_them(
    url: str, rows: Rows, store: Store, steps: list[Step], allowed: bool
) -> None:
    server, _, name = url.rpartition("/")
    asked = {"port": int(server.rpartition(":")[2]), "database": name, "steps": steps}
    batch = run_php(_BATCH, asked | {"options": {"allowFailures": allowed}})
    options = rows.one("SELECT options FROM job_batches")["options"]
    count(store, new_batch(rows, options), *steps)
    assert counted(rows, "batch") == counted(rows, batch)


@on_both
def test_a_job_is_counted_once_however_often_it_is_delivered(rows: Rows, store: Store) -> None:
    batch = new_batch(rows)
    count(store, batch, (True, "a"), (True, "a"), (False, "b"), (False, "b"), (True, "a"))
    assert counted(rows, batch) == {
        "total_jobs": 3,
        "pending_jobs": 2,
        "failed_jobs": 1,
        "failed_job_ids": '["b"]',
        "cancelled_at": True,
        "finished_at": True,
    }


@on_both
def test_marks_that_nobody_can_need_any_more_go_and_others_entries_stay(rows: Rows, store: Store) -> None:
    batch = new_batch(rows)
    insert = "INSERT INTO cache VALUES (:key, 'b:1;', :expiration)"
    for key, expiration in (("face-batch:old", 1), ("face-batch:new", 2**31 - 1), ("app_cache_x", 1)):
        rows.run(insert, key=key, expiration=expiration)
    count(store, batch, (True, "a"))
    keys = [row["key"] for row in rows.read("SELECT * FROM cache ORDER BY 1")]
    assert keys == ["app_cache_x", "face-batch:a", "face-batch:new"]


@on_both
def test_without_a_cache_in_the_database_jobs_are_counted_all_the_same(rows: Rows, store: Store) -> None:
    rows.run("DROP TABLE cache")
    batch = new_batch(rows)
    reopened = Store.open(store._engine.url.render_as_string(hide_password=False))
    count(reopened, batch, (True, "a"), (True, "b"), (True, "c"))
    reopened.close()
    assert counted(rows, batch)["pending_jobs"] == 0
    assert counted(rows, batch)["finished_at"] is True


@on_both
def test_a_batch_that_is_not_there_is_no_trouble(rows: Rows, store: Store) -> None:
    count(store, "pruned", (True, "a"), (False, "b"))
    assert rows.read("SELECT * FROM cache") == []
    rows.run("DROP TABLE job_batches")
    reopened = Store.open(store._engine.url.render_as_string(hide_password=False))
    count(reopened, "batch", (True, "a"), (False, "b"))
    reopened.close()


@on_both
def test_a_list_of_failed_jobs_that_cannot_be_read_is_begun_anew(rows: Rows, store: Store) -> None:
    batch = new_batch(rows)
    for broken in ("", "{", "null", "7"):
        rows.run("UPDATE job_batches SET failed_job_ids = :broken, failed_jobs = 0", broken=broken)
        count(store, batch, (False, "a"))
        assert counted(rows, batch)["failed_job_ids"] == '["a"]'
