from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from faces.errors import CacheUnavailable, FaceApiUnavailable, LockHeld, SchemaError, StoreUnavailable
from worker.amqp.report import BrokerReport
from worker.jobs.context import Done
from worker.queue.outcome import Failed, Release
from worker.queue.status import Status, Waits
from worker.queue.status_file import OF_SERVERS, Report, boot_seconds, read, waited_for

AWAY = "RabbitMQ at 127.0.0.1:5672 does not answer: Connection refused"


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


def shown(state: Path) -> Report:
    """What the one worker says."""
    [report], _ = read(state)
    return report


def file_of(state: Path) -> Path:
    return state / "workers" / f"{os.getpid()}.json"


def rewrite(state: Path, **values: Any) -> None:
    """Change what the file says."""
    file = file_of(state)
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def connected(**values: Any) -> BrokerReport:
    return BrokerReport(**({"connected": True, "since": time.time()} | values))


def test_a_living_worker_is_shown_with_what_it_does(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    assert shown(tmp_path).state == "starting"
    status.working(image=7)
    status.ended(Done())
    status.ended(Failed("no"))
    status.waiting("the database is away", "database")
    [report], totals = read(tmp_path)
    assert report.pid == os.getpid()
    assert report.queues == ["faces"]
    assert report.state == "waiting"
    assert report.reason == "the database is away"
    assert [wait.what for wait in report.waiting] == ["database"]
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
    rewrite(tmp_path, born="1")
    assert read(tmp_path)[0] == []


def test_a_folder_that_cannot_be_written_stops_no_worker(tmp_path: Path) -> None:
    (tmp_path / "workers").write_text("a file in the way")
    status = Status(tmp_path, ["faces"])
    status.working(image=1)
    status.ended(Done())
    status.close()


def test_a_worker_whose_file_cannot_be_written_is_not_shown_with_an_old_one_and_comes_back(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    status.broker(connected())
    status.idle()
    # A folder in the way of the new file, which is written beside the old one first.
    in_the_way = file_of(tmp_path).with_name(f"{os.getpid()}.json.{os.getpid()}.tmp")
    in_the_way.mkdir()
    away = BrokerReport(connected=False, since=time.time(), reason=AWAY)
    status.broker(away)
    assert read(tmp_path)[0] == []
    in_the_way.rmdir()
    status.broker(away)
    assert shown(tmp_path).reason == AWAY


def test_an_order_to_wait_is_shown_until_it_is_taken_back(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    status.ordered("paused: rabbitmq:faces")
    assert shown(tmp_path).state == "ordered to wait"
    assert shown(tmp_path).waiting == []
    status.ordered(None)
    assert shown(tmp_path).state == "idle"
    assert status.ordered_to_wait is None


def test_a_worker_without_its_broker_is_never_idle(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    for report, what, why in (
        (BrokerReport(connected=False, since=time.time(), reason=AWAY), "broker", AWAY),
        (BrokerReport(connected=False, since=time.time()), "broker", "not connected yet"),
        (connected(blocked="low on memory"), "blocked", "low on memory"),
        (connected(refused="403 ACCESS_REFUSED"), "queue", "403 ACCESS_REFUSED"),
        (connected(missing=("faces",)), "queue", "there is no queue faces"),
    ):
        status.broker(report)
        status.idle()
        [wait] = shown(tmp_path).waiting
        assert shown(tmp_path).state == "waiting"
        assert shown(tmp_path).reason == why
        assert wait.what == what
        assert wait.why == why
    status.broker(connected())
    assert shown(tmp_path).state == "idle"
    assert shown(tmp_path).waiting == []


def test_one_of_several_queues_that_is_missing_keeps_nobody_from_work(tmp_path: Path) -> None:
    status = Status(tmp_path, ["high", "faces"])
    status.broker(connected(missing=("high",)))
    status.idle()
    assert shown(tmp_path).state == "idle"
    assert shown(tmp_path).missing == ["high"]
    status.broker(connected(missing=("high", "faces")))
    assert shown(tmp_path).reason == "there is no queue high, faces"


def test_the_file_is_written_only_where_something_is_new(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    report = connected()
    status.broker(report)
    status.idle()
    before = file_of(tmp_path).stat().st_ino
    for _ in range(3):
        status.broker(report)
        status.idle()
        status.unrecorded(0)
        status.settled("nobody's")
    assert file_of(tmp_path).stat().st_ino == before


def test_other_words_for_the_same_reason_do_not_begin_its_seconds_anew(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    status.idle()
    status.broker(BrokerReport(connected=False, since=time.time(), reason=AWAY))
    began = shown(tmp_path).waiting[0].since
    status.broker(BrokerReport(connected=False, since=time.time() + 1, reason="RabbitMQ does not answer: timed out"))
    [wait] = shown(tmp_path).waiting
    assert wait.since == began
    assert wait.why == "RabbitMQ does not answer: timed out"


def test_what_a_job_tried_in_between_did_not_end_goes_on(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    status.waiting("the face API refuses our key", "face_api")
    since = shown(tmp_path).waiting[0].since
    status.working(image=1)
    assert shown(tmp_path).state == "working"
    assert shown(tmp_path).waiting[0].since == since
    status.waiting("the face API refuses our key, again", "face_api")
    status.ended(Release(10, 0, "the world is away"))
    status.idle()
    assert shown(tmp_path).state == "idle"
    status.waiting("the face API refuses our key", "face_api")
    assert shown(tmp_path).waiting[0].since == since
    status.working(image=2)
    status.ended(Done())
    assert shown(tmp_path).state == "idle"
    assert shown(tmp_path).waiting == []
    status.waiting("the face API refuses our key", "face_api")
    assert shown(tmp_path).waiting[0].since > since


def test_a_wait_that_begins_again_much_later_is_a_new_one() -> None:
    waits = Waits()
    waits.are({"cache": "away"}, OF_SERVERS, 100)
    waits.are({}, OF_SERVERS, 200)
    waits.are({"cache": "away"}, OF_SERVERS, 214)
    assert [wait.since for wait in waits.all()] == [100]
    waits.are({}, OF_SERVERS, 300)
    waits.are({"cache": "away"}, OF_SERVERS, 316)
    assert [wait.since for wait in waits.all()] == [316]


@pytest.mark.parametrize("jump", [-86400.0, 0.0, 86400.0])
def test_seconds_do_not_jump_with_the_clock(tmp_path: Path, jump: float) -> None:
    """What was read of the clock before it was set is of no use after."""
    status = Status(tmp_path, ["faces"])
    status.broker(BrokerReport(connected=False, since=time.time() + jump, reason=AWAY))
    rewrite(tmp_path, started_at=time.time() + jump)
    report = shown(tmp_path)
    assert 0 <= boot_seconds() - report.waiting[0].since < 30
    assert 0 <= report.seconds < 3600


def test_refused_jobs_are_counted_until_they_are_settled_or_not_heard_of(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    for job in ("a", "b", "a"):
        status.refused(job)
    assert shown(tmp_path).refused_jobs == ["a", "b"]
    status.settled("a")
    assert shown(tmp_path).refused_jobs == ["b"]
    rewrite(tmp_path, refused={"b": boot_seconds() - 599, "c": boot_seconds() - 601})
    assert shown(tmp_path).refused_jobs == ["b"]


def test_unrecorded_messages_are_shown_with_their_queues(tmp_path: Path) -> None:
    status = Status(tmp_path, ["faces"])
    status.unrecorded(3)
    assert shown(tmp_path).unrecorded == 3
    assert shown(tmp_path).unrecorded_queues == ["faces.unrecorded"]
    status.unrecorded(0)
    assert shown(tmp_path).unrecorded == 0


def test_files_of_older_and_newer_versions_are_read(tmp_path: Path) -> None:
    Status(tmp_path, ["faces"])
    file, now = file_of(tmp_path), json.loads(file_of(tmp_path).read_text())
    names = ("pid", "born", "queues", "started_at", "state", "reason", "job", "counts")
    file.write_text(json.dumps({name: now[name] for name in names} | {"state": "idle"}))
    assert shown(tmp_path).state == "idle"
    assert shown(tmp_path).is_connected is None
    assert shown(tmp_path).waiting == []
    newer = {"what": "broker", "why": AWAY, "since": 1.0, "more": 1}
    file.write_text(json.dumps(now | {"waiting": [newer], "unheard of": 7}))
    assert shown(tmp_path).waiting[0].why == AWAY
    file.write_text(json.dumps(now | {"waiting": ["in another form"]}))
    assert read(tmp_path)[0] == []


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (StoreUnavailable("away"), "database"),
        (SchemaError("lacks a column"), "database"),
        (CacheUnavailable("away"), "cache"),
        (FaceApiUnavailable("away"), "face_api"),
        (LockHeld("somebody's"), "other"),
    ],
)
def test_what_is_away_has_one_of_a_few_names(error: Any, what: str) -> None:
    assert waited_for(error) == what
