from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Any

import pytest

from worker.commands.status import facts_of, lines_of, metrics_of, troubles_of
from worker.queue.status_file import Report, Waiting, boot_seconds

BROKER: dict[str, Any] = {
    **{"connected": True, "since": 0.0, "reason": None},
    **{"blocked": None, "refused": None, "missing": []},
}
AWAY = BROKER | {"connected": False, "reason": "refused"}


def report(**values: Any) -> Report:
    usual = {"pid": 7, "born": "0", "queues": ["faces"], "started_at": 0.0, "state": "idle", "broker": BROKER}
    return Report(**(usual | values))


def wait(what: str, seconds: float, why: str = "words") -> Waiting:
    return Waiting(what, why, boot_seconds() - seconds)


def test_a_worker_that_does_well_is_one_line() -> None:
    [line] = lines_of(report())
    assert re.fullmatch(r"worker 7, faces, \d+ s, connected: idle", line)
    assert troubles_of(report()) == []
    [line] = lines_of(report(state="working", job={"queue": "faces", "image": 5}))
    assert line.endswith("connected: working: queue faces image 5")


def test_what_is_wrong_stands_below_with_since_when_and_why() -> None:
    away = report(
        state="waiting",
        reason="refused",
        broker=AWAY,
        waiting=[wait("broker", 75, "refused"), wait("database", 5, "timed out")],
        refused={"a": boot_seconds()},
        unrecorded=2,
    )
    line, *below = lines_of(away)
    assert line.endswith("s, not connected: waiting: refused")
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.fullmatch(rf"    not connected to RabbitMQ since {moment}, 75 s", below[0])
    assert re.fullmatch(rf"    waits for the database since {moment}, 5 s: timed out", below[1])
    assert "refused jobs that wait at the end of the queue: 1" in below[2]
    assert "faces.unrecorded" in below[3]
    assert [trouble.partition(" since ")[0] for trouble in troubles_of(away)] == [
        "not connected to RabbitMQ",
        below[2].strip(),
        below[3].strip(),
    ]
    assert "there is no queue high" in lines_of(report(broker=BROKER | {"missing": ["high"]}))[1]


@pytest.mark.parametrize("what", ["broker", "blocked", "queue", "database", "cache", "face_api", "start", "other"])
def test_a_minute_of_waiting_is_wrong_whatever_is_waited_for(what: str) -> None:
    assert troubles_of(report(waiting=[wait(what, 59)])) == []
    [trouble] = troubles_of(report(waiting=[wait(what, 61)]))
    assert trouble.endswith("61 s: words")


def test_who_is_ordered_to_wait_does_well() -> None:
    assert troubles_of(report(state="ordered to wait", reason="paused: faces")) == []


def test_machines_get_the_same_facts_and_no_seconds_since_boot() -> None:
    facts = facts_of(report(broker=AWAY, waiting=[wait("broker", 75, "refused")], unrecorded=2))
    assert facts["broker"] == {name: AWAY[name] for name in AWAY if name != "since"} | {"seconds": int(boot_seconds())}
    assert facts["waiting"] == [{"what": "broker", "why": "refused", "seconds": 75}]
    assert facts["unrecorded"] == {"messages": 2, "queues": ["faces.unrecorded"]}
    assert len(facts["wrong"]) == 2


def test_what_lies_in_the_future_is_no_negative_number() -> None:
    late = report(waiting=[wait("broker", -500)], born=str(int((boot_seconds() + 500) * os.sysconf("SC_CLK_TCK"))))
    assert "not connected to RabbitMQ since" in lines_of(late)[1]
    assert facts_of(late)["seconds"] == 0
    assert facts_of(late)["waiting"][0]["seconds"] == 0


def metrics(*reports: Report) -> dict[str, str]:
    """Each series and its value; the text has to have the form that Prometheus reads."""
    found, family = {}, ""
    for line in metrics_of(reports, {"done": 3, "failed": 0}).splitlines():
        if line.startswith("#"):
            _, kind, family, words = line.split(" ", 3)
            assert kind in {"HELP", "TYPE"}
            assert words
            continue
        series, value = line.rsplit(" ", 1)
        assert re.fullmatch(rf'{family}(\{{\w+="([^"\\]|\\.)*"\}})?', series)
        found[series.removeprefix("face_worker_")] = value
    return found


def test_metrics_have_the_broker_the_seconds_by_reason_and_what_is_left() -> None:
    found = metrics(
        report(refused={"a": boot_seconds(), "b": boot_seconds()}, unrecorded=2),
        report(broker=AWAY, state="waiting", waiting=[wait("broker", 75), wait("cache", 3)]),
        report(broker=AWAY, state="waiting", waiting=[wait("broker", 5)], refused={"a": boot_seconds()}, unrecorded=2),
        report(broker=BROKER | {"blocked": "low on memory"}, queues=['a"b\\c']),
        report(broker=None, state="starting"),
    )
    assert found['workers{state="waiting"}'] == "2"
    states = ("connected", "blocked", "away", "unknown")
    assert [found[f'brokers{{state="{state}"}}'] for state in states] == ["1", "1", "2", "1"]
    assert found['waiting_seconds{reason="broker"}'] == "75"
    assert found['waiting_seconds{reason="cache"}'] == "3"
    assert found['waiting_seconds{reason="database"}'] == "0"
    assert found["refused_jobs"] == "2"
    assert found['unrecorded_messages{queues="faces"}'] == "2"
    assert found['unrecorded_messages{queues="a\\"b\\\\c"}'] == "0"


def test_metrics_without_a_worker_are_whole() -> None:
    found = metrics()
    assert found['jobs_total{outcome="done"}'] == "3"
    assert found["refused_jobs"] == "0"
    assert found['waiting_seconds{reason="face_api"}'] == "0"


def test_a_report_is_not_changed_by_looking_at_it() -> None:
    one = report(waiting=[wait("broker", 75)])
    before = replace(one)
    lines_of(one), facts_of(one), troubles_of(one), metrics(one)
    assert one == before
