from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from threading import Timer

import pytest

from faces.errors import FaceApiUnavailable, StoreUnavailable
from tests.stubs.clock import Clock
from tests.stubs.worker import TurningStop
from worker.consumer.circuit import Circuit
from worker.consumer.stop import Stop

AWAY = StoreUnavailable("the database is away")


@pytest.fixture
def stop(clock: Clock) -> Iterator[Stop]:
    """Waits by turning the clock."""
    stop = TurningStop(clock, 3 * 3600)
    yield stop
    stop.close()


class World:
    """Away for so many looks."""

    def __init__(self, away_for: int) -> None:
        self.away_for, self.looks = away_for, 0

    def __call__(self) -> None:
        self.looks += 1
        if self.looks <= self.away_for:
            raise AWAY


def test_a_world_that_is_back_lets_one_job_try_and_its_end_closes_the_circuit(stop: Stop) -> None:
    world = World(away_for=1)
    circuit = Circuit([world], stop)
    circuit.open(AWAY)
    assert circuit.blocks
    assert circuit.wait(60)
    assert (world.looks, circuit.blocks, circuit.reason) == (2, False, str(AWAY))
    circuit.close()
    assert circuit.reason is None


def test_a_job_that_fails_although_the_probes_are_well_makes_the_pause_longer(stop: Stop) -> None:
    """A wrong key: the API is ready and refuses all the same. Nobody may hammer it."""
    world = World(away_for=0)
    circuit = Circuit([world], stop)
    for _ in range(3):
        circuit.open(AWAY)
        if circuit.wait(0.5):
            break
    assert world.looks == 0
    assert circuit.blocks


def test_what_the_api_asks_for_is_waited_out(stop: Stop) -> None:
    world = World(away_for=0)
    circuit = Circuit([world], stop)
    circuit.open(FaceApiUnavailable("busy", retry_after=3600))
    assert not circuit.wait(0.1)
    assert world.looks == 0


def test_waiting_ends_with_its_time_and_goes_on_where_it_was(stop: Stop) -> None:
    world = World(away_for=0)
    circuit = Circuit([world], stop)
    circuit.open(AWAY)
    waits = 0
    while not circuit.wait(0.05):
        waits += 1
        assert waits < 200
    assert world.looks == 1


def test_being_told_to_stop_ends_the_waiting() -> None:
    with closing(Stop()) as stop:
        circuit = Circuit([World(away_for=99)], stop)
        circuit.open(FaceApiUnavailable("busy", retry_after=3600))
        Timer(0.05, stop.set).start()
        start = time.monotonic()
        assert not circuit.wait(600)
        assert time.monotonic() - start < 300
