from __future__ import annotations

import multiprocessing

import pytest

from faces.http.server.shared_counters import MASTER, SharedCounters


def _count(shared: SharedCounters, slot: int | None) -> None:
    shared.use(slot)
    shared.set("busy", 1)
    for _ in range(1000):
        shared.add("photos")
    shared.add("seconds", 0.25)


def in_a_fork(shared: SharedCounters, slot: int | None) -> None:
    process = multiprocessing.get_context("fork").Process(target=_count, args=(shared, slot))
    process.start()
    process.join(30)
    assert process.exitcode == 0


def test_processes_count_into_one_sum_and_gauges_are_each_ones_own() -> None:
    shared = SharedCounters(4, ["busy"])
    shared.add("photos", 2)
    slots = [shared.reserve(), shared.reserve()]
    for slot in slots:
        in_a_fork(shared, slot)
    assert shared.counters() == {"photos": 2002, "seconds": 0.5}
    assert sum(gauges["busy"] for gauges in shared.gauges()) == 2


def test_the_counters_of_an_ended_process_stay_and_its_slot_is_given_out_again() -> None:
    shared = SharedCounters(2, ["busy"])
    for generation in range(1, 6):
        slot = shared.reserve()
        in_a_fork(shared, slot)
        shared.end(slot)
        assert shared.counters() == {"photos": 1000 * generation, "seconds": 0.25 * generation}
        assert sum(gauges["busy"] for gauges in shared.gauges()) == 0
    assert shared.is_complete


def test_a_process_without_a_slot_counts_nothing_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    shared = SharedCounters(1, ["busy"])
    assert shared.reserve() is None
    _count(shared, None)
    assert shared.counters() == {}
    assert not shared.is_complete
    assert len(caplog.records) == 1
    shared.end(None)


def test_names_beyond_the_room_are_lost_and_the_others_counted_on() -> None:
    shared = SharedCounters(1, ["busy"])
    for number in range(5000):
        shared.add(f"{number:0100}")
    shared.add(f"{0:0100}")
    counters = shared.counters()
    assert counters[f"{0:0100}"] == 2
    assert 500 < len(counters) < 5000
    assert not shared.is_complete
    shared.use(MASTER)
