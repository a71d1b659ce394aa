from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from threading import Timer

import pytest

from faces.errors import CacheUnavailable, FaceApiUnavailable, FacesError, SchemaError, StoreUnavailable
from tests.stubs.clock import Clock
from tests.stubs.worker import TurningStop
from worker.queue.circuit import Circuit, Probe
from worker.queue.supervision import Stop

AWAY = StoreUnavailable("the database is away")


@pytest.fixture
def stop(clock: Clock) -> Iterator[Stop]:
    """Waits by turning the clock."""
    stop = TurningStop(clock, 3 * 3600)
    yield stop
    stop.close()


class World:
    """A server that is away for so many looks."""

    def __init__(self, away_for: int = 0, error: FacesError = AWAY) -> None:
        self.away_for, self.looks, self.dropped = away_for, 0, 0
        self._error = error
        self.probe = Probe((type(error), SchemaError), self._look, self._drop)

    def _look(self) -> None:
        self.looks += 1
        if self.looks <= self.away_for:
            raise self._error

    def _drop(self) -> None:
        self.dropped += 1


def test_a_world_that_is_back_lets_one_job_try_and_its_end_closes_the_circuit(stop: Stop) -> None:
    world = World(away_for=1)
    circuit = Circuit([world.probe], stop)
    circuit.open(AWAY)
    assert circuit.blocks
    assert circuit.wait(60)
    assert world.looks == 2
    assert circuit.blocks is False
    assert circuit.reason == str(AWAY)
    circuit.close()
    assert circuit.reason is None


def test_a_job_that_fails_although_the_probes_are_well_makes_the_pause_longer(stop: Stop) -> None:
    """A wrong key: the API is ready and refuses all the same. Nobody may hammer it."""
    world = World(away_for=0)
    circuit = Circuit([world.probe], stop)
    for _ in range(3):
        circuit.open(AWAY)
        if circuit.wait(0.5):
            break
    assert world.looks == 0
    assert circuit.blocks


def test_what_the_api_asks_for_is_waited_out(stop: Stop) -> None:
    world = World(away_for=0)
    circuit = Circuit([world.probe], stop)
    circuit.open(FaceApiUnavailable("busy", retry_after=3600))
    assert not circuit.wait(0.1)
    assert world.looks == 0


def test_waiting_ends_with_its_time_and_goes_on_where_it_was(stop: Stop) -> None:
    world = World(away_for=0)
    circuit = Circuit([world.probe], stop)
    circuit.open(AWAY)
    waits = 0
    while not circuit.wait(0.05):
        waits += 1
        assert waits < 200
    assert world.looks == 1


def test_being_told_to_stop_ends_the_waiting() -> None:
    with closing(Stop()) as stop:
        circuit = Circuit([World(away_for=99).probe], stop)
        circuit.open(FaceApiUnavailable("busy", retry_after=3600))
        Timer(0.05, stop.set).start()
        start = time.monotonic()
        assert not circuit.wait(600)
        assert time.monotonic() - start < 300


def test_what_opens_the_circuit_drops_the_idle_connections_of_the_server_that_refused(stop: Stop) -> None:
    database, cache = World(), World(error=CacheUnavailable("READONLY"))
    circuit = Circuit([database.probe, cache.probe], stop)
    circuit.open(CacheUnavailable("READONLY"))
    assert database.dropped == 0
    assert cache.dropped == 1
    circuit.open(AWAY)
    assert database.dropped == 1
    assert cache.dropped == 1


def test_each_look_that_fails_drops_them_again(stop: Stop) -> None:
    database, cache = World(away_for=1), World(error=CacheUnavailable("away"))
    circuit = Circuit([database.probe, cache.probe], stop)
    circuit.open(AWAY)
    assert circuit.wait(60)
    assert database.looks == 2
    assert database.dropped == 2
    assert cache.dropped == 0
