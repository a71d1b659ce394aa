from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path

from worker.consumer.outcome import Done, Failed, Release
from worker.consumer.status import Status
from worker.consumer.worker_files import read


def _work_and_die(state: Path, done: int) -> None:
    status = Status(state, ["faces"])
    for _ in range(done):
        status.working(image=1)
        status.ended(Done())
    status.working(image=2)
    os.kill(os.getpid(), signal.SIGKILL)


def killed_worker(state: Path, done: int) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_work_and_die, args=(state, done))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL


def test_a_living_worker_is_shown_with_what_it_does(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    status.working(image=7)
    status.ended(Done())
    status.ended(Failed("no"))
    status.waiting("the database is away")
    [report], totals = read(tmp_path)
    assert (report.pid, report.queues, report.state) == (os.getpid(), ["faces"], "waiting")
    assert report.reason == "the database is away"
    assert totals == {"done": 1, "released": 0, "failed": 1, "handed_on": 0}


def test_counts_outlive_workers_that_end_and_workers_that_are_killed(tmp_path: Path) -> None:
    killed_worker(tmp_path, done=3)
    assert read(tmp_path) == ([], {"done": 3, "released": 0, "failed": 0, "handed_on": 0})
    status = Status(tmp_path, ["faces"])
    status.ended(Release(1, 1, "again"))
    status.close()
    assert read(tmp_path) == ([], {"done": 3, "released": 1, "failed": 0, "handed_on": 0})
    assert sorted(path.name for path in (tmp_path / "workers").glob("*.json")) == ["ended.json"]


def test_a_number_that_another_process_has_now_is_no_worker(tmp_path: Path) -> None:
    Status(tmp_path, ["faces"])
    file = tmp_path / "workers" / f"{os.getpid()}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"born": "1"}))
    assert read(tmp_path)[0] == []


def test_a_folder_that_cannot_be_written_stops_no_worker(tmp_path: Path) -> None:
    (tmp_path / "workers").write_text("a file in the way")
    status = Status(tmp_path, ["faces"])
    status.working(image=1)
    status.ended(Done())
    status.close()


def test_an_order_to_wait_is_shown_until_it_is_taken_back(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    status.ordered("paused: rabbitmq:faces")
    assert read(tmp_path)[0][0].state == "ordered to wait"
    status.ordered(None)
    assert (read(tmp_path)[0][0].state, status.ordered_to_wait) == ("idle", None)
